"""What a found subnetwork does beside the full model, and what finding it took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

DEV = "dev"
FULL, FOUND = "full model", "subnetwork"


@dataclass(frozen=True)
class Report:
    """Scores of a subnetwork and of the full model it lies in, and what finding it took.

    Attributes:
        subnetwork: its scores by data set (`srnet.training.metrics.scores`): `DEV`, by which it was chosen, then those
            out of distribution by name.
        full: the same of the full model.
        bias: what the bias says of the training examples: its name, the share of labels that it finds and that of the
            most frequent class; empty without a bias.
        sparsity: by matrix, how many weights are removed, and of how many.
        cost: what the training took: its steps and those that looked for a learning rate, tokens, and seconds in all.
        notes: what was decided on the way.
    """

    subnetwork: Mapping[str, Mapping[str, Any]]
    full: Mapping[str, Mapping[str, Any]]
    bias: Mapping[str, Any]
    sparsity: Mapping[str, Sequence[int]]
    cost: Mapping[str, float]
    notes: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        """Return all of it as text in Markdown."""
        return "\n".join(_told(self))

    def _repr_markdown_(self) -> str:
        return str(self)


def score_table(models: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the accuracies of models as a table in Markdown.

    Args:
        models: scores by data set (`srnet.training.metrics.scores`), by what the model is called.
    """
    first = next(iter(models.values()))
    rows = [["accuracy in %", "examples", *models]]
    for data, scores in first.items():
        for name, examples, path in _parts(data, scores):
            cells = [f"{100 * _at(each[data], path):.1f}" for each in models.values()]
            rows.append([name, f"{examples:,}" if examples else "", *cells])
    return "\n".join(_table(rows))


def cost_told(cost: Mapping[str, float]) -> str:
    """Return in a sentence what a training took (`Report.cost`)."""
    looked = f", {cost['look_steps']:,} more to choose the learning rate" if cost.get("look_steps") else ""
    return f"\nCost: {cost['steps']:,} steps{looked}; {cost['tokens']:,} tokens; {cost['seconds']:.0f} s of training."


def notes_told(notes: Sequence[str]) -> list[str]:
    """Return notes in a paragraph each."""
    return [f"\nNote: {note}." for note in notes]


def _parts(data: str, scores: Mapping[str, Any]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Yield each accuracy of a data set: its name, the number of examples if known, and where it stands in `scores`."""
    yield data, scores["examples"], ("accuracy",)
    for kind, of in scores.get("bias", {}).items():
        yield f"{data}, bias-{kind}", of["examples"], ("bias", kind, "accuracy")
    for group in ("classes", "subsets"):
        for name in scores.get(group, {}):
            yield f"{data}, {name}", 0, (group, name)


def _at(scores: Mapping[str, Any], path: Sequence[str]) -> float:
    value: Any = scores
    for name in path:
        value = value[name]
    return float(value)


def _told(report: Report) -> Iterator[str]:
    yield score_table({FOUND: report.subnetwork, FULL: report.full})
    removed = [sum(counts) for counts in zip(*report.sparsity.values(), strict=True)]
    yield f"\nRemoved: {removed[0]:,} of {removed[1]:,} weights in {len(report.sparsity)} matrices."
    if report.bias:
        found, majority = (f"{100 * report.bias[name]:.1f} %" for name in ("accuracy", "majority"))
        yield f"\nThe bias, {report.bias['name']}, finds {found} of the training labels; the majority is {majority}."
        if (share := report.bias.get("words_with_vector")) is not None:
            yield f"\nOf the words that it looks at, {100 * share:.1f} % have a vector."
    yield cost_told(report.cost)
    yield from notes_told(report.notes)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, the first column to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for number, (first, *others) in enumerate(rows):
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        yield f"| {' | '.join(cells)} |"
        if not number:
            yield f"| {' | '.join([':' + '-' * (widths[0] - 1), *('-' * (width - 1) + ':' for width in widths[1:])])} |"
