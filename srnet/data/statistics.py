"""Statistics of the data (Tables 1 and 2 of the paper's supplement), and whether they are those of the official files.

What the official files have is what the paper prints (`srnet.paper`). GLUE's card on the Hugging Face hub gives QQP a
few pairs less, and files of either size are taken for official.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from srnet.data.pairs import TaskData
from srnet.data.tasks import TASKS, Task, find_task
from srnet.paper import EVALUATED, TABLE_1, TABLE_2

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

WORD = r"[^ \t\n\r\f\v]+"
ROUNDING = 0.05 + 1e-9  # the paper's shares are rounded to a tenth of a per cent
GLUE: Mapping[tuple[str, str], int] = {("qqp", "train"): 363_846, ("qqp", "dev"): 40_430}
"""Number of examples by data set and split, where GLUE (Wang et al., 2019) has another than the paper."""


def training_examples(task: str, with_ood: bool = False) -> int:
    """Return the number of examples of a task's official training set, as in the paper.

    Args:
        task: its name.
        with_ood: add the OOD training examples (Appendix B.3.3), as often as they are trained on.
    """
    known, total = TASKS[task], TABLE_1[TASKS[task].dev_name, "train"]
    if with_ood:
        splits = ((name, _split_trained(name)) for name in known.ood_train)
        total += sum(TABLE_1[split] * _copies(known, *split) for split in splits)
    return total


def statistics(data: TaskData) -> "pd.DataFrame":
    """Count the examples and words of every data set of a task, class by class.

    Args:
        data: the task's text, official or not.

    Returns:
        One row per data set and class, training and development set first, then OOD test and training sets, with the
        columns ``task``, ``data_set`` (its id), ``split`` ("train", "dev" or "test", as Table 1 calls it), ``label`` (a
        class of the data set), ``examples`` (how many of the class), ``share`` (of the data set's examples, in
        [0, 1]), ``premise_words`` and ``hypothesis_words`` (mean number of words, separated by white space; NaN for a
        class without examples). OOD training examples count as often as they are trained on.

    Raises:
        InputError: if the task is unknown.
    """
    import pandas as pd

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


def check_official(table: "pd.DataFrame") -> "pd.DataFrame":
    """Say of every data set whether it is the official one, by its numbers of examples alone.

    Another text of the same counts, such as sentences from HANS's templates under another seed, passes for official.

    Args:
        table: what `statistics` returned.

    Returns:
        One row per data set, with the columns ``task``, ``data_set``, ``split``, ``examples`` and ``verdict``:
        "official", and whose where the paper and GLUE differ; "not the official data: " and in what it differs; or
        "unknown: " where the paper has no such data set.
    """
    import pandas as pd

    rows = []
    for (task, data_set, split), part in table.groupby(["task", "data_set", "split"], sort=False):
        rows.append((task, data_set, split, part["examples"].sum(), _verdict(TASKS[task], data_set, split, part)))
    return pd.DataFrame(rows, columns=["task", "data_set", "split", "examples", "verdict"])


def beside_paper(table: "pd.DataFrame") -> "pd.DataFrame":
    """Put what the data at hand have beside Tables 1 and 2.

    Args:
        table: what `statistics` returned, of one or several tasks.

    Returns:
        One row per data set and split of these tasks in Table 1, in its order, with the columns ``data_set``,
        ``split``, ``evaluated`` (whether results are reported on it), ``copies`` (how often each of its examples is
        trained on), ``examples`` and ``shares`` (of the data at hand; copies are counted once), ``paper_examples`` and
        ``paper_shares``. Shares are per cent of each class, a tuple in the order of ``classes``, a tuple of names. What
        the data at hand or the paper lack is missing.
    """
    import pandas as pd

    found = dict(iter(table.groupby(["data_set", "split"], sort=False)))
    rows = []
    for task in (TASKS[name] for name in table["task"].unique()):
        for data_set, split in (key for key in TABLE_1 if key[0] in (task.dev_name, *task.ood)):
            part, copies = found.get((data_set, split)), _copies(task, data_set, split)
            rows.append(
                {
                    "data_set": data_set,
                    "split": split,
                    "evaluated": split == EVALUATED[data_set],
                    "copies": copies,
                    "examples": None if part is None else int(part["examples"].sum()) // copies,
                    "paper_examples": TABLE_1[data_set, split],
                    "classes": task.labels if part is None else tuple(part["label"]),
                    "shares": None if part is None else tuple(100 * part["share"]),
                    "paper_shares": _shares(task, data_set, split, len(task.labels if part is None else part)),
                }
            )
    return pd.DataFrame(rows).astype({"examples": "Int64"})


def _verdict(task: Task, data_set: str, split: str, part: "pd.DataFrame") -> str:
    examples, shares = int(part["examples"].sum()), tuple(100 * part["share"])
    if (data_set, split) not in TABLE_1:
        return f"unknown: {examples:,} examples, the paper has no such data set"
    size, glue = TABLE_1[data_set, split] * _copies(task, data_set, split), GLUE.get((data_set, split))
    if examples not in (size, glue):
        sizes = f"{size:,} (paper) or {glue:,} (GLUE)" if glue else f"{size:,}"
        return f"not the official data: {examples:,} examples, official {sizes}"
    known = _shares(task, data_set, split, len(shares))
    if known and (len(shares) != len(known) or np.any(abs(np.subtract(shares, known)) > ROUNDING)):
        words = (" / ".join(f"{share:.1f}" for share in each) for each in (shares, known))
        return "not the official data: {} % in its classes, official {} %".format(*words)
    if glue:
        return f"official: of the size that {'GLUE' if examples == glue else 'the paper'} gives"
    return "official"


def _split_trained(data_set: str) -> str:
    """Return the split that is trained on, in the paper's name; of FEVER-Symmetric v2 it is the development set."""
    return "train" if (data_set, "train") in TABLE_1 else "dev"


def _copies(task: Task, data_set: str, split: str) -> int:
    """Return how often each example of a split is trained on."""
    source = task.ood_train.get(data_set) if split == _split_trained(data_set) else None
    return source.copies if source else 1


def _shares(task: Task, data_set: str, split: str, classes: int) -> tuple[float, ...] | None:
    """Return per cent of each class in Table 2; without the classes that are not there, if there are fewer `classes`.

    Table 2 has no split that is neither trained on nor evaluated, nor the one that stands in for a training set.
    """
    if (data_set, split) not in TABLE_2:
        return None
    shares = [TABLE_2[data_set, split][label] for label in task.labels]
    return tuple(share for share in shares if share or classes == len(task.labels))


def _parts(data: TaskData) -> "Iterator[tuple[str, str, Dataset]]":
    """Yield id, split and examples of each data set; OOD training examples from several files are taken apart."""
    task = find_task(data.name)
    yield task.dev_name, "train", data.train
    yield task.dev_name, "dev", data.dev
    for data_set, part in data.ood.items():
        yield data_set, EVALUATED.get(data_set, "test"), part
    if data.ood_train is not None and len(task.ood_train) == 1:
        (data_set,) = task.ood_train
        yield data_set, _split_trained(data_set), data.ood_train
    elif data.ood_train is not None:
        origins = np.array(data.ood_train["subset"][:])
        for origin in dict.fromkeys(origins.tolist()):
            yield origin, _split_trained(origin), data.ood_train.select(np.flatnonzero(origins == origin))
