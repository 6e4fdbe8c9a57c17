"""What an experiment costs, before it is computed: optimiser steps, tokens, time, and bytes on disk."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.executor.plms import NUMBER, TENSOR, model_size
from srnet.executor.work import BACKWARD, FORWARD, examples, uses
from srnet.experiments.expressions import Bias, Data, Experiment, FineTuned, Teacher, Tokenised, Trajectory
from srnet.planning.lengths import mean_length
from srnet.pruning.magnitude import LEVELS
from srnet.store.store import Store

RECORD = 4_000  # bytes of a record, about

# Seconds a pair, measured on one core: pairs of MNLI and FEVER take about as long. fastText passes over most of the
# pocket world's words, which are few and frequent.
TOKENISING, WORD_VECTORS, POCKET_VECTORS = 2e-4, 1e-3, 2e-4


@dataclass(frozen=True)
class Cost:
    """What experiments cost.

    Attributes:
        steps: optimiser steps.
        trained: tokens of these steps, padding left out.
        evaluated: tokens of forward passes alone, to choose a mask, to test, or for a teacher.
        seconds: time of one process.
        disk: bytes that the results take.
    """

    steps: int = 0
    trained: int = 0
    evaluated: int = 0
    seconds: float = 0.0
    disk: int = 0

    @property
    def tokens(self) -> int:
        """All tokens that a model processes."""
        return self.trained + self.evaluated

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(own + its for own, its in zip(astuple(self), astuple(other), strict=True)))


def cost(experiment: Experiment, inputs: Inputs, store: Store, speed: float) -> Cost:
    """Return what an experiment costs, whether or not its text and its model are at hand.

    Args:
        experiment: what is to be computed.
        inputs: where text and models lie.
        store: where results lie.
        speed: seconds for a token's forward pass through one prunable weight (`srnet.planning.speed.measure_speed`).

    Raises:
        InputError: if the text must be read and cannot be, or nothing is known of the model.
    """
    data, passes, recipe = experiment.data, uses(experiment), getattr(experiment, "recipe", None)
    counts, model = examples(experiment, inputs, store), model_size(experiment, inputs)
    tokens = {name: count * mean_length(data, name) for name, count in counts.items()}
    trained = passes.steps * recipe.batch_size * mean_length(data, "train") if recipe else 0
    evaluated = sum(times * tokens[name] for name, times in passes.evaluations(data, counts).items())
    seconds = _of_text(experiment, counts)
    if model:
        seconds += ((FORWARD + BACKWARD) * trained + FORWARD * evaluated) * model.prunable * speed
    return Cost(passes.steps, round(trained), round(evaluated), seconds, _disk(experiment, counts, inputs))


def _of_text(experiment: Experiment, counts: Mapping[str, int]) -> float:
    """Return the seconds to prepare text: to tokenise it, or to train a bias model's word vectors."""
    match experiment:
        case Tokenised():
            return TOKENISING * sum(counts.values())
        case Bias(Data(vectors="") as data):
            return (POCKET_VECTORS if data.world else WORD_VECTORS) * counts["train"]
    return 0.0


def _disk(experiment: Experiment, counts: Mapping[str, int], inputs: Inputs) -> int:
    data = experiment.data
    classes = len(TASKS[data.task].labels)
    scores = {name: NUMBER * classes * count + TENSOR for name, count in counts.items()}
    logits = sum(scores.values()) - scores["train"]
    match experiment:
        case Bias():
            return RECORD + sum(scores.values())
        case Tokenised():
            tokens = sum(count * mean_length(data, name) for name, count in counts.items())
            return RECORD + round((NUMBER + 1) * tokens) + 16 * sum(counts.values())
        case Teacher():
            return RECORD + scores["train"]
    model = model_size(experiment, inputs)
    assert model
    match experiment:
        case FineTuned():
            return RECORD + (model.bytes + logits) * (1 + len(experiment.checkpoints))
        case Trajectory():
            return RECORD + (model.bytes + model.mask_bytes) * len(LEVELS)
    return RECORD + model.mask_bytes + logits
