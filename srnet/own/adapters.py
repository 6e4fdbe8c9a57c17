"""Subnetworks as adapters: a mask and what else is not the base model's, kept beside it and put into it for a while."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from srnet.data.pairs import pair_dataset
from srnet.data.tables import read_texts
from srnet.errors import InputError
from srnet.files import folder_written_whole, refuse_pointer, sha256
from srnet.masking import Mask
from srnet.own.held_out import class_names, read_held_out
from srnet.own.report import Report
from srnet.training.encoding import encode
from srnet.training.fitting import check_encoded, check_fit
from srnet.training.loop import predict
from srnet.training.models import load_stored, load_tokenizer, save_plain, weights_digest
from srnet.training.plain import as_found, plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.columns import Source

FORMAT = "srnet-subnetwork-1"
ABOUT, MASK, CHANGED, CARD = "subnetwork.json", "mask.safetensors", "changed.safetensors", "README.md"
DIGITS = 16  # of a tensor's fingerprint
USE = """## Use

```python
from srnet import load_subnetwork

subnetwork = load_subnetwork("this folder")  # or, with the base model in memory, load_subnetwork("this folder", model)
with subnetwork.applied_to(subnetwork.model) as model:
    ...
```
"""


@dataclass(frozen=True, eq=False)
class Subnetwork:
    """A subnetwork ``f(m ⊙ θ)`` of a base model, and what is known of it.

    Attributes:
        model: the base model ``f(θ)`` in memory; several subnetworks may share one.
        tokenizer: the base model's.
        mask: m.
        base: the base model's name on the hub, or its folder.
        fingerprints: of each of the base model's weights by name, whatever precision it is stored in.
        changed: those of the base model's weights that are not stored under `base`, or otherwise, such as a classifier
            that was drawn anew.
        classes: their names in the model's order.
        text: the column of the text, or the two, that it was found on.
        label: the column of the label.
        settings: what it was found with: sparsity, loss, bias, recipe, seed.
        report: its scores and its cost; None if it was not measured.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    mask: Mask
    base: str
    fingerprints: Mapping[str, str]
    changed: Mapping[str, Tensor]
    classes: tuple[str, ...]
    text: tuple[str, ...] = ("premise", "hypothesis")
    label: str = "label"
    settings: Mapping[str, Any] = field(default_factory=dict)
    report: Report | None = None

    def __repr__(self) -> str:
        return f"Subnetwork({self.mask!r} of {self.base})"

    def check(self, model: "PreTrainedModel") -> None:
        """Check that a model is the one that the subnetwork lies in.

        Raises:
            InputError: if not; the message names the first matrix, shape or weight in which it differs.
        """
        self.mask.check_shapes(model)
        found = fingerprints(model)
        for name, known in self.fingerprints.items():
            if found.get(name) != known:
                reason = "has other values" if name in found else "is missing"
                raise InputError(
                    f"subnetwork does not fit the model: {name!r} {reason}; give the model that it was found in "
                    f"({self.base})"
                )

    @contextmanager
    def applied_to(self, model: object) -> Iterator["PreTrainedModel"]:
        """Have `model` be the subnetwork, while the context lasts; then it has its own weights again, bit for bit.

        Args:
            model: the base model, also in `DataParallel` or compiled.

        Yields:
            The plain model.

        Raises:
            InputError: if it is another model.
        """
        inner = plain(model)
        self.check(inner)
        weights = dict(inner.named_parameters())
        kept = {name: weights[name].detach().clone() for name in self.mask}
        try:
            self.mask.apply_to(inner)
            yield inner
        finally:
            with torch.no_grad():
                for name, values in kept.items():
                    weights[name].copy_(values)

    def probabilities(self, source: "Source", text: str | Sequence[str] | None = None) -> Tensor:
        """Return the probabilities of the classes for N examples without labels, float32 [N, K].

        Args:
            source: as `srnet.data.tables.read_texts` takes it.
            text: the column of the text, or the two; those it was found on if not given.

        Raises:
            InputError: the examples cannot be read.
        """
        first, second = read_texts(source, self.text if text is None else text)
        data = encode(pair_dataset(first, second, [0] * len(first), self.classes), self.tokenizer)
        check_encoded(self.model, data, "data")
        with as_found(self.model), self.applied_to(self.model) as model:
            return predict(model, data).softmax(dim=-1)

    def evaluate(
        self,
        source: "Source",
        what: str = "data",
        *,
        text: str | Sequence[str] | None = None,
        label: str | None = None,
        subset: str | None = None,
        notes: list[str] | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the scores on a data set of the subnetwork and of the full model (`srnet.training.metrics.scores`).

        Args:
            source: as `srnet.data.tables.read_examples` takes it; its classes as in
                `srnet.own.held_out.read_held_out`.
            what: what the examples are called in an error.
            text: the column of the text, or the two; those it was found on if not given.
            label: the column of the label; that it was found on if not given.
            subset: the column of the subset's name.
            notes: where it is noted what was decided.

        Raises:
            InputError: the examples cannot be read.
        """
        held = read_held_out(
            source,
            what,
            self.model,
            self.tokenizer,
            text=self.text if text is None else text,
            label=self.label if label is None else label,
            subset=subset,
            notes=notes,
        )
        with as_found(self.model):
            full = held.scores(self.model)
            with self.applied_to(self.model) as model:
                return held.scores(model), full

    def save(self, folder: Path | str) -> None:
        """Write the mask, one bit a weight, what else is not the base model's, and a model card; all or nothing.

        Raises:
            InputError: if there is something in the folder.
        """
        with folder_written_whole(Path(folder)) as temporary:
            self.mask.save(temporary / MASK)
            if self.changed:
                save_file({name: tensor.contiguous() for name, tensor in self.changed.items()}, temporary / CHANGED)
            about = {
                "format": FORMAT,
                "base": self.base,
                "architecture": type(self.model).__name__,
                "classes": self.classes,
                "text": self.text,
                "label": self.label,
                "settings": dict(self.settings),
                "report": self.report.to_json() if self.report else None,
                "fingerprints": dict(self.fingerprints),
                "files": {path.name: sha256(path) for path in sorted(temporary.iterdir())},
            }
            _write(temporary / ABOUT, json.dumps(about, ensure_ascii=False, indent=2) + "\n")
            _write(temporary / CARD, self.card())

    def merge(self, folder: Path | str) -> None:
        """Write the subnetwork as a plain model of transformers with its tokenizer, removed weights being zero.

        ``AutoModelForSequenceClassification.from_pretrained`` loads it without this package; all or nothing is there.

        Raises:
            InputError: if there is something in the folder, or nothing can be written there.
        """
        with folder_written_whole(Path(folder)) as temporary, self.applied_to(self.model) as model:
            save_plain(model, self.tokenizer, temporary)
            _write(temporary / CARD, self.card())

    def card(self) -> str:
        """Return the model card, in Markdown."""
        settings = "\n".join(f"- {name}: {value}" for name, value in self.settings.items())
        local = not self.base or Path(self.base).is_dir()  # a path of this machine is no name for others
        own = f" Weights of its own: {', '.join(self.changed)}." if self.changed else ""
        parts = [
            "---",
            *([] if local else [f"base_model: {json.dumps(self.base)}"]),
            "pipeline_tag: text-classification\ntags: [srnet, pruned]\n---\n",
            f"# A subnetwork of {Path(self.base).name if local else self.base}\n",
            f"{100 * self.mask.sparsity:.1f} % of the weights in the base model's matrices are removed; the others "
            f"are as they were.{own} The mask was learned after Liu et al. (NeurIPS 2022, arXiv:2210.05211).\n",
            f"- classes: {', '.join(self.classes)}\n- text: {', '.join(self.text)}\n{settings}\n",
            *([f"## Scores\n\n{self.report}\n"] if self.report else []),
            USE,
        ]
        return "\n".join(parts)


def fingerprints(model: "PreTrainedModel") -> dict[str, str]:
    """Return a fingerprint of each weight of a model by name; values count as float32."""
    return {name: weights_digest({name: weight})[:DIGITS] for name, weight in model.named_parameters()}


def not_stored(model: "PreTrainedModel", source: str) -> dict[str, Tensor]:
    """Return those of a model's weights that are not stored under `source`, or with other values.

    Where a large matrix of the encoder is another one, the model is another, and nothing is returned: it must be given
    to `load_subnetwork`. Nor is anything where there is no model at `source`.

    Args:
        model: a sequence classifier in memory.
        source: the folder or name that it was once loaded from.
    """
    try:
        stored, absent = load_stored(source, len(class_names(model)))
    except InputError:
        return {}
    there, encoder = dict(stored.named_parameters()), f"{model.base_model_prefix}."
    found: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        if name in absent or name not in there or there[name].shape != weight.shape:
            found[name] = weight.detach().cpu().clone()
        elif not torch.equal(there[name], weight.detach().cpu().float()):
            if name.startswith(encoder) and weight.dim() > 1:
                return {}
            found[name] = weight.detach().cpu().clone()
    return found


def load_subnetwork(
    folder: Path | str, model: object = None, tokenizer: "PreTrainedTokenizerBase | None" = None
) -> Subnetwork:
    """Read a subnetwork, and find the model that it lies in.

    Args:
        folder: written by `Subnetwork.save`.
        model: the base model; loaded from where it was if not given. Nothing in it is changed.
        tokenizer: its tokenizer; loaded from beside the base model if not given.

    Raises:
        InputError: if the folder holds no subnetwork, a file in it is not what was written, the base model is not
            found, or it is not the one that the subnetwork was found in: the first matrix, shape or weight is named in
            which it differs.
    """
    folder = Path(folder)
    about = _read_about(folder)
    mask = Mask.load(folder / MASK)
    changed = _read_changed(folder / CHANGED) if CHANGED in about["files"] else {}
    base, classes = about["base"], tuple(about["classes"])
    inner = _load_base(folder, base, classes, changed) if model is None else plain(model)
    if tokenizer is None:
        tokenizer = load_tokenizer(base if model is None else inner.config.name_or_path or base)
    check_fit(inner, tokenizer)
    report = None if about["report"] is None else Report(**about["report"])
    found = Subnetwork(
        inner,
        tokenizer,
        mask,
        base,
        about["fingerprints"],
        changed,
        classes,
        tuple(about["text"]),
        about["label"],
        about["settings"],
        report,
    )
    found.check(inner)
    if class_names(inner) != classes:
        reason = f"its classes are {', '.join(class_names(inner))}, the subnetwork's {', '.join(classes)}"
        raise InputError(f"subnetwork does not fit the model: {reason}; set id2label of the model's configuration")
    return found


def _load_base(folder: Path, base: str, classes: Sequence[str], changed: Mapping[str, Tensor]) -> "PreTrainedModel":
    try:
        model, _ = load_stored(base, len(classes))
    except InputError as error:
        raise InputError(f"{folder}: its base model is not to be had ({error}); give it (model=...)") from error
    model.config.id2label = dict(enumerate(classes))
    model.config.label2id = {name: number for number, name in enumerate(classes)}
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name, values in changed.items():
            if name not in weights or weights[name].shape != values.shape:
                raise InputError(
                    f"{folder}: its weight {name!r} does not fit the base model {base}; give the right one"
                )
            weights[name].copy_(values)
    return model


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    if not path.is_file():
        raise InputError(f"{folder}: no subnetwork in this folder ({ABOUT} is missing); give one written by srnet find")
    refuse_pointer(path)
    try:
        about = json.loads(path.read_bytes())
        known = about.get("format")
        if known == FORMAT:
            _ = [about[name] for name in ("base", "classes", "text", "label", "settings", "report", "fingerprints")]
            files = dict(about["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); copy the folder anew") from error
    if known != FORMAT:
        raise InputError(f"{path}: of the format {known!r}, not {FORMAT!r}; use the srnet that wrote it")
    for name, digest in files.items():
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: the file is missing; copy the folder anew")
        refuse_pointer(folder / name)
        if sha256(folder / name) != digest:
            raise InputError(f"{folder / name}: not what was written; copy the folder anew")
    if MASK not in files:
        raise InputError(f"{path}: names no {MASK}; copy the folder anew")
    return dict(about)


def _read_changed(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path}: not a readable safetensors file ({error}); copy the folder anew") from error


def _write(path: Path, text: str) -> None:
    # A path that this machine's locale cannot read is in `text` with halves of surrogates, as Python has it.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
