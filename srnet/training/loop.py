"""The training loop that fine-tuning and mask training share, and prediction."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import inf, isfinite

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, get_linear_schedule_with_warmup

from srnet.errors import InputError
from srnet.training.encoding import Encoded, length_grouped
from srnet.training.snapshots import Snapshot, State

ADAM_EPSILON, ADAM_BETA_2 = 1e-8, 0.999
EVALUATION_TOKENS = 4096  # of a prediction batch, padding included; larger ones pad more, and leave a CPU's cache

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``objective(logits [B, K], labels [B], index [B])``, a scalar loss; `index` says which training examples they are."""


class DivergedError(RuntimeError):
    """The training loss became infinite or not a number."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train: AdamW (Table 3), and as in the released code linear decay after warm-up.

    Attributes:
        steps: number of optimiser steps, ``t_max``.
        batch_size: examples per step.
        lr: peak learning rate.
        warmup: steps over which the learning rate rises from zero.
        weight_decay: AdamW's decoupled weight decay.
        clip: largest Euclidean norm of the gradient of all trained tensors together.
        clip_each: clip each tensor's gradient by itself, as the authors' released code does for QQP.
        raw_epsilon: add Adam's ε to the second moment before its bias correction, not after, as the AdamW of the
            authors' released code does; a larger effective ε during the first steps.
    """

    steps: int
    batch_size: int = 32
    lr: float = 5e-5
    warmup: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    clip_each: bool = False
    raw_epsilon: bool = False

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.warmup)
        if not all(isinstance(count, int) for count in counts):
            raise InputError(f"recipe: steps, batch_size and warmup must be whole numbers, got {self}")
        if self.steps < 1 or self.batch_size < 1 or not 0 <= self.warmup <= self.steps:
            raise InputError(f"recipe: steps and batch_size must be positive and 0 <= warmup <= steps, got {self}")
        if not 0 < self.lr < inf or not self.clip > 0 or not 0 <= self.weight_decay < inf:
            raise InputError(f"recipe: lr and clip must be positive and weight_decay not negative, got {self}")


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
    model: PreTrainedModel,
    parameters: Sequence[nn.Parameter],
    run: TrainingRun,
    restarts: Collection[int] = (),
    last_step: int | None = None,
) -> Trace:
    """Train `parameters` of `model` in place and leave the model in evaluation mode.

    The caller's random state is left as it was. A snapshot holds `parameters`, optimiser, schedule, random state and
    trace; a run that goes on from one passes over the batches that are done and calls nothing for their steps.

    Args:
        model: a sequence classifier; it is trained on the device that it is on.
        parameters: the tensors that move; all others keep their values.
        run: data, recipe, loss and seed.
        restarts: after which steps optimiser and learning-rate schedule start anew.
        last_step: where the training ends, if that is before the end of its schedule.

    Raises:
        DivergedError: if the loss is no longer finite.
    """
    data, recipe, device = run.data, run.recipe, next(model.parameters()).device
    optimiser, trace = _Optimiser(parameters, recipe), Trace()
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        if run.snapshot:
            past = run.snapshot.keep("training", lambda: _state(parameters, optimiser, trace, device))
            if past:
                trace = _restore(past, parameters, optimiser, device)
        done, batches = len(trace.losses), shuffled_batches(data, recipe, run.seed)
        for step, index in enumerate(islice(batches, done, last_step or recipe.steps), start=done + 1):
            if not model.training:
                model.train()
            inputs = data.inputs(index, device)
            loss = run.objective(model(**inputs).logits, data.labels[index].to(device), index)
            trace.losses.append(_finite(loss, step))
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


class _Optimiser:
    """AdamW and its learning-rate schedule, which can start anew, be saved and be restored."""

    def __init__(self, parameters: Sequence[nn.Parameter], recipe: Recipe) -> None:
        self.parameters, self.recipe = parameters, recipe
        self.restart()

    def restart(self) -> None:
        """Forget all steps."""
        recipe = self.recipe
        self.adam = torch.optim.AdamW(
            self.parameters, lr=recipe.lr, weight_decay=recipe.weight_decay, eps=ADAM_EPSILON, fused=True
        )
        self.schedule = get_linear_schedule_with_warmup(self.adam, recipe.warmup, recipe.steps)

    def step(self) -> None:
        """Clip the gradients, make a step and clear the gradients."""
        for clipped in [[each] for each in self.parameters] if self.recipe.clip_each else [self.parameters]:
            torch.nn.utils.clip_grad_norm_(clipped, self.recipe.clip)
        if self.recipe.raw_epsilon:
            steps = self.schedule.last_epoch + 1
            self.adam.param_groups[0]["eps"] = ADAM_EPSILON / (1 - ADAM_BETA_2**steps) ** 0.5
        self.adam.step()
        self.schedule.step()
        self.adam.zero_grad()

    def state(self) -> State:
        """Return what a snapshot keeps."""
        adam = self.adam.state_dict()
        moments = {str(index): moment for index, moment in adam["state"].items()}
        return {"moments": moments, "groups": adam["param_groups"], "schedule": self.schedule.state_dict()}

    def load(self, state: State) -> None:
        """Take up what a snapshot kept."""
        moments = {int(index): moment for index, moment in state["moments"].items()}
        self.adam.load_state_dict({"state": moments, "param_groups": state["groups"]})
        self.schedule.load_state_dict(state["schedule"])


def _state(parameters: Sequence[nn.Parameter], optimiser: _Optimiser, trace: Trace, device: torch.device) -> State:
    return {
        "parameters": list(parameters),
        "optimiser": optimiser.state(),
        "trace": asdict(trace),
        "random": torch.random.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


@torch.no_grad()
def _restore(past: State, parameters: Sequence[nn.Parameter], optimiser: _Optimiser, device: torch.device) -> Trace:
    for parameter, saved in zip(parameters, past["parameters"], strict=True):
        parameter.copy_(saved)
    optimiser.load(past["optimiser"])
    torch.random.set_rng_state(past["random"])
    if past["random_cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(past["random_cuda"], device)
    return Trace(**past["trace"])


def shuffled_batches(data: Encoded, recipe: Recipe, seed: int) -> Iterator[Tensor]:
    """Yield length-grouped batches of the training examples for ever, in an order that `seed` fixes."""
    return length_grouped(data.lengths, recipe.batch_size, torch.Generator().manual_seed(seed))


@torch.no_grad()
def predict(model: PreTrainedModel, data: Encoded) -> Tensor:
    """Return the logits of all examples, float32 [N, K] on the CPU, in the order of `data`; leaves evaluation mode on.

    Batches hold examples of similar length, as many as fit `EVALUATION_TOKENS`.
    """
    device = next(model.parameters()).device
    model.eval()
    order = data.lengths.argsort(descending=True, stable=True)
    logits, start = [], 0
    while start < len(order):
        size = max(1, EVALUATION_TOKENS // int(data.lengths[order[start]]))
        logits.append(model(**data.inputs(order[start : start + size], device)).logits.float().cpu())
        start += size
    result = torch.cat(logits)
    return torch.empty_like(result).index_copy_(0, order, result)


def _finite(loss: Tensor, step: int) -> float:
    value = loss.item()
    if not isfinite(value):
        raise DivergedError(f"the training loss is {value} at step {step}")
    return value
