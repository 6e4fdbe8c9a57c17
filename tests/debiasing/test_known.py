"""Biases by name, by function and as log-probabilities."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset

from srnet.data.pairs import pair_dataset
from srnet.debiasing.bias import BiasModel, claim_features, pair_features
from srnet.debiasing.known import BIASES, FewKnownWarning, bias_of
from srnet.debiasing.word_vectors import WordVectors
from srnet.errors import InputError

WORDS = {"a": (1.0, 0.0), "cat": (0.0, 1.0), "dog": (0.6, 0.8), "sleeps": (-1.0, 0.0)}
PREMISES = ["a cat sleeps", "a dog", "cat", "a dog sleeps"]
HYPOTHESES = ["a cat", "cat sleeps", "a cat", "dog"]
LABELS = [0, 1, 1, 0]


def vectors(words: dict[str, tuple[float, float]] = WORDS) -> WordVectors:
    none = (0.0, 0.0)
    return WordVectors(2, lambda asked: np.array([words.get(word, none) for word in asked], np.float32).reshape(-1, 2))


def pairs(two: bool = True) -> Dataset:
    return pair_dataset(PREMISES, HYPOTHESES if two else [""] * 4, LABELS, ("no", "yes"))


@pytest.mark.parametrize("kind", ["hypothesis-only", "claim-only"])
@pytest.mark.parametrize("two", [True, False])
def test_one_text_is_the_second_or_the_only_one(kind: str, two: bool) -> None:
    known = bias_of(kind, pairs(two), vectors(), 2)
    expected = claim_features(HYPOTHESES if two else PREMISES, vectors())
    np.testing.assert_array_equal(known.features, expected)
    assert known.coverage == 1
    assert known.feature_names == ()


def test_overlap_is_the_bias_model_of_pairs() -> None:
    known = bias_of("overlap", pairs(), vectors(), 2)
    features = pair_features(PREMISES, HYPOTHESES, vectors())
    np.testing.assert_array_equal(known.features, features)
    expected = BiasModel.fit(features, np.array(LABELS), 2).log_probs(features)
    np.testing.assert_array_equal(known.log_probs, expected)
    np.testing.assert_array_equal(known.log_probs_of(pairs()), expected)
    assert len(known.feature_names) == 5


def test_lengths() -> None:
    known = bias_of("length", pairs(), None, 2)
    np.testing.assert_array_equal(known.features, [[3, 2, 1], [2, 2, 0], [1, 2, 1], [3, 1, 2]])
    np.testing.assert_array_equal(bias_of("length", pairs(False), None, 2).features, [[3], [2], [1], [3]])


def test_a_function_is_called_once_for_each_data_set_and_its_frame_names_features() -> None:
    calls = []

    def features(premises: list[str], hypotheses: list[str]) -> pd.DataFrame:
        calls.append(len(premises))
        return pd.DataFrame({"has dog": ["dog" in premise for premise in premises], "one": 1.0})

    known = bias_of(features, pairs(), None, 2)
    assert known.feature_names == ("has dog", "one")
    np.testing.assert_array_equal(known.features, [[0, 1], [1, 1], [0, 1], [1, 1]])
    assert known.log_probs_of(pairs().select([1])).shape == (1, 2)
    assert calls == [4, 1]


GOOD = np.log([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]])


@pytest.mark.parametrize(
    "values", [GOOD, torch.tensor(GOOD, requires_grad=True), GOOD.tolist(), torch.tensor(GOOD).float()]
)
def test_log_probabilities_are_taken_as_they_are(values: Any) -> None:
    known = bias_of(values, pairs(), None, 2)
    np.testing.assert_allclose(known.log_probs, GOOD, rtol=1e-6)
    assert known.log_probs.dtype == np.float32
    with pytest.raises(InputError, match="tell nothing of others; name a bias"):
        known.log_probs_of(pairs())


def changed(row: int, values: tuple[float, float]) -> np.ndarray:
    found = GOOD.copy()
    found[row] = values
    return found


WRONG: dict[str, tuple[Any, str]] = {
    "unknown": ("overlaps", "bias 'overlaps' is unknown: choose one of overlap, hypothesis-only, claim-only, length"),
    "shape": (GOOD[:3], r"the shape is \[3, 2\]; give \[4, 2\], a row for each example"),
    "classes": (np.log(np.full((4, 3), 1 / 3)), r"the shape is \[4, 3\]; give \[4, 2\]"),
    "probabilities": (np.exp(GOOD), r"row 0, \[0.9, 0.1\], sum to 3.565; give the logarithms of these probabilities"),
    "logits": (changed(1, (3.0, -2.0)), r"row 1, \[3, -2\], sum to 20.22; give log_softmax of the scores"),
    "zero": (changed(2, (0.0, -np.inf)), r"row 2 is \[0, -inf\], not finite; give every class a probability above 0"),
    "NaN": (changed(3, (np.nan, 0.0)), r"row 3 is \[nan, 0\], not finite"),
    "huge": (changed(1, (1e4, 0.0)), "row 1, .*sum to inf; give log_softmax"),
    "ragged": ([[0.0], [1.0, 2.0]], "not numbers"),
    "one feature as a row": (lambda first, second: [1.0] * len(first), r"returns the shape \[4\]; return \[4, F\]"),
    "too few rows": (lambda first, second: [[1.0]], r"returns the shape \[1, 1\]; return \[4, F\]"),
    "words": (lambda first, second: [[each] for each in first], "does not return numbers"),
    "infinite": (lambda first, second: [[np.inf]] * 4, "the features of example 0 are not finite"),
    "constant": (
        lambda first, second: [[1.0]] * 4,
        "the features are the same for every example, so they tell nothing",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_biases(name: str) -> None:
    kind, message = WRONG[name]
    with pytest.raises(InputError, match=message) as error:
        bias_of(kind, pairs(), vectors(), 2)
    assert "\n" not in str(error.value)


def test_overlap_needs_two_texts() -> None:
    with pytest.raises(InputError, match="overlap: it needs two texts in each example; name two text columns"):
        bias_of("overlap", pairs(False), vectors(), 2)


@pytest.mark.parametrize("kind", ["overlap", "claim-only"])
def test_vectors_of_another_language_are_refused_and_of_few_words_warned_of(kind: str) -> None:
    with pytest.raises(
        InputError, match=r"none of the \d words of the text has a vector, such as .*; give vectors of the text's"
    ):
        bias_of(kind, pairs(), vectors({"CAT": (1.0, 0.0), "hund": (0.0, 1.0)}), 2)
    with pytest.warns(UserWarning, match=r"only \d\d % of the words of the text have a vector"):
        known = bias_of(kind, pairs(), vectors({"dog": (1.0, 0.0)}), 2)
    words = " ".join([*PREMISES, *HYPOTHESES] if kind == "overlap" else HYPOTHESES).split()
    assert known.coverage == words.count("dog") / len(words)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bias_of(kind, pairs(), vectors(), 2)


def test_of_vectors_trained_on_little_text_more_text_is_asked_for() -> None:
    rare = [f"same {' '.join(f'word{10 * row + place}' for place in range(5))}" for row in range(6)]
    few = pair_dataset(rare, ["same", "other"] * 3, [0, 1] * 3, ("a", "b"))
    with pytest.warns(FewKnownWarning, match="only .* have a vector; .* give more text, or vectors from a file"):
        bias_of("overlap", few, None, 2)


def test_every_name_is_a_bias() -> None:
    for kind in BIASES:
        assert bias_of(kind, pairs(), vectors(), 2).log_probs.shape == (4, 2)
