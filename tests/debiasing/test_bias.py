import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from srnet.data.official import MissingDataWarning, load_task
from srnet.data.pairs import TaskData, pair_dataset
from srnet.data.tasks import TASKS
from srnet.debiasing.bias import BiasModel, bias_features, claim_features, pair_features
from srnet.debiasing.word_vectors import WordVectors
from srnet.errors import InputError
from srnet.pocket import World, build_nli


def table(vectors: Mapping[str, Sequence[float]], dimension: int) -> WordVectors:
    unknown = [0.0] * dimension
    return WordVectors(
        dimension,
        lambda words: np.array([vectors.get(word, unknown) for word in words], dtype=np.float32).reshape(-1, dimension),
    )


# In the plane: "near" lies at an angle of 60 degrees from "east", "west" opposite; "odd" and "new" have no vector.
PLANE = {"east": (2, 0), "near": (1, 3**0.5), "north": (0, 0.5), "west": (-1, 0), "also": (5, 0)}
VECTORS = table(PLANE, 2)


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
    assert pair_features([premise], [hypothesis], VECTORS)[0, :3].tolist() == list(expected)


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
    features = pair_features([p for p, _ in pairs], [h for _, h in pairs], VECTORS)
    assert features.dtype == np.float64
    assert features.shape == (len(pairs), 5)
    assert [tuple(row) for row in features[:, :3].tolist()] == [reference(p, h) for p, h in pairs]


@settings(deadline=None)
@given(st.text(), st.text())
def test_features_of_any_text(premise: str, hypothesis: str) -> None:
    assert tuple(pair_features([premise], [hypothesis], VECTORS)[0, :3]) == reference(premise, hypothesis)


@settings(deadline=None)
@given(FEW_WORDS, FEW_WORDS, FEW_WORDS)
def test_a_part_of_the_premise_overlaps_wholly(before: str, part: str, after: str) -> None:
    has_words = any(character.isalnum() for character in part)
    assert (pair_features([f"{before} {part} {after}"], [part], VECTORS) == float(has_words)).all()


@pytest.mark.parametrize(
    ("premise", "hypothesis", "mean", "minimum"),
    [
        ("east", "east", 1, 1),
        ("east", "near", 0.5, 0.5),
        ("east", "North", 0, 0),
        ("east", "west", -1, -1),
        ("east", "also", 1, 1),
        ("west north", "near", 0.75**0.5, 0.75**0.5),
        ("east west", "east near", 0.75, 0.5),
        ("east", "near near west", 0, -1),
        ("odd", "odd", 1, 1),
        ("odd", "new", 0, 0),
        ("odd", "east", 0, 0),
        ("west", "odd", 0, 0),
        ("west odd", "east", 0, 0),
        ("west", "east odd", -0.5, -1),
        ("west odd", "Odd, east!", 0.5, 0),
        ("", "east", 0, 0),
        ("...", "odd", 0, 0),
        ("east", "", 0, 0),
        ("east", "?!", 0, 0),
        ("", "", 0, 0),
    ],
)
def test_similarity_features(premise: str, hypothesis: str, mean: float, minimum: float) -> None:
    features = pair_features([premise], [hypothesis], VECTORS)
    np.testing.assert_allclose(features[0, 3:], np.array([mean, minimum]), atol=1e-7)


WORDS = ["a", "B", "cd", "e", "f1", "g", "h", "i"]
SOME_WORDS = st.lists(st.sampled_from([*WORDS, "-", "A,", "cd."]), max_size=9).map(" ".join)
PAIRS = st.lists(st.tuples(SOME_WORDS, SOME_WORDS), max_size=12)
# A component of moderate size or zero, so that some words have no vector.
COMPONENTS = st.sampled_from([0.0, 0.0, 1.0, -1.0, 2.5, -0.3, 7.0])
TABLES = st.fixed_dictionaries({word.lower(): st.tuples(COMPONENTS, COMPONENTS, COMPONENTS) for word in WORDS})


def words_in(sentence: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in sentence.lower()).split()


def greatest_similarities(premise: str, hypothesis: str, vectors: Mapping[str, Sequence[float]]) -> Iterator[float]:
    """Yield the similarity of each hypothesis word to the most similar word of the premise, the plain way."""
    for word in words_in(hypothesis):
        similarities = []
        for other in words_in(premise):
            u, v = np.array(vectors.get(word, (0,) * 3)), np.array(vectors.get(other, (0,) * 3))
            cosine = u @ v / (np.linalg.norm(u) * np.linalg.norm(v)) if u.any() and v.any() else 0.0
            similarities.append(1.0 if word == other else cosine)
        yield max(similarities, default=0.0)


@settings(deadline=None)
@given(PAIRS, TABLES)
def test_similarity_is_that_of_a_plain_reference(
    pairs: list[tuple[str, str]], vectors: dict[str, tuple[float, ...]]
) -> None:
    features = pair_features([p for p, _ in pairs], [h for _, h in pairs], table(vectors, 3))
    assert features.dtype == np.float64
    assert features.shape == (len(pairs), 5)
    for row, (premise, hypothesis) in zip(features, pairs, strict=True):
        expected = list(greatest_similarities(premise, hypothesis, vectors)) or [0.0]
        assert tuple(row[:3]) == reference(premise, hypothesis)
        np.testing.assert_allclose(row[3:], np.array([np.mean(expected), min(expected)]), atol=1e-6)


@settings(deadline=None)
@given(PAIRS, TABLES, st.randoms(use_true_random=False), st.floats(0.1, 10))
def test_pair_features_range_and_invariances(
    pairs: list[tuple[str, str]], vectors: dict[str, tuple[float, ...]], random: Random, scale: float
) -> None:
    premises, hypotheses = [p for p, _ in pairs], [h for _, h in pairs]
    features = pair_features(premises, hypotheses, table(vectors, 3))
    share, mean, minimum = features[:, 2:].T
    assert np.isin(features[:, :2], [0, 1]).all()
    assert ((share >= 0) & (share <= 1)).all()
    assert (np.abs(features[:, 3:]) <= 1).all()
    assert (minimum <= mean + 1e-12).all()
    assert (mean[share == 1] == 1).all()
    assert (minimum[share == 1] == 1).all()
    # A pair's features depend on no other pair, on no vector's length, and not on the order of the premise's words.
    order = list(range(len(pairs)))
    random.shuffle(order)
    alone = [pair_features([p], [h], table(vectors, 3))[0] for p, h in pairs]
    longer = table({word: [scale * x for x in vector] for word, vector in vectors.items()}, 3)
    reversed_premises = [" ".join(premise.split()[::-1]) for premise in premises]
    for others in (
        np.array(alone).reshape(-1, 5),
        pair_features([premises[i] for i in order], [hypotheses[i] for i in order], longer)[np.argsort(order)],
    ):
        np.testing.assert_allclose(features, others, atol=1e-6)
    turned = pair_features(reversed_premises, hypotheses, table(vectors, 3))
    np.testing.assert_allclose(features[:, [0, 2, 3, 4]], turned[:, [0, 2, 3, 4]], atol=1e-6)
    # More words in a premise never lower a similarity; without vectors, sharing words is all there is to it.
    full = np.array([bool(words_in(premise)) for premise in premises], dtype=bool)
    more = pair_features([f"{premise} i" for premise in premises], hypotheses, table(vectors, 3))
    assert (more[full, 3:] >= features[full, 3:] - 1e-6).all()
    without = pair_features(premises, hypotheses, table({}, 3))
    np.testing.assert_allclose(without[:, 3:], features[:, [2, 0]], atol=1e-12)


def test_rounding_takes_no_similarity_out_of_range() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 300))
    names = [f"w{number}" for number in range(len(rows))]
    twins = {f"{name}{twin}": row.tolist() for name, row in zip(names, rows, strict=True) for twin in "ab"}
    unit = table(twins, 300).words(list(twins))
    assert (np.einsum("ij,ij->i", unit, unit) > 1).any()
    features = pair_features([f"{name}a" for name in names], [f"{name}b" for name in names], table(twins, 300))
    assert features[:, 3:].max() <= 1
    np.testing.assert_allclose(features[:, 3:], 1, atol=1e-6)


@pytest.mark.parametrize("pairs", [(["a", "b"], ["a"]), ([], ["a"]), (["a"], [])])
def test_premises_and_hypotheses_must_pair(pairs: tuple[list[str], list[str]]) -> None:
    with pytest.raises(InputError, match=r"\d premises and \d hypotheses differ in number"):
        pair_features(*pairs, VECTORS)


def test_generators_will_do() -> None:
    pairs = [("east west", "near"), ("a", "a b")]
    features = pair_features((p for p, _ in pairs), (h for _, h in pairs), VECTORS)
    assert np.array_equal(features, pair_features([p for p, _ in pairs], [h for _, h in pairs], VECTORS))
    assert claim_features((p for p, _ in pairs), VECTORS).shape == (2, 2)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("east", (1, 0)),
        ("West", (-1, 0)),
        ("west west.", (-1, 0)),
        ("west near", (0.5, 0.75**0.5)),
        ("west north", (0, 1)),
        ("west odd", (-1, 0)),
        ("odd", (0, 0)),
        ("...", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_claim_features(claim: str, expected: tuple[float, float]) -> None:
    features = claim_features([claim], VECTORS)
    assert features.dtype == np.float64
    np.testing.assert_allclose(features, [expected], atol=1e-7)


@settings(deadline=None)
@given(st.lists(SOME_WORDS, max_size=12), TABLES)
def test_claim_features_are_those_of_a_plain_reference(
    claims: list[str], vectors: dict[str, tuple[float, ...]]
) -> None:
    features = claim_features(claims, table(vectors, 3))
    assert features.shape == (len(claims), 3)
    for row, claim in zip(features, claims, strict=True):
        found = [np.array(vectors[word]) for word in words_in(claim) if any(vectors[word])]
        expected = np.max([v / np.linalg.norm(v) for v in found], axis=0) if found else np.zeros(3)
        np.testing.assert_allclose(row, expected, atol=1e-6)
    backwards = claim_features([" ".join(claim.split()[::-1]) for claim in claims], table(vectors, 3))
    assert np.array_equal(features, backwards)


def test_bias_features_of_a_data_set() -> None:
    data = pair_dataset(["east west", "odd"], ["near", "odd west"], [0, 1], ["yes", "no"])
    assert np.array_equal(
        bias_features(data, "pair", VECTORS), pair_features(data["premise"][:], data["hypothesis"][:], VECTORS)
    )
    np.testing.assert_allclose(bias_features(data, "claim", VECTORS), [[0.5, 0.75**0.5], [-1, 0]], atol=1e-7)
    assert bias_features(data.select([]), "pair", VECTORS).shape == (0, 5)
    assert bias_features(data.select([]), "claim", VECTORS).shape == (0, 2)
    with pytest.raises(InputError, match="unknown kind of bias features 'pairs'; known are pair, claim"):
        bias_features(data, "pairs", VECTORS)


def biased_examples(num_labels: int, examples: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return features of which the first points at label 0 in nine of ten examples."""
    generator = np.random.default_rng(0)
    labels = generator.integers(num_labels, size=examples)
    overlap = (labels == 0) ^ (generator.random(examples) < 0.1)
    return np.column_stack([overlap, generator.random(examples), generator.random(examples)]).astype(float), labels


@pytest.mark.parametrize("num_labels", [2, 3, 4])
def test_log_probs_are_those_of_scikit_learn(num_labels: int) -> None:
    features, labels = biased_examples(num_labels)
    features = features * [1.0, 100.0, 0.01] + [0.0, 5.0, 0.0]
    log_probs = BiasModel.fit(features, labels, num_labels).log_probs(features)
    expected = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, labels)
    assert log_probs.dtype == np.float32
    np.testing.assert_allclose(log_probs, expected.predict_log_proba(features), atol=1e-6)


def test_units_of_features_do_not_matter() -> None:
    features, labels = biased_examples(3)
    features[:, 2] = 1.0
    scale, shift = np.array([1e6, 1e-6, 3.0]), np.array([-1e6, 1.0, 7.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain, scaled = (BiasModel.fit(x, labels, 3).log_probs(x) for x in (features, features * scale + shift))
    np.testing.assert_allclose(plain, scaled, atol=1e-4)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_examples_is_all_but_impossible(absent: int) -> None:
    features, two = biased_examples(2)
    present = np.delete(np.arange(3), absent)
    model = BiasModel.fit(features, present[two], 3)
    log_probs = model.log_probs(features)
    assert np.isfinite(log_probs).all()
    assert (np.exp(log_probs[:, absent].astype(np.float64)) <= 1 / (2 * len(features))).all()
    assert not model.weights[absent].any()
    assert model.intercept[absent] == -np.log(len(features))
    # The two others share the rest as if there were no third.
    rest = log_probs[:, present] - np.logaddexp.reduce(log_probs[:, present], axis=1, keepdims=True)
    np.testing.assert_allclose(rest, BiasModel.fit(features, two, 2).log_probs(features), atol=1e-5)


def test_two_classes_without_examples() -> None:
    features, two = biased_examples(2)
    probs = np.exp(BiasModel.fit(features, 3 * two, 4).log_probs(features).astype(np.float64))
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-6)
    assert (probs[:, [1, 2]] <= 1 / (2 * len(features))).all()


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
        (FEATURES, [2, 2, 2, 2], r"the only labels are \[2\]; give examples of two classes or more"),
        (FEATURES, [0, 1, 2, 3], r"labels \[3\] are outside 0..2"),
        (FEATURES, [0, 1, 2, -1], r"labels \[-1\] are outside 0..2"),
        (FEATURES, [0, 1, 2], r"shape \(3,\)"),
        (FEATURES[:0], [], r"the only labels are \[\]"),
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


def trained(text: TaskData, examples: int) -> tuple[float, dict[str, float]]:
    """Train a bias model on the first training examples and look at its predictions.

    Returns:
        What it gains on the development set over the classes' shares, in nats per example; its accuracy on each test
        set, on HANS in two ways.
    """
    task, train = TASKS[text.name], text.train.select(range(examples))
    vectors = WordVectors.train([*train["premise"], *train["hypothesis"]])
    labels = np.array(train["label"][:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of convergence, above all
        model = BiasModel.fit(bias_features(train, task.bias, vectors), labels, len(task.labels))
    gain, accuracies = np.nan, {}
    for name, test in {task.dev_name: text.dev, **text.ood}.items():
        log_probs, gold = model.log_probs(bias_features(test, task.bias, vectors)), np.array(test["label"][:])
        predicted = log_probs.argmax(axis=1)
        accuracies[name] = float(((np.minimum(predicted, 1) if name == "hans" else predicted) == gold).mean())
        if name == task.dev_name:
            shares = np.bincount(gold, minlength=len(task.labels)) / len(gold)
            gain = float((log_probs[np.arange(len(gold)), gold] - np.log(shares[gold])).mean())
    return gain, accuracies


def test_pocket_bias_model_is_right_in_distribution_and_at_chance_out_of_it() -> None:
    gain, found = trained(build_nli(World()), 4000)
    assert gain > 0.3
    assert found["mnli-m"] > 0.6
    assert found["hans"] < 0.55


@pytest.fixture
def real() -> Path:
    if "SRNET_DATA" not in os.environ:
        pytest.skip("SRNET_DATA is not set: no folder with the data sets in their official formats")
    return Path(os.environ["SRNET_DATA"])


@pytest.mark.parametrize(("name", "above"), [("nli", 0.42), ("paraphrase", 0.6), ("fact", 0.55)])
def test_real_bias_models_know_something_in_distribution_and_nothing_out_of_it(
    real: Path, name: str, above: float
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDataWarning)
        text = load_task(name, real)
    gain, found = trained(text, 4000)
    assert gain > 0.02
    assert found.pop(TASKS[name].dev_name) > above
    for accuracy in found.values():
        assert accuracy < 0.52
