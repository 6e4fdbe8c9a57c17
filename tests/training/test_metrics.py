"""Scores of logits by hand, by definition, and by part of a data set."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srnet.data.tasks import HANS_LABELS
from srnet.training.metrics import METRICS, Gold, bias_aligned, correct, headline, hits, scores, weighted_f1


def one_hot(predictions: list[int], classes: int) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(predictions), classes).float()


def predictions_and_labels(classes: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    index = st.integers(0, classes - 1)
    return st.lists(st.tuples(index, index), min_size=1, max_size=30)


def test_correct_is_the_arg_max() -> None:
    logits = torch.tensor([[0.1, 0.2, -3.0], [5.0, 5.0, 5.0], [-1.0, -2.0, -0.5]])
    assert correct(logits, torch.tensor([1, 0, 0])).tolist() == [True, True, False]
    assert correct(logits, torch.tensor([1, 1, 2])).tolist() == [True, False, True]


def test_symmetric_sets_are_scored_over_all_three_classes() -> None:
    # NOT ENOUGH INFO is wrong on a set that has only SUPPORTS and REFUTES, whichever of these is second.
    assert correct(one_hot([2, 2, 0, 1], 3), torch.tensor([0, 1, 0, 1])).tolist() == [False, False, True, True]


def gold(labels: list[int], classes: tuple[str, ...], subsets: list[str] | None = None) -> Gold:
    return Gold(torch.tensor(labels), classes, np.array(subsets or [""] * len(labels)))


def test_hans_merges_neutral_and_contradiction() -> None:
    predicted = torch.tensor([0, 1, 2, 0, 1, 2])
    labels = [0, 0, 0, 1, 1, 1]
    assert hits(predicted, gold(labels, HANS_LABELS)).tolist() == [True, False, False, False, True, True]
    assert hits(predicted, gold(labels, ("SUPPORTS", "REFUTES"))).tolist() == [True, False, False, False, True, False]
    # The arg max is taken first: entailment wins against each of two halves of non-entailment.
    assert headline(torch.tensor([[0.4, 0.3, 0.3]]).log(), gold([1], HANS_LABELS), "accuracy") == 0.0


def test_headlines_are_those_of_the_scores() -> None:
    logits, of = one_hot([0, 1, 1, 0, 0], 2), gold([0, 1, 0, 0, 1], ("a", "b"))
    found = {metric: headline(logits, of, metric) for metric in METRICS}
    assert found == {metric: scores(logits, of, metric)[metric] for metric in METRICS}
    assert found == {"accuracy": 0.6, "weighted_f1": weighted_f1(logits, of.labels)}
    assert headline(logits, Gold(of.labels), "accuracy") == 0.6


def test_scores_by_class_by_subset_and_by_bias() -> None:
    logits, bias = one_hot([0, 2, 1, 0], 3), one_hot([0, 0, 0, 1], 3).log()
    found = scores(logits, gold([0, 1, 1, 1], HANS_LABELS, ["a", "a", "b", "b"]), "accuracy", bias)
    assert found == {
        "accuracy": 0.75,
        "examples": 4,
        "classes": {"entailment": 1.0, "non-entailment": pytest.approx(2 / 3)},
        "subsets": {"a/entailment": 1.0, "a/non-entailment": 1.0, "b/non-entailment": 0.5},
        "bias": {
            "aligned": {"accuracy": 0.5, "examples": 2},
            "conflicting": {"accuracy": 1.0, "examples": 2},
        },
    }
    plain = scores(logits, gold([0, 2, 1, 1], ("x", "y", "z")), "weighted_f1")
    assert plain.keys() == {"accuracy", "examples", "weighted_f1", "classes"}
    assert plain["classes"] == {"x": 1.0, "y": 0.5, "z": 1.0}


# Predictions and labels: F1 by hand, class by class, with the classes' shares.
@pytest.mark.parametrize(
    ("predictions", "labels", "expected"),
    [
        ([0, 1, 0, 1], [0, 1, 0, 1], 1.0),
        ([1, 0], [0, 1], 0.0),
        # Class 0: precision 2/3, recall 1, F1 4/5; class 1: precision 1, recall 1/2, F1 2/3; shares 1/2, 1/2.
        ([0, 0, 0, 1], [0, 0, 1, 1], (4 / 5 + 2 / 3) / 2),
        # Never predicted: class 1 has F1 0 and share 1/4; class 0 has precision 3/4, recall 1, F1 6/7.
        ([0, 0, 0, 0], [0, 0, 0, 1], 3 / 4 * 6 / 7),
        # A class that is predicted but has no gold label has no share: class 0 recall 1/2, precision 1, F1 2/3.
        ([0, 1], [0, 0], 2 / 3),
        ([1], [1], 1.0),
    ],
)
@pytest.mark.filterwarnings("error")
def test_weighted_f1_by_hand(predictions: list[int], labels: list[int], expected: float) -> None:
    score = weighted_f1(one_hot(predictions, 2), torch.tensor(labels))
    assert type(score) is float
    assert score == pytest.approx(expected, abs=1e-12)


@given(st.integers(2, 4).flatmap(lambda classes: st.tuples(st.just(classes), predictions_and_labels(classes))))
def test_weighted_f1_is_as_defined(case: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = case
    expected = 0.0
    for index in range(classes):
        true_positives = sum(p == y == index for p, y in pairs)
        predicted, gold = sum(p == index for p, _ in pairs), sum(y == index for _, y in pairs)
        if true_positives:
            expected += gold / len(pairs) * 2 * true_positives / (predicted + gold)
    logits, labels = one_hot([p for p, _ in pairs], classes), torch.tensor([y for _, y in pairs])
    score = weighted_f1(logits, labels)
    assert score == pytest.approx(expected, abs=1e-12)
    assert weighted_f1(3 * logits - 7, labels) == score
    assert (score == 1.0) == bool(correct(logits, labels).all())


def test_bias_aligned_by_hand() -> None:
    log_probs = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]]).log()
    aligned = bias_aligned(log_probs, torch.tensor([0, 2, 0, 1]))
    assert (aligned.dtype, aligned.tolist()) == (torch.bool, [True, False, True, False])


@given(st.integers(1, 4), st.integers(0, 20), st.integers(0, 2**32))
def test_of_ties_the_first_class_is_the_most_probable(classes: int, examples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randint(-3, 0, (examples, classes), generator=generator).float()
    labels = torch.randint(classes, (examples,), generator=generator)
    expected = [row.index(max(row)) == label for row, label in zip(log_probs.tolist(), labels.tolist(), strict=True)]
    assert bias_aligned(log_probs, labels).tolist() == expected
    assert correct(log_probs, labels).tolist() == expected
