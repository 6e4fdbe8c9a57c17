"""Examples that a model is tested on, whose classes may be fewer or coarser than the model's; and its scores."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srnet.data.tables import read_examples
from srnet.errors import InputError
from srnet.training.encoding import Encoded, encode
from srnet.training.fitting import check_encoded
from srnet.training.loop import predict
from srnet.training.metrics import Gold, scores

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.columns import Source

_ALL_BUT = re.compile(r"(?:non|not)[\s_-]*(.+)")  # non-entailment, not_entailment


@dataclass(frozen=True)
class HeldOut:
    """N examples to test on.

    Attributes:
        examples: their text, with the columns of `srnet.data.pairs.TaskData`.
        encoded: the same for the model; its labels are the numbers of `gold.classes`.
        gold: what answers are held against.
        versus: where the classes are one of the model's, X, and "non-X": the number of X among the model's. Then every
            other answer of the model counts as "non-X", as on HANS (McCoy et al., 2019).
    """

    examples: "Dataset"
    encoded: Encoded
    gold: Gold
    versus: int | None = None

    def scores(
        self, model: "PreTrainedModel", precision: str = "float32", bias_log_probs: Tensor | None = None
    ) -> dict[str, Any]:
        """Return a model's scores (`srnet.training.metrics.scores`).

        Args:
            model: a sequence classifier.
            precision: of matrix products, one of `srnet.training.recipe.PRECISIONS`.
            bias_log_probs: of a bias for these examples, float [N, K].
        """
        logits = predict(model, self.encoded, precision)
        if self.versus is not None:
            logits = F.one_hot((logits.argmax(dim=-1) != self.versus).long(), 2).float()
        return scores(logits, self.gold, "accuracy", bias_log_probs)


def read_held_out(
    source: "Source",
    what: str,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    *,
    text: str | Sequence[str],
    label: str,
    subset: str | None = None,
    notes: list[str] | None = None,
) -> HeldOut:
    """Read examples to test a model on.

    Their classes are the model's, or some of them; or else X and "non-X" (also "not X"), where X is one of the
    model's. Labels that are numbers are those of the model.

    Args:
        source: as `srnet.data.tables.read_examples` takes it.
        what: what the examples are called in an error.
        model: a sequence classifier; `id2label` of its configuration names the classes.
        tokenizer: the model's.
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        subset: the column of the subset's name.
        notes: where it is noted what was decided.

    Raises:
        InputError: the examples cannot be read, have other classes, or the model cannot read them.
    """
    notes = [] if notes is None else notes
    classes, source = class_names(model), _by_name(source, label)
    versus = _versus(read_examples(source, text, label, None, what, subset=subset), classes)
    own = classes if versus is None else (classes[versus[0]], versus[1])
    examples = read_examples(source, text, label, own, what, subset=subset, notes=notes)
    if versus is not None:
        others = ", ".join(name for name in classes if name != own[0])
        notes.append(f"{what}: {others} count as {own[1]}")
    encoded = encode(examples, tokenizer)
    check_encoded(model, encoded, what)
    gold = Gold(encoded.labels, own, np.array(examples["subset"][:]))
    return HeldOut(examples, encoded, gold, None if versus is None else versus[0])


def class_names(model: "PreTrainedModel") -> tuple[str, ...]:
    """Return the names of a model's classes in its order.

    Raises:
        InputError: the model has fewer than two classes, or its configuration does not name each once.
    """
    number = int(model.config.num_labels or 0)
    if number < 2:
        raise InputError(f"{type(model).__name__}: it gives {number} number for each example, and no class to choose")
    named: Mapping[Any, str] = model.config.id2label or {}
    names = tuple(str(named.get(each, "")) for each in range(number))
    if len(set(names)) < number or not all(names):
        remedy = "give each class a name of its own (model.config.id2label = {0: ..., 1: ...})"
        raise InputError(f"{type(model).__name__}: the names of its {number} classes are {dict(named)}: {remedy}")
    return names


def _by_name(source: "Source", label: str) -> "Source":
    """Return a data set whose classes are text: a `ClassLabel` of some of the model's classes has other numbers."""
    from datasets import ClassLabel, Dataset

    if not isinstance(source, Dataset) or not isinstance(source.features.get(label), ClassLabel):
        return source
    names = source.features[label].names
    labels = [names[each] if each is not None and each >= 0 else None for each in source[label][:]]
    return source.remove_columns(label).add_column(label, labels)


def _versus(examples: "Dataset", classes: Sequence[str]) -> tuple[int, str] | None:
    """Return the number of X and the name of "non-X", if a label is called so and is not itself one of the classes."""
    numbers = {name.casefold(): number for number, name in enumerate(classes)}
    for name in examples.features["label"].names:
        found = _ALL_BUT.fullmatch(name.casefold())
        if name.casefold() not in numbers and found and found[1] in numbers:
            return numbers[found[1]], name
    return None


def as_tensor(log_probs: np.ndarray) -> Tensor:
    """Return log-probabilities of NumPy as the tensor that losses and scores take."""
    return torch.from_numpy(np.ascontiguousarray(log_probs))
