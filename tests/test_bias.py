import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression

from srnet.bias import BiasModel, overlap_features
from srnet.errors import InputError


@pytest.mark.parametrize(
    ("premise", "hypothesis", "expected"),
    [
        ("the judge by the actor saw the lawyer .", "the actor saw the lawyer .", (1, 1, 1)),
        ("The actor saw the lawyer .", "the lawyer saw the actor", (1, 0, 1)),
        ("a b c", "a b d d", (0, 0, 0.5)),
        ("a b c", "a c", (1, 0, 1)),
        ("a b", "c", (0, 0, 0)),
        ("a b", "b b", (1, 0, 1)),
        ("a b", "a b a", (1, 0, 1)),
        ("I DON'T know, do you?", "don't KNOW do", (1, 1, 1)),
        ("U.S.-led well_known", "u s led... (well) known!", (1, 1, 1)),
        ("scatter", "cat", (0, 0, 0)),
        ("the scatter plot", "the cat", (0, 0, 0.5)),
        ("xa b", "a b", (0, 0, 0.5)),
        ("it cost 5,000 £", "5000", (0, 0, 0)),
        ("ÉTÉ x", "été", (1, 1, 1)),
        ("a b", "?!", (0, 0, 0)),
        ("...", "...", (0, 0, 0)),
        ("", "a", (0, 0, 0)),
        ("", "", (0, 0, 0)),
    ],
)
def test_overlap_features(premise: str, hypothesis: str, expected: tuple[float, float, float]) -> None:
    assert overlap_features([premise], [hypothesis]).tolist() == [list(expected)]


def reference(premise: str, hypothesis: str) -> tuple[float, float, float]:
    def words(sentence: str) -> list[str]:
        return "".join(c if c.isalnum() else " " for c in sentence.lower()).split()

    p, h = words(premise), words(hypothesis)
    if not h:
        return 0.0, 0.0, 0.0
    inside = [word in p for word in h]
    contiguous = any(p[start : start + len(h)] == h for start in range(len(p)))
    return float(all(inside)), float(contiguous), sum(inside) / len(h)


FEW_WORDS = st.lists(st.sampled_from(["a", "ab", "B", "b.", "-", "aB,", "_"]), max_size=8).map(" ".join)


@settings(deadline=None)
@given(st.lists(st.tuples(FEW_WORDS, FEW_WORDS)))
def test_features_are_those_of_a_plain_reference(pairs: list[tuple[str, str]]) -> None:
    features = overlap_features([p for p, _ in pairs], [h for _, h in pairs])
    assert features.dtype == np.float64
    assert features.shape == (len(pairs), 3)
    assert [tuple(row) for row in features.tolist()] == [reference(p, h) for p, h in pairs]


@settings(deadline=None)
@given(st.text(), st.text())
def test_features_of_any_text(premise: str, hypothesis: str) -> None:
    assert tuple(overlap_features([premise], [hypothesis])[0]) == reference(premise, hypothesis)


@settings(deadline=None)
@given(FEW_WORDS, FEW_WORDS, FEW_WORDS)
def test_a_part_of_the_premise_overlaps_wholly(before: str, part: str, after: str) -> None:
    has_words = any(character.isalnum() for character in part)
    assert (overlap_features([f"{before} {part} {after}"], [part]) == float(has_words)).all()


def test_premises_and_hypotheses_must_pair() -> None:
    with pytest.raises(InputError, match="differ in number"):
        overlap_features(["a", "b"], ["a"])


def biased_examples(num_labels: int, examples: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return features of which the first points at label 0 in nine of ten examples."""
    generator = np.random.default_rng(0)
    labels = generator.integers(num_labels, size=examples)
    overlap = (labels == 0) ^ (generator.random(examples) < 0.1)
    return np.column_stack([overlap, generator.random(examples), generator.random(examples)]).astype(float), labels


@pytest.mark.parametrize("num_labels", [2, 3, 4])
def test_log_probs_are_those_of_scikit_learn(num_labels: int) -> None:
    features, labels = biased_examples(num_labels)
    log_probs = BiasModel.fit(features, labels, num_labels).log_probs(features)
    expected = LogisticRegression(max_iter=1000).fit(features, labels).predict_log_proba(features)
    assert log_probs.dtype == np.float32
    np.testing.assert_allclose(log_probs, expected, atol=1e-6)


def test_the_bias_is_found() -> None:
    features, labels = biased_examples(3)
    log_probs = BiasModel.fit(features, labels, 3).log_probs(np.array([[1.0, 0.5, 0.5], [0.0, 0.5, 0.5]]))
    assert np.exp(log_probs[0, 0]) > 0.7
    assert np.exp(log_probs[1, 0]) < 0.2


def test_fit_is_repeatable_and_its_result_cannot_change() -> None:
    features, labels = biased_examples(3)
    first, second = (BiasModel.fit(features, labels, 3) for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)
    with pytest.raises(AttributeError):
        first.weights = second.weights  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        first.weights[0, 0] = 1.0


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 8), st.just(3)), elements=st.floats(-1e6, 1e6)))
def test_log_probs_are_finite_and_normalised(features: np.ndarray) -> None:
    model = BiasModel(np.array([[3.0, -1.0, 0.0], [0.0, 2.0, 1.0], [-3.0, 0.5, -2.0]]), np.array([1.0, 0.0, -1.0]))
    log_probs = model.log_probs(features)
    assert log_probs.shape == (len(features), 3)
    assert np.isfinite(log_probs).all()
    np.testing.assert_allclose(np.exp(log_probs.astype(np.float64)).sum(1), 1.0, atol=1e-6)


FEATURES = np.array([[0.0, 0.0, 0.5], [1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
NOT_FINITE = np.array([[0.0], [np.nan], [0.0], [0.0]])


@pytest.mark.parametrize(
    ("features", "labels", "reason"),
    [
        (FEATURES, [0, 1, 1, 0], r"no example has the labels \[2\]"),
        (FEATURES, [2, 2, 2, 2], r"no example has the labels \[0, 1\]"),
        (FEATURES, [0, 1, 2, 3], r"labels \[3\] are outside 0..2"),
        (FEATURES, [0, 1, 2, -1], r"labels \[-1\] are outside 0..2"),
        (FEATURES, [0, 1, 2], r"shape \(3,\)"),
        (FEATURES[:0], [], r"no example has the labels \[0, 1, 2\]"),
        (FEATURES[0], [0, 1, 2], r"shape \(3,\).*\[N, F\]"),
        (NOT_FINITE, [0, 1, 2, 0], "features of example 1 are not finite"),
    ],
)
def test_fit_refuses(features: np.ndarray, labels: list[int], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        BiasModel.fit(features, np.array(labels, dtype=np.int64), 3)


@pytest.mark.parametrize(
    ("features", "reason"),
    [(FEATURES[:, :2], "fitted to 3 features, given 2"), (NOT_FINITE, "example 1 are not finite")],
)
def test_log_probs_refuses(features: np.ndarray, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        BiasModel.fit(*biased_examples(3), num_labels=3).log_probs(features)
