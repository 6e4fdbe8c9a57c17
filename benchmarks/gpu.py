"""How fast a GPU trains: steps and tokens a second, the share of its peak that is used, and memory, in one table.

Run as ``python benchmarks/gpu.py``; it takes some minutes, most of them to compile. Rows: two shapes of BERT, of random
weights; fine-tuning, and mask training at 70 %; as the study trains, and with the encoder's layers compiled. Without a
GPU a tiny model shows that the script runs, and measures nothing.
"""

import gc
import time
from dataclasses import dataclass
from itertools import islice
from statistics import median

import torch
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification

from srnet.debiasing.losses import make_objective
from srnet.machine import place, sent, synchronise
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training.encoding import MAX_LENGTH, Encoded
from srnet.training.loop import TrainingRun, fit, shuffled_batches
from srnet.training.recipe import Recipe

VOCABULARY, CLASSES, PAIRS, SEED = 30522, 3, 4800, 0
TYPICAL, SPREAD = 36.0, 0.45  # of log-normal lengths: 40 tokens on average, as MNLI's pairs
SPARSITY, INTERVAL = 0.7, 50  # thresholds are solved after so many steps
REPETITIONS = 3
BUCKET = 16  # widths of compiled batches are multiples of this
COMPILATIONS = 64  # of a layer: one for each width, twice if the first layer's input needs no gradient


@dataclass(frozen=True)
class Shape:
    """The size of a BERT."""

    name: str
    layers: int
    hidden: int
    heads: int
    intermediate: int

    def model(self, device: torch.device) -> BertForSequenceClassification:
        config = BertConfig(
            vocab_size=VOCABULARY,
            num_hidden_layers=self.layers,
            hidden_size=self.hidden,
            num_attention_heads=self.heads,
            intermediate_size=self.intermediate,
            id2label={label: str(label) for label in range(CLASSES)},
        )
        model = BertForSequenceClassification(config)
        nn.Module.to(model, device)
        return model

    def operations(self, lengths: Tensor) -> float:
        """Return the FLOPs of the matrix products for pairs of these lengths, without padding, forward and backward.

        Backward is twice forward; mask training, where nothing before the first layer is trained, needs about 1 % less.
        """
        tokens = lengths.double()
        linear = 2 * tokens * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)
        attention = 4 * tokens**2 * self.hidden
        head = 2 * (self.hidden**2 + CLASSES * self.hidden)
        return 3 * float((self.layers * (linear + attention) + head).sum())


SHAPES = (Shape("MiniLM-L6", 6, 384, 12, 1536), Shape("BERT-base", 12, 768, 12, 3072))
TINY = Shape("tiny", 2, 32, 2, 64)


class Bucketed(Encoded):
    """Pairs whose batches have one of a few widths, and always a mask, so that few shapes are compiled."""

    def inputs(self, index: Tensor, device: torch.device) -> dict[str, Tensor]:
        real = torch.ones(len(index), int(self.lengths[index].max()), dtype=torch.int64)
        batch = {"attention_mask": sent(real, device)} | super().inputs(index, device)
        return {name: F.pad(tensor, (0, -tensor.shape[1] % BUCKET)) for name, tensor in batch.items()}


def pairs(kind: type[Encoded]) -> Encoded:
    generator = torch.Generator().manual_seed(SEED)
    lengths = TYPICAL * torch.exp(SPREAD * torch.randn(PAIRS, generator=generator))
    ids = torch.randint(1, VOCABULARY, (PAIRS, MAX_LENGTH), dtype=torch.int32, generator=generator)
    types = (torch.arange(MAX_LENGTH) >= 2 / 3 * lengths[:, None]).int()
    labels = torch.randint(CLASSES, (PAIRS,), generator=generator)
    return kind(ids, types, lengths.round().long().clamp(4, MAX_LENGTH), labels)


def product_rate(device: torch.device) -> float:
    """Return the FLOP/s of large bfloat16 products: the peak that this device reaches."""
    size, times, seconds = 8192 if device.type == "cuda" else 256, 10, []
    factor = torch.randn(size, size, device=device).bfloat16()
    for _ in range(1 + REPETITIONS):
        synchronise(device)
        start = time.perf_counter()
        for _ in range(times):
            factor @ factor
        synchronise(device)
        seconds.append(time.perf_counter() - start)
    return times * 2 * size**3 / median(seconds[1:])


def measure(shape: Shape, masked: bool, compiled: bool, device: torch.device, peak: float, steps: int) -> list[str]:
    """Return a row's figures: of the last two thirds of the steps; all are made once before, to compile and warm up."""
    gc.collect()  # models of earlier rows are no part of this one's memory
    torch.compiler.reset()
    torch.manual_seed(SEED)
    model, data, first = shape.model(device), pairs(Bucketed if compiled else Encoded), steps // 3
    if compiled:  # the layers alone: what masks them is done before, in one operation for all
        for layer in model.bert.encoder.layer:
            layer.compile(fullgraph=True, dynamic=False)
    times, seconds = {0: 0.0}, []

    def after_step(step: int) -> None:
        if step in (first, steps):
            synchronise(device)
            times[step] = time.perf_counter()

    objective = make_objective("poe", torch.randn(PAIRS, CLASSES).log_softmax(dim=-1))
    run = TrainingRun(data, Recipe(steps, precision="bfloat16"), objective, SEED, after_step)
    for repetition in range(1 + REPETITIONS):
        if repetition == 1 and device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        if masked:
            train_mask(model, run, lambda step: 0.0, MaskPlan(SPARSITY, INTERVAL))
        else:
            fit(model, list(model.parameters()), run)
        seconds.append(times[steps] - times[first])
    taken = median(seconds[1:])
    lengths = data.lengths[torch.cat(list(islice(shuffled_batches(data, run.recipe, SEED), first, steps)))]
    share = shape.operations(lengths) / taken / peak
    memory = f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f}" if device.type == "cuda" else "-"
    return [f"{(steps - first) / taken:.1f}", f"{int(lengths.sum()) / taken:,.0f}", f"{share:.1%}", memory]


def main(device: str = "") -> Table:
    there = torch.device(place(device))
    peak, gpu = product_rate(there), there.type == "cuda"
    torch._dynamo.config.recompile_limit = COMPILATIONS
    where = torch.cuda.get_device_name(there) if gpu else "no GPU: a tiny model on the CPU, which measures nothing"
    title = f"{where}; torch {torch.__version__}; products in bfloat16, at most {peak / 1e12:,.1f} TFLOP/s"
    table = Table("model", "training", "layers", "steps/s", "tokens/s", "MFU", "peak memory, GiB", title=title)
    with Live(table, console=Console(width=100)):  # the rows that there are are shown even if a later one fails
        for shape in SHAPES if gpu else (TINY,):
            for training in ("dense", "mask, 70 %"):
                for layers in ("eager", "compiled") if gpu else ("eager",):
                    how = training != "dense", layers == "compiled"
                    row = measure(shape, *how, there, peak, 3 * INTERVAL if gpu else 9)
                    table.add_row(shape.name, training, layers, *row)
    return table


if __name__ == "__main__":
    typer.run(main)
