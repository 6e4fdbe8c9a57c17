"""What an experiment costs, before it is computed: optimiser steps, examples, tokens, and bytes on disk."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import torch
from huggingface_hub import try_to_load_from_cache
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    PretrainedConfig,
    RobertaConfig,
)

from srnet.encoding import length_grouped
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.experiments import (
    Bias,
    Data,
    Experiment,
    FineTuned,
    Pretrained,
    Pruned,
    Teacher,
    Tokenised,
    Trained,
    Trajectory,
    pretrained,
)
from srnet.inputs import plm_source
from srnet.lengths import COUNTED, pair_lengths, sizes
from srnet.magnitude import LEVELS, last_step
from srnet.mask_training import MaskPlan
from srnet.models import prunable_weights
from srnet.tasks import TASKS
from srnet.training import EVALUATION_TOKENS, Recipe

FORWARD, BACKWARD = 1, 2  # relative cost of an example's forward and backward pass
NUMBER = 4  # bytes of a weight, a logit, a token id
RECORD = 4_000  # bytes of a record, about
TENSOR = 100  # bytes that safetensors writes beside each tensor, about

# Seconds a pair, measured on one core: pairs of MNLI and FEVER take about as long. fastText passes over most of the
# pocket world's words, which are few and frequent.
TOKENISING, WORD_VECTORS, POCKET_VECTORS = 2e-4, 1e-3, 2e-4

# Configurations of models on the hub, so that planning downloads nothing.
KNOWN: Mapping[str, PretrainedConfig] = {
    "bert-base-uncased": BertConfig(),
    "bert-large-uncased": BertConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    ),
    "roberta-base": RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1),
    "all-MiniLM-L6-v2": BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
}


@dataclass(frozen=True)
class Passes:
    """Examples that a model processes.

    Attributes:
        examples: their number; an example counts each time.
        tokens: their real tokens.
        padding: padding tokens processed with them.
    """

    examples: int = 0
    tokens: int = 0
    padding: int = 0

    @property
    def processed(self) -> int:
        """Real tokens and padding."""
        return self.tokens + self.padding

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.examples + other.examples, self.tokens + other.tokens, self.padding + other.padding)

    def __mul__(self, times: int) -> "Passes":
        return Passes(self.examples * times, self.tokens * times, self.padding * times)


@dataclass(frozen=True)
class Cost:
    """What experiments cost.

    Attributes:
        steps: optimiser steps.
        trained: forward and backward passes of these steps; a record's `tokens` and `padding` are theirs.
        evaluated: forward passes alone, to choose a mask, to test, or for a teacher.
        text: seconds of one core to prepare text, about: to tokenise it, or to train a bias model's word vectors.
        disk: bytes that the results take.
    """

    steps: int = 0
    trained: Passes = field(default=Passes())
    evaluated: Passes = field(default=Passes())
    text: float = 0.0
    disk: int = 0

    @property
    def passes(self) -> Passes:
        """All examples that a model processes."""
        return self.trained + self.evaluated

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.steps + other.steps,
            self.trained + other.trained,
            self.evaluated + other.evaluated,
            self.text + other.text,
            self.disk + other.disk,
        )


def cost(experiment: Experiment, inputs: Inputs) -> Cost:
    """Return what an experiment costs, whether or not its text and its model are at hand.

    The tokens of training are those of the very batches where all lengths are exact (`srnet.lengths.pair_lengths`),
    else those of that many batches on average.

    Raises:
        InputError: if the text cannot be read, or nothing is known of the model.
    """
    trained, evaluated = _trained(experiment, inputs), _evaluated(experiment, inputs)
    return Cost(_uses(experiment).steps, trained, evaluated, _text(experiment, inputs), _disk(experiment, inputs))


def work(experiment: Experiment, inputs: Inputs) -> int:
    """Return an experiment's units of work, forward passes of one example; an example of a training step counts three.

    Raises:
        InputError: if the text cannot be read.
    """
    uses, recipe = _uses(experiment), getattr(experiment, "recipe", None)
    training = uses.steps * recipe.batch_size * (FORWARD + BACKWARD) if recipe else 0
    if uses == _Uses(uses.steps):
        return training
    examples = sizes(experiment.data, inputs)
    evaluated = uses.evaluations(experiment.data, examples)
    return training + sum(times * examples[name] for name, times in evaluated.items()) * FORWARD


def effort(experiment: Experiment, inputs: Inputs) -> int:
    """Return about how long an experiment takes, to decide which comes first: its work times the weights of its model.

    Models of which nothing is known yet count as equal. Raises as `work` does.
    """
    try:
        model = model_size(experiment, inputs)
    except InputError:
        model = None
    return work(experiment, inputs) * (model.prunable if model else 1)


@dataclass(frozen=True)
class _Uses:
    """How often an experiment goes over its data: training steps, and evaluations of each data set."""

    steps: int = 0
    train: int = 0
    dev: int = 0
    tests: int = 0  # of all test sets, the ID development set among them

    def evaluations(self, data: Data, names: Iterable[str]) -> dict[str, int]:
        """Return how often each data set is evaluated, those that are not left out."""
        own = {"train": self.train, TASKS[data.task].dev_name: self.dev + self.tests}
        times = {name: own.get(name, self.tests) for name in names}
        return {name: count for name, count in times.items() if count}


def _uses(experiment: Experiment) -> _Uses:
    match experiment:
        case Bias() | Tokenised():
            return _Uses()
        case Teacher():
            return _Uses(train=1)
        case FineTuned():
            return _Uses(experiment.recipe.steps, tests=1 + len(experiment.checkpoints))
        case Trajectory():
            return _Uses(last_step(LEVELS[-1], experiment.recipe.steps))
        case Pruned(method="mask", recipe=Recipe() as recipe):
            return _Uses(recipe.steps, dev=_candidates(experiment.mask_plan, recipe.steps), tests=1)
        case Pruned():
            return _Uses(tests=1)
    raise TypeError(f"no cost is known of a {type(experiment).__name__}")


def _text(experiment: Experiment, inputs: Inputs) -> float:
    match experiment:
        case Tokenised():
            return TOKENISING * sum(sizes(experiment.data, inputs).values())
        case Bias(Data(vectors="") as data):
            return (POCKET_VECTORS if data.world else WORD_VECTORS) * sizes(data, inputs)["train"]
    return 0.0


def _trained(experiment: Experiment, inputs: Inputs) -> Passes:
    steps = _uses(experiment).steps
    if not steps:
        return Passes()
    assert isinstance(experiment, Trained)
    assert experiment.recipe
    data = replace(experiment.data, vectors="")
    return _batches(data, pretrained(experiment.of), inputs, experiment.recipe.batch_size, experiment.seed, steps)


def _evaluated(experiment: Experiment, inputs: Inputs) -> Passes:
    uses = _uses(experiment)
    if uses == _Uses(uses.steps):
        return Passes()
    assert isinstance(experiment, Trained | Teacher)
    data, plm = replace(experiment.data, vectors=""), pretrained(experiment.of)
    times = uses.evaluations(data, sizes(data, inputs))
    return sum((_prediction(data, plm, inputs, name) * count for name, count in times.items()), Passes())


def _disk(experiment: Experiment, inputs: Inputs) -> int:
    data = experiment.data
    examples = sizes(data, inputs)
    classes = len(TASKS[data.task].labels)
    scores = {name: NUMBER * classes * count + TENSOR for name, count in examples.items()}
    logits = sum(scores.values()) - scores["train"]
    match experiment:
        case Bias():
            return RECORD + sum(scores.values())
        case Tokenised():
            tokens = sum(int(part.sum()) for part in pair_lengths(data, experiment.of, inputs).values())
            return RECORD + (NUMBER + 1) * tokens + 16 * sum(examples.values())
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


@lru_cache
def _candidates(plan: MaskPlan, steps: int) -> int:
    return len(plan.candidates(steps))


@lru_cache(maxsize=1024)
def _batches(data: Data, plm: Pretrained, inputs: Inputs, batch_size: int, seed: int, steps: int) -> Passes:
    lengths = pair_lengths(data, plm, inputs)["train"]
    if len(lengths) <= COUNTED:
        return first_batches(lengths, batch_size, seed, steps)
    epoch = -(-len(lengths) // batch_size)
    whole = _epoch(data, plm, inputs, batch_size)
    return Passes(*(round(count * steps / epoch) for count in (whole.examples, whole.tokens, whole.padding)))


@lru_cache(maxsize=64)
def _epoch(data: Data, plm: Pretrained, inputs: Inputs, batch_size: int) -> Passes:
    lengths = pair_lengths(data, plm, inputs)["train"]
    return first_batches(lengths, batch_size, 0, -(-len(lengths) // batch_size))


def first_batches(lengths: Tensor, batch_size: int, seed: int, steps: int) -> Passes:
    """Return what the first batches of `srnet.encoding.length_grouped` hold."""
    batches = islice(length_grouped(lengths, batch_size, torch.Generator().manual_seed(seed)), steps)
    examples = tokens = processed = 0
    for index in batches:
        batch = lengths[index]
        examples += len(batch)
        tokens += int(batch.sum())
        processed += len(batch) * int(batch.max())
    return Passes(examples, tokens, processed - tokens)


@lru_cache(maxsize=256)
def _prediction(data: Data, plm: Pretrained, inputs: Inputs, name: str) -> Passes:
    return prediction(pair_lengths(data, plm, inputs)[name])


def prediction(lengths: Tensor) -> Passes:
    """Return what `srnet.training.predict` processes for examples of these lengths."""
    ordered = lengths.sort(descending=True).values
    processed = start = 0
    while start < len(ordered):
        longest = int(ordered[start])
        end = min(start + max(1, EVALUATION_TOKENS // longest), len(ordered))
        processed += (end - start) * longest
        start = end
    tokens = int(ordered.sum())
    return Passes(len(ordered), tokens, processed - tokens)


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        weights: all its numbers, embeddings and biases among them.
        prunable: those of the matrices that are pruned.
        bytes: of its file.
        mask_bytes: of a mask's file.
    """

    weights: int
    prunable: int
    bytes: int
    mask_bytes: int


def model_size(experiment: Experiment, inputs: Inputs) -> Size | None:
    """Return how large an experiment's model is, None if it has none; raises as `size` does."""
    if not isinstance(experiment, Trained | Teacher):
        return None
    classes = len(TASKS[experiment.data.task].labels)
    return size(pretrained(experiment.of), classes, getattr(experiment, "pooler", False), inputs)


@lru_cache(maxsize=64)
def size(plm: Pretrained, num_labels: int, pooler: bool, inputs: Inputs) -> Size:
    """Return how large a pre-trained model with a classifier is, downloading and loading nothing.

    Args:
        plm: the model.
        num_labels: number of classes.
        pooler: whether BERT's pooler counts as prunable.
        inputs: where a local model lies.

    Raises:
        InputError: if nothing is known of the model.
    """
    config = architecture(plm, inputs)
    config.num_labels = num_labels
    return size_of(config, pooler)


def size_of(config: PretrainedConfig, pooler: bool = False) -> Size:
    """Return how large a sequence classifier of an architecture is; `pooler` as in `size`."""
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config)
    weights = [tensor.numel() for tensor in model.state_dict().values()]
    prunable = [weight.numel() for weight in prunable_weights(model, pooler).values()]
    packed = sum(-(-count // 8) for count in prunable)
    return Size(
        weights=sum(weights),
        prunable=sum(prunable),
        bytes=NUMBER * sum(weights) + TENSOR * len(weights),
        mask_bytes=packed + TENSOR * len(prunable),
    )


def architecture(plm: Pretrained, inputs: Inputs) -> PretrainedConfig:
    """Return the configuration of a pre-trained model from its folder, or from what is known, never from the network.

    Raises:
        InputError: if nothing is known of the model.
    """
    name = plm.name.rsplit("/", 1)[-1]
    if plm.sha256:
        return AutoConfig.from_pretrained(plm_source(plm, inputs))
    if name in KNOWN:
        return deepcopy(KNOWN[name])
    config = try_to_load_from_cache(plm.name, "config.json")
    if not isinstance(config, str):
        raise InputError(f"{plm.name}: its size is not known here; download it, or give its folder with --plm")
    return AutoConfig.from_pretrained(Path(config).parent)
