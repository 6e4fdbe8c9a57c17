"""Statistics of the data (Tables 1 and 2 of the paper's supplement), and whether they are those of the official files.

Sizes of official files are as published: MNLI and QQP on the card of GLUE (Wang et al., 2019) on the Hugging Face hub;
HANS by McCoy et al. (2019); PAWS and FEVER-Symmetric by their repositories (Zhang et al., 2019; Schuster et al., 2019).
Of QQP's training set TensorFlow Datasets gives another size, 363,849 for 363,846: both are taken. Shares of classes are
those of Liu et al. (2022), or counted in the complete official file. Schuster et al. publish their processed FEVER
without its size.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from srnet.data.pairs import TaskData
from srnet.data.tasks import find_task

if TYPE_CHECKING:
    from datasets import Dataset

WORD = r"[^ \t\n\r\f\v]+"
ROUNDING = 0.05 + 1e-9  # official shares are known to a tenth of a per cent
# Schuster et al. (2019) publish their processed FEVER without its size; these are the sizes given by those who use it.
FEVER = {"train": 242_911, "dev": 16_664}


@dataclass(frozen=True)
class Official:
    """What is known of an official file.

    Attributes:
        examples: its number of examples, or those of its releases; empty if not published.
        shares: per cent of its examples in each class, to one decimal place; empty if not published.
    """

    examples: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()


OFFICIAL: Mapping[tuple[str, str, str], Official] = {
    ("nli", "mnli-m", "train"): Official((392_702,)),
    ("nli", "mnli-m", "dev"): Official((9_815,), (35.4, 31.8, 32.7)),
    ("nli", "hans", "test"): Official((30_000,), (50.0, 50.0)),
    ("nli", "hans", "train"): Official((30_000,), (50.0, 0.0, 50.0)),
    ("paraphrase", "qqp", "train"): Official((363_846, 363_849), (63.1, 36.9)),
    ("paraphrase", "qqp", "dev"): Official((40_430,)),
    ("paraphrase", "paws-qqp", "test"): Official((677,), (71.8, 28.2)),
    ("paraphrase", "paws-wiki", "test"): Official((8_000,), (55.8, 44.2)),
    ("paraphrase", "paws-qqp", "train"): Official((11_988,)),
    ("paraphrase", "paws-wiki", "train"): Official((49_401,)),
    ("fact", "fever", "train"): Official((), (41.4, 17.2, 41.4)),
    ("fact", "fever", "dev"): Official(),
    ("fact", "sym1", "test"): Official((717,), (52.9, 47.1)),
    ("fact", "sym2", "test"): Official((712,), (50.0, 50.0)),
    ("fact", "sym2", "train"): Official((7_080,), (50.0, 50.0, 0.0)),  # 708, each ten times (Appendix B.3.3)
}
"""What is known of the official files, by task, data set and split."""


def statistics(data: TaskData) -> pd.DataFrame:
    """Count the examples and words of every data set of a task, class by class.

    Args:
        data: the task's text, official or not.

    Returns:
        One row per data set and class, training and development set first, then OOD test and training sets, with the
        columns ``task``, ``data_set`` (its id), ``split`` ("train", "dev" or "test"), ``label`` (a class of the data
        set), ``examples`` (how many of the class), ``share`` (of the data set's examples, in [0, 1]),
        ``premise_words`` and ``hypothesis_words`` (mean number of words, separated by white space; NaN for a class
        without examples). OOD training examples count as often as they are trained on.

    Raises:
        InputError: if the task is unknown.
    """
    frames = []
    for data_set, split, part in _parts(data):
        table = part.to_pandas()
        examples = pd.DataFrame(
            {
                "label": pd.Categorical.from_codes(table["label"], part.features["label"].names),
                "premise_words": table["premise"].str.count(WORD),
                "hypothesis_words": table["hypothesis"].str.count(WORD),
            }
        )
        classes = examples.groupby("label", observed=False)
        counts = classes.size()
        frame = classes.mean().assign(
            task=data.name, data_set=data_set, split=split, examples=counts, share=counts / len(examples)
        )
        frames.append(frame.reset_index().astype({"label": str}))
    columns = ["task", "data_set", "split", "label", "examples", "share", "premise_words", "hypothesis_words"]
    return pd.concat(frames, ignore_index=True)[columns]


def check_official(table: pd.DataFrame) -> pd.DataFrame:
    """Say of every data set whether it is the official one, by its numbers of examples alone.

    Another text of the same counts, such as sentences from HANS's templates under another seed, passes for official.

    Args:
        table: what `statistics` returned.

    Returns:
        One row per data set, with the columns ``task``, ``data_set``, ``split``, ``examples`` and ``verdict``:
        "official", "not the official data: " and in what it differs, or "unknown: " where no size is published.
    """
    rows = []
    for (task, data_set, split), part in table.groupby(["task", "data_set", "split"], sort=False):
        official = OFFICIAL.get((task, data_set, split), Official())
        rows.append((task, data_set, split, part["examples"].sum(), _verdict(part, official)))
    return pd.DataFrame(rows, columns=["task", "data_set", "split", "examples", "verdict"])


def _verdict(part: pd.DataFrame, official: Official) -> str:
    examples, shares = int(part["examples"].sum()), 100 * part["share"].to_numpy()
    if official.examples and examples not in official.examples:
        sizes = " or ".join(f"{size:,}" for size in official.examples)
        return f"not the official data: {examples:,} examples, official {sizes}"
    if official.shares and (len(shares) != len(official.shares) or np.any(abs(shares - official.shares) > ROUNDING)):
        found, known = (" / ".join(f"{share:.1f}" for share in each) for each in (shares, official.shares))
        return f"not the official data: {found} % in its classes, official {known} %"
    return "official" if official.examples else f"unknown: {examples:,} examples, no official size is published"


def _parts(data: TaskData) -> "Iterator[tuple[str, str, Dataset]]":
    """Yield id, split and examples of each data set; OOD training examples from several files are taken apart."""
    task = find_task(data.name)
    yield task.dev_name, "train", data.train
    yield task.dev_name, "dev", data.dev
    for data_set, part in data.ood.items():
        yield data_set, "test", part
    if data.ood_train is not None and len(task.ood_train) == 1:
        yield next(iter(task.ood_train)), "train", data.ood_train
    elif data.ood_train is not None:
        origins = np.array(data.ood_train["subset"][:])
        for origin in dict.fromkeys(origins.tolist()):
            yield origin, "train", data.ood_train.select(np.flatnonzero(origins == origin))
