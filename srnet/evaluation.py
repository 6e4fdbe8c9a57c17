"""What a record says of a model's logits on one data set, ``E_d(f(θ))``."""

from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from srnet.metrics import bias_aligned, correct, correct_two_way, weighted_f1
from srnet.tasks import HANS_LABELS


def scores(logits: Tensor, data: Dataset, metric: str, bias_log_probs: Tensor | None = None) -> dict[str, Any]:
    """Return a model's scores on a data set, all shares in [0, 1].

    Args:
        logits: float [N, K].
        data: the examples, with the columns `label` and `subset`.
        metric: the task's headline score (`Task.metric`), given beside accuracy where it is another.
        bias_log_probs: the bias model's log-probabilities for an ID development set, float [N, K].

    Returns:
        ``accuracy`` (on HANS, with neutral and contradiction as one class), ``examples``, the headline score under its
        name, ``classes`` (accuracy by gold class), ``subsets`` (accuracy by "subset/class", where there are subsets),
        and ``bias`` (accuracy and number of the examples whose label the bias model finds, ``aligned``, and of those
        it does not, ``conflicting``; a model that relies on the bias fails on the latter).
    """
    labels, names = torch.tensor(data["label"][:]), data.features["label"].names
    hits = (correct_two_way if tuple(names) == HANS_LABELS else correct)(logits, labels).numpy()
    result: dict[str, Any] = {"accuracy": float(hits.mean()), "examples": len(hits)}
    if metric == "weighted_f1":
        result[metric] = weighted_f1(logits, labels)
    classes = np.array(names)[labels.numpy()]
    result["classes"] = _by(hits, classes)
    if any(data["subset"]):
        result["subsets"] = _by(hits, np.char.add(np.char.add(np.array(data["subset"][:]), "/"), classes))
    if bias_log_probs is not None:
        aligned = bias_aligned(bias_log_probs, labels).numpy()
        result["bias"] = {
            name: {"accuracy": float(hits[group].mean()), "examples": int(group.sum())}
            for name, group in (("aligned", aligned), ("conflicting", ~aligned))
            if group.any()
        }
    return result


def _by(hits: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    return {str(group): float(hits[groups == group].mean()) for group in np.unique(groups)}
