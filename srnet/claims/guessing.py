"""What answers that look at nothing would score on the paraphrase sets, whose classes are of unequal size.

The paper compares with them in Section 4.2.2 (item 5) and Appendix B.1.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from srnet.store.store import Store
from srnet.study.guessing import EVEN, expected_f1

FULL_NAME = "full bert (std)"  # of whose records the shares of the classes are read
DUPLICATE, OTHER = "always duplicate", "always non-duplicate"


def guesses(table: pd.DataFrame, store: Store) -> pd.DataFrame:
    """Return what guesses score on the OOD sets of paraphrase identification.

    Args:
        table: a figure's results (`srnet.study.choice.Study.table`).
        store: where its records are.

    Returns:
        For each row of the full model there, three with its columns: curve `EVEN` with the weighted F1 that a guess
        between the two classes is expected to have, `DUPLICATE` and `OTHER` with the accuracy of always giving that
        answer; none where the table has no such rows, or the shares of the classes are not known.
    """
    rows = table[
        (table.task == "paraphrase") & (table.split == "OOD") & (table.curve == FULL_NAME) & (table.sparsity == 0)
    ]
    found = []
    for row in rows.to_dict("records"):
        share = duplicates(store.read(row["key"])["metrics"][row["dataset"]])
        if math.isnan(share):
            continue
        scores = {EVEN: expected_f1(share), DUPLICATE: share, OTHER: 1 - share}
        found += [row | {"curve": curve, "score": score} for curve, score in scores.items()]
    return pd.DataFrame(found, columns=table.columns)


def duplicates(metrics: Mapping[str, Any]) -> float:
    """Return the share of duplicates in a paraphrase set, from a model's metrics (`srnet.training.metrics.scores`).

    Accuracy is the mean of the accuracies on the two classes, weighted by their shares.

    Returns:
        In [0, 1]; NaN where the model is as accurate on one class as on the other, which tells nothing of the shares.
    """
    duplicate, other = (metrics["classes"][name] for name in ("duplicate", "non-duplicate"))
    if duplicate == other:
        return math.nan
    share = (metrics["accuracy"] - other) / (duplicate - other)
    return float(round(share * metrics["examples"]) / metrics["examples"])
