"""What makes the study fast: one table of ratios, the two sides of each measured in turns within one run.

    SRNET_DATA=... SRNET_PLM=... python benchmarks/speed.py

Masks of a small encoder are trained with the product of experts on MNLI, and models of the pocket world are trained;
on one CPU core, in about five minutes. Without SRNET_DATA and SRNET_PLM the encoder has random weights and the pairs
are random, of as many tokens as MNLI's.

The reference does what the authors' released code does, with the rest of this project's code: float32 with PyTorch's
own kernels, every pair padded to 128 tokens, and every 1,000 steps a prediction, in batches of 8, for all examples of
MNLI-m and HANS.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice, pairwise
from math import inf, log2
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import pad
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from srnet.data import load_task
from srnet.debiasing.bias import bias_features
from srnet.debiasing.losses import make_objective
from srnet.debiasing.word_vectors import WordVectors
from srnet.machine import keep_memory
from srnet.masking import Mask
from srnet.paper import TABLE_1
from srnet.planning.lengths import OFFICIAL
from srnet.pocket import World, build_nli, plm_folder
from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.study.profiles import PROFILES
from srnet.training import precision as kernels
from srnet.training.encoding import MAX_LENGTH, Encoded, encode
from srnet.training.families import prunable_weights
from srnet.training.loop import TrainingRun, fit, predict, shuffled_batches
from srnet.training.models import load_classifier, load_tokenizer
from srnet.training.recipe import PRECISIONS, Recipe

FULL = PROFILES["paper"].training["nli"]  # a full-length run, as the paper has it
OFFICIAL_BATCH = 8  # examples of a prediction in the released code
SHOWN = 70  # percent of weights removed
Row = tuple[str, str]


@dataclass(frozen=True)
class Side:
    """One way to train: a model on a data set by a recipe."""

    model: PreTrainedModel
    data: Encoded
    recipe: Recipe
    method: str = "mask"
    own_kernels: bool = False

    def seconds(self) -> list[float]:
        """Train, and return the seconds of each step but the first, and the last, after which thresholds are solved."""
        ends = list[float]()
        bias = torch.randn(len(self.data), int(self.model.config.num_labels or 0)).log_softmax(1)
        after_step = lambda step: ends.append(time.perf_counter())  # noqa: E731
        run = TrainingRun(self.data, self.recipe, make_objective("poe", bias), 0, after_step)
        with _own_kernels() if self.own_kernels else _chosen_kernels():
            if self.method == "mask":
                train_mask(self.model, run, lambda step: 0.0, MaskPlan(SHOWN / 100, 25))
            elif self.method == "imp":
                prune_iteratively(self.model, run, ImpPlan(), lambda level, mask: None)
            else:
                fit(self.model, list(self.model.parameters()), run)
        return [later - earlier for earlier, later in pairwise(ends[:-1])]


@contextmanager
def _own_kernels() -> Iterator[None]:
    """Compute float32 as PyTorch does when nothing is done about it."""
    before, kernels.WORTHWHILE = kernels.WORTHWHILE, inf  # type: ignore[assignment]
    try:
        yield
    finally:
        kernels.WORTHWHILE = before


@contextmanager
def _chosen_kernels() -> Iterator[None]:
    yield


def in_turns(sides: Mapping[str, Callable[[], list[float]]], times: int) -> dict[str, float]:
    """Return the median seconds of each side, which take turns so that a machine that others use favours none."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times):
        for name, side in sides.items():
            seconds[name] += side()
    return {name: median(each) for name, each in seconds.items()}


def padded(data: Encoded, width: int) -> Encoded:
    """Return the examples as if each had `width` tokens."""
    more = width - data.input_ids.shape[1]
    assert data.token_type_ids is not None
    ids, types = (pad(each, (0, more)) for each in (data.input_ids, data.token_type_ids))
    return Encoded(ids, types, torch.full_like(data.lengths, width), data.labels)


@cache
def encoder() -> tuple[PreTrainedModel, Encoded, Encoded]:
    """Return a small encoder, MNLI's training set and its development set, or what stands in for them."""
    data, plm = (os.environ.get(name) for name in ("SRNET_DATA", "SRNET_PLM"))
    if data and plm:
        text, tokenizer = load_task("nli", Path(data)), load_tokenizer(plm)
        return load_classifier(plm, 3, 0), encode(text.train, tokenizer), encode(text.dev, tokenizer)
    shape = BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536)
    shape.num_labels = 3
    lengths = torch.normal(OFFICIAL["nli"]["mnli-m"], 17.0, (20_000,)).long().clamp(8, MAX_LENGTH)
    ids = torch.randint(1000, shape.vocab_size, (len(lengths), MAX_LENGTH), dtype=torch.int32)
    made = Encoded(ids, torch.zeros_like(ids), lengths, torch.randint(3, lengths.shape))
    return BertForSequenceClassification(shape), made, _first(made, 9_000)


@cache
def pocket() -> tuple[PreTrainedModel, Encoded]:
    """Return the pocket world's model and its NLI training set."""
    return load_classifier(plm_folder(), 3, 0), encode(build_nli(World()).train, load_tokenizer(plm_folder()))


def _first(data: Encoded, count: int) -> Encoded:
    types = None if data.token_type_ids is None else data.token_type_ids[:count]
    return Encoded(data.input_ids[:count], types, data.lengths[:count], data.labels[:count])


def of_masks_on_mnli() -> list[Row]:
    """Compare mask training of the encoder with the reference, and what the difference is made of."""
    model, train, dev = encoder()
    some, whole = _first(dev, 400), padded(train, MAX_LENGTH)
    exact = Recipe(steps=5)
    rounded = replace(exact, precision="bfloat16")
    steps = in_turns(
        {
            "reference": Side(model, whole, exact, own_kernels=True).seconds,
            "grouped": Side(model, train, exact, own_kernels=True).seconds,
            "float32": Side(model, train, exact).seconds,
            "bfloat16": Side(model, train, rounded).seconds,
            "dense": Side(model, train, rounded, "fit").seconds,
        },
        times=6,
    )
    tests = in_turns(
        {
            "reference": lambda: [
                _prediction(model, padded(_first(some, 80), MAX_LENGTH), OFFICIAL_BATCH * MAX_LENGTH)
            ],
            "float32": lambda: [_prediction(model, some)],
            "bfloat16": lambda: [_prediction(model, some, precision="bfloat16")],
        },
        times=4,
    )
    mine = {name: _whole_run(steps[name], tests[name]) for name in PRECISIONS}
    reference = FULL.mask.steps // FULL.interval * (TABLE_1["mnli-m", "dev"] + TABLE_1["hans", "dev"])
    theirs = FULL.mask.steps * steps["reference"] + reference * tests["reference"]
    rates = {name: FULL.mask.batch_size * FULL.mask.steps / sum(mine[name]) for name in PRECISIONS}
    share = {name: mine[name][1] / sum(mine[name]) for name in PRECISIONS}
    tokens = sum(int(train.lengths[index].sum()) for index in islice(shuffled_batches(train, exact, 0), 500)) / 500
    products = 6 * tokens * sum(weight.numel() for weight in prunable_weights(model).values())
    return [
        ("Masks on MNLI, PoE, with all evaluations: reference, examples/s", f"{_rate(theirs):.1f}"),
        ("… here in float32", f"{rates['float32']:.1f}, {rates['float32'] / _rate(theirs):.1f} times as many"),
        ("… here in bfloat16", f"{rates['bfloat16']:.1f}, {rates['bfloat16'] / _rate(theirs):.1f} times as many"),
        ("A step of it in bfloat16", f"{steps['bfloat16']:.3f} s"),
        ("Padded to 128 / grouped by length, a step", f"{steps['reference'] / steps['grouped']:.2f}"),
        ("Padding, of the tokens trained", f"{_padding(train):.1%}"),
        ("PyTorch's own float32 / oneDNN's, a step", f"{steps['grouped'] / steps['float32']:.2f}"),
        ("float32 / bfloat16, a step", f"{steps['float32'] / steps['bfloat16']:.2f}"),
        ("Mask training / fine-tuning, a step in bfloat16", f"{steps['bfloat16'] / steps['dense']:.2f}"),
        ("Evaluation, of a full-length run in bfloat16", f"{share['bfloat16']:.1%}"),
        ("Products done, of those this core can do in bfloat16", f"{products / steps['bfloat16'] / _peak():.0%}"),
    ]


def _whole_run(step: float, example: float) -> tuple[float, float]:
    """Return the seconds that training and evaluation take in a full-length run, as `srnet` does it."""
    recipe, plan = FULL.mask, MaskPlan(SHOWN / 100, FULL.interval)
    dev, hans = TABLE_1["mnli-m", "dev"], TABLE_1["hans", "dev"]
    return recipe.steps * step, (len(plan.scored(recipe.steps)) * dev + dev + hans) * example


def _rate(seconds: float) -> float:
    return FULL.mask.steps * FULL.mask.batch_size / seconds


def _prediction(model: PreTrainedModel, data: Encoded, tokens: int | None = None, precision: str = "float32") -> float:
    """Return the seconds of a prediction for each example; with `tokens`, by PyTorch's kernels, so many at once."""
    import srnet.training.loop as loop

    before, loop.EVALUATION_TOKENS = loop.EVALUATION_TOKENS, tokens or loop.EVALUATION_TOKENS
    start = time.perf_counter()
    try:
        with _own_kernels() if tokens else _chosen_kernels():
            predict(model, data, precision)
    finally:
        loop.EVALUATION_TOKENS = before
    return (time.perf_counter() - start) / len(data)


def _padding(data: Encoded) -> float:
    """Return the share of padding in two epochs of batches."""
    count = 2 * -(-len(data) // Recipe(1).batch_size)
    batches = [data.lengths[index] for index in islice(shuffled_batches(data, Recipe(1), 0), count)]
    processed = sum(len(batch) * int(batch.max()) for batch in batches)
    return 1 - sum(int(batch.sum()) for batch in batches) / processed


def _peak() -> float:
    """Return how many additions and multiplications of bfloat16 products this core does in a second."""
    one, other = (torch.randn(1024, 1024).bfloat16() for _ in range(2))
    seconds = in_turns({"product": lambda: [_timed(lambda: one @ other)]}, 30)["product"]
    return 2 * 1024**3 / seconds


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def of_the_pocket_world() -> list[Row]:
    """Compare the kinds of training in the pocket world, and one process with two."""
    model, train = pocket()
    recipe = Recipe(steps=60, batch_size=16, lr=1e-3)
    sides = {method: Side(model, train, recipe, method).seconds for method in ("fit", "mask", "imp")}
    steps = in_turns(sides, times=8)
    return [
        ("Pocket world, fine-tuning, a step", f"{1000 * steps['fit']:.2f} ms"),
        ("… mask training / fine-tuning, a step", f"{steps['mask'] / steps['fit']:.2f}"),
        ("… iterative pruning / fine-tuning, a step", f"{steps['imp'] / steps['fit']:.2f}"),
        ("… steps of two processes / of one, in a second", f"{_two_processes():.2f}"),
    ]


def _two_processes() -> float:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(_steps_in, [5.0, 5.0]))  # processes are started, and imports done
        one = sum(_steps_in_pool(pool, 1) for _ in range(3))
        two = sum(_steps_in_pool(pool, 2) for _ in range(3))
    return two / one


def _steps_in_pool(pool: ProcessPoolExecutor, count: int) -> int:
    return sum(pool.map(_steps_in, [5.0] * count))


def _steps_in(seconds: float) -> int:
    """Return how many steps this process makes in a time."""
    torch.set_num_threads(1)
    keep_memory()
    (model, train), done, end = pocket(), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        done += 1 + len(Side(model, train, Recipe(steps=20, batch_size=16), "fit").seconds())
    return done


def of_memory() -> list[Row]:
    """Compare the most memory that fine-tuning and mask training of the encoder take, each in a process of its own."""
    rows = []
    for precision in PRECISIONS:
        taken = {}
        for method in ("fit", "mask"):
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                taken[method] = pool.submit(_memory, method, precision).result()
        rows.append(
            (
                f"Memory of mask training / fine-tuning, at most, {precision}",
                f"{taken['mask'] / taken['fit']:.2f} ({taken['mask'] / 2**20:.0f} / {taken['fit'] / 2**20:.0f} MiB)",
            )
        )
    return rows


def _memory(method: str, precision: str) -> int:
    """Return the bytes that a process takes during a training, at most, beside what it took before; on Linux."""
    torch.set_num_threads(1)
    model, train, _ = encoder()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    Side(model, train, Recipe(steps=12, precision=precision), method).seconds()
    return _resident("VmHWM") - before


def _resident(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def of_the_rest() -> list[Row]:
    """Measure features, masks on disk and start-up."""
    text = build_nli(World()).train
    pairs = text.select(range(2000))
    vectors = WordVectors.train([*pairs["premise"], *pairs["hypothesis"]])
    features = len(pairs) / median(_timed(lambda: bias_features(pairs, "pair", vectors)) for _ in range(5))
    start = in_turns({name: partial(_started, words) for name, words in COMMANDS.items()}, 5)
    return [
        ("Pairs whose bias features are computed in a second", f"{features:,.0f}"),
        ("Bytes of a compressed mask / its entropy, at 20, 50, 70, 90 %", ", ".join(_mask_sizes())),
        *((name, f"{seconds:.2f} s") for name, seconds in start.items()),
    ]


COMMANDS = {
    "Start-up: srnet --help": ["-m", "srnet", "--help"],
    "Start-up: what a worker imports": ["-c", "import srnet.executor.workers"],
}


def _started(words: list[str]) -> list[float]:
    return [_timed(lambda: subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL))]


def _mask_sizes() -> Iterator[str]:
    weights: dict[str, Tensor] = {f"layer {number}": torch.randn(768, 3072) for number in range(4)}
    for sparsity in (0.2, 0.5, 0.7, 0.9):
        mask = Mask(magnitude_mask(weights, sparsity))
        bound = -sum(share * log2(share) for share in (sparsity, 1 - sparsity)) / 8
        with tempfile.TemporaryDirectory() as folder:
            mask.save(Path(folder) / "mask", compressed=True)
            size = (Path(folder) / "mask").stat().st_size
        yield f"{size / (bound * sum(weight.numel() for weight in weights.values())):.3f}"


def _processor() -> str:
    with Path("/proc/cpuinfo").open() if Path("/proc/cpuinfo").exists() else open(os.devnull) as lines:
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Print the table, row by row as it is measured at the end of each part."""
    torch.set_num_threads(1)
    keep_memory()
    torch.manual_seed(0)
    real = all(os.environ.get(name) for name in ("SRNET_DATA", "SRNET_PLM"))
    about = "MiniLM's weights and MNLI's text" if real else "random weights and token ids"
    table = Table("", "", title=f"{_processor()}, one core, PyTorch {torch.__version__}; {about}", show_header=False)
    console = Console()
    for part in (of_masks_on_mnli, of_the_pocket_world, of_memory, of_the_rest):
        with console.status((part.__doc__ or "").rstrip(".")):
            for row in part():
                table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
