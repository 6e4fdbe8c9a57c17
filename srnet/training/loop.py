"""The training loop that fine-tuning and mask training share, and prediction."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from srnet.machine import sent
from srnet.training.encoding import Encoded, length_grouped
from srnet.training.optimiser import Flat, Optimiser
from srnet.training.precision import computing
from srnet.training.recipe import Recipe
from srnet.training.snapshots import Snapshot, State

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FETCH = 50  # steps after which a GPU's losses are looked at; to ask for each, the CPU would have to wait for it
EVALUATION_TOKENS = 4096  # of a prediction batch, padding included; larger ones pad more, and leave a CPU's cache
GPU_EVALUATION_TOKENS = 65_536  # a GPU takes as long for a small batch as for one that fills it

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``objective(logits [B, K], labels [B], index [B])``, a scalar loss; `index` says which training examples they are."""


class DivergedError(RuntimeError):
    """The training loss became infinite or not a number."""


@dataclass
class Trace:
    """What a run did.

    Attributes:
        losses: training loss of every step, in nats.
        tokens: real tokens that were processed.
        padding: padding tokens that were processed.
    """

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    padding: int = 0


@dataclass(frozen=True)
class TrainingRun:
    """One training: what is learned from, for how long, by which loss; fine-tuning and pruning are given one.

    Attributes:
        data: the training examples.
        recipe: optimiser and schedule.
        objective: the loss.
        seed: seed of data order and of dropout.
        after_step: called with the number of steps done, after each; it may put the model in evaluation mode.
        snapshot: where the run is saved, and goes on from. Without one, an interrupted run is lost.
    """

    data: Encoded
    recipe: Recipe
    objective: Objective
    seed: int
    after_step: Callable[[int], None] = lambda step: None
    snapshot: Snapshot | None = None


def fit(
    model: "PreTrainedModel",
    trained: Sequence[nn.Parameter] | Flat,
    run: TrainingRun,
    restarts: Collection[int] = (),
    last_step: int | None = None,
) -> Trace:
    """Train tensors of `model` in place and leave the model in evaluation mode.

    The caller's random state is left as it was. A snapshot holds the tensors, optimiser, schedule, random state and
    trace; a run that goes on from one passes over the batches that are done and calls nothing for their steps.

    Args:
        model: a sequence classifier; it is trained on the device that it is on.
        trained: the tensors that move; all others keep their values.
        run: data, recipe, loss and seed.
        restarts: after which steps optimiser and learning-rate schedule start anew.
        last_step: where the training ends, if that is before the end of its schedule.

    Raises:
        DivergedError: if the loss is no longer finite; on a GPU it may be noticed up to `FETCH` steps later.
    """
    data, recipe, device = run.data, run.recipe, model.device
    trace, unread, patience = Trace(), list[Tensor](), 1 if device.type == "cpu" else FETCH
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        computing(model, recipe.precision) as forward,
        closing(Optimiser(trained, recipe)) as optimiser,
    ):
        torch.manual_seed(run.seed)
        if run.snapshot:
            past = run.snapshot.keep("training", lambda: _state(optimiser, _read(unread, trace), device))
            if past:
                trace = _restore(past, optimiser, device)
        end, done, batches = last_step or recipe.steps, len(trace.losses), shuffled_batches(data, recipe, run.seed)
        for step, index in enumerate(islice(batches, done, end), start=done + 1):
            if not model.training:
                model.train()
            inputs = data.inputs(index, device)
            loss = run.objective(forward(inputs), sent(data.labels[index], device), index)
            unread.append(loss.detach())
            if len(unread) == patience or step == end:
                _read(unread, trace)
            loss.backward()
            optimiser.step()
            real = int(data.lengths[index].sum())
            trace.tokens += real
            trace.padding += inputs["input_ids"].numel() - real
            run.after_step(step)
            if step in restarts:
                optimiser.restart()
            if run.snapshot:
                run.snapshot.tick()
    model.eval()
    return trace


def _read(unread: list[Tensor], trace: Trace) -> Trace:
    """Move losses from the device to the trace, and stop where one is not finite."""
    for loss in torch.stack(unread).tolist() if unread else []:
        trace.losses.append(loss)
        if not isfinite(loss):
            raise DivergedError(f"the training loss is {loss} at step {len(trace.losses)}")
    unread.clear()
    return trace


def _state(optimiser: Optimiser, trace: Trace, device: torch.device) -> State:
    return {
        "optimiser": optimiser.state(),
        "trace": asdict(trace),
        "random": torch.random.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def _restore(past: State, optimiser: Optimiser, device: torch.device) -> Trace:
    optimiser.load(past["optimiser"])
    torch.random.set_rng_state(past["random"])
    if past["random_cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(past["random_cuda"], device)
    return Trace(**past["trace"])


def shuffled_batches(data: Encoded, recipe: Recipe, seed: int) -> Iterator[Tensor]:
    """Yield length-grouped batches of the training examples for ever, in an order that `seed` fixes."""
    return length_grouped(data.lengths, recipe.batch_size, torch.Generator().manual_seed(seed))


@torch.no_grad()
def predict(model: "PreTrainedModel", data: Encoded, precision: str = "float32") -> Tensor:
    """Return the logits of all examples, float32 [N, K] on the CPU, in the order of `data`; leaves evaluation mode on.

    Batches hold examples of similar length, as many as fit `EVALUATION_TOKENS`, or on a GPU `GPU_EVALUATION_TOKENS`.

    Args:
        model: a sequence classifier; it computes on the device that it is on.
        data: the examples.
        precision: of matrix products, one of `srnet.training.recipe.PRECISIONS`.
    """
    model.eval()
    order = data.lengths.argsort(descending=True, stable=True)
    logits, start = [], 0
    tokens = EVALUATION_TOKENS if model.device.type == "cpu" else GPU_EVALUATION_TOKENS
    with computing(model, precision) as forward:
        while start < len(order):
            size = max(1, tokens // int(data.lengths[order[start]]))
            logits.append(forward(data.inputs(order[start : start + size], model.device)))
            start += size
    result = torch.cat(logits).cpu()
    return torch.empty_like(result).index_copy_(0, order, result)
