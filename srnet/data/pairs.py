"""Premise-hypothesis pairs in memory: the form in which every task's text is handed on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TaskData:
    """The text of one task, in memory.

    Every data set has exactly the columns `premise` and `hypothesis` (strings), `label` (a `ClassLabel` with the names
    of its own classes, which may be fewer than the task's) and `subset` (a string, "" where there are no subsets).
    For paraphrases they are the first and second question, for fact verification evidence and claim.

    Attributes:
        name: the task's name in `srnet.data.tasks.TASKS`.
        train: in-distribution (ID) training examples.
        dev: ID development examples; the id of this data set is the task's `dev_name`.
        ood: out-of-distribution (OOD) test examples by data-set id; of the task's data sets, those that are there.
        ood_train: OOD training examples (Appendix B.3.3) with the classes of the task, each as often as it is to be
            trained on; None where there are none. Where several data sets make them up (PAWS), `subset` is the one they
            are from.
    """

    name: str
    train: "Dataset"
    dev: "Dataset"
    ood: "Mapping[str, Dataset]"
    ood_train: "Dataset | None" = None


def pair_dataset(
    premises: Sequence[str],
    hypotheses: Sequence[str],
    labels: Sequence[int],
    label_names: Sequence[str],
    subsets: Sequence[str] | None = None,
) -> "Dataset":
    """Return N pairs as a data set with the columns that `TaskData` promises.

    Args:
        premises: N premises.
        hypotheses: N hypotheses.
        labels: N indices into `label_names`.
        label_names: the classes, in order.
        subsets: N subset names; "" for every pair if not given.
    """
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(
        premise=Value("string"),
        hypothesis=Value("string"),
        label=ClassLabel(names=list(label_names)),
        subset=Value("string"),
    )
    columns = {
        "premise": premises,
        "hypothesis": hypotheses,
        "label": labels,
        "subset": [""] * len(premises) if subsets is None else subsets,
    }
    return Dataset.from_dict(columns, features=features)
