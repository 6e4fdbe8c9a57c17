"""What a diagnosis says of tasks whose bias is known, because it was put in or left out."""

import json
from random import Random

import numpy as np
import pandas as pd
import pytest

from srnet.debiasing.diagnosis import DEV, HELD_OUT, TRAIN, Diagnosis, diagnose
from srnet.debiasing.typical_words import typical_words
from srnet.errors import InputError
from srnet.figures.diagnosis import diagnosis_dots

FILLERS = [
    "the",
    "a",
    "one",
    "some",
    "red",
    "blue",
    "big",
    "small",
    "cat",
    "dog",
    "bird",
    "mouse",
    "runs",
    "sleeps",
    "sings",
    "jumps",
]


def task(count: int, giveaway: float, seed: int) -> pd.DataFrame:
    """Random reviews, of which a share of the bad ones has the word "refund"."""
    random = Random(seed)
    rows = []
    for place in range(count):
        label = ("bad", "good")[place % 2]
        words = random.choices(FILLERS, k=6)
        if label == "bad" and random.random() < giveaway:
            words.insert(random.randrange(6), "refund")
        rows.append((" ".join(words), label))
    return pd.DataFrame(rows, columns=["review", "label"])


def diagnosed(giveaway: float, dev: bool = True) -> Diagnosis:
    held = task(200, giveaway, 1) if dev else None
    return diagnose(task(400, giveaway, 0), held, bias="claim-only", text="review", label="label")


@pytest.fixture(scope="module")
def biased() -> Diagnosis:
    return diagnosed(0.8)


def test_a_giveaway_word_is_found_by_name(biased: Diagnosis) -> None:
    assert biased.classes == ("bad", "good")
    first = biased.words["bad"][0]
    assert (first.word, first.share) == ("refund", 1.0)
    assert "refund" not in [each.word for each in biased.words["good"]]
    assert biased.judged_on == DEV
    assert biased.verdict.startswith("A bias of this kind is there: it finds ")
    assert set(biased.splits) == {TRAIN, HELD_OUT, DEV}
    assert biased.splits[DEV].entropy == 1
    assert biased.splits[DEV].accuracy > 0.8
    assert biased.splits[DEV].majority == 0.5


def test_aligned_examples_are_those_that_the_bias_model_finds(biased: Diagnosis) -> None:
    split = biased.splits[TRAIN]
    assert np.mean(list(split.aligned.values())) == pytest.approx(split.accuracy)
    surest = [each.probability for each in biased.conflicts]
    assert surest == sorted(surest, reverse=True)
    rows = task(400, 0.8, 0)
    for each in biased.conflicts:
        assert tuple(rows.iloc[each.row]) == (each.premise, each.label)
        assert each.expected != each.label
        assert each.probability > 0.5


@pytest.mark.parametrize("dev", [True, False])
def test_no_bias_is_seen_where_none_is_though_the_model_fits_its_own_examples(dev: bool) -> None:
    found = diagnosed(0, dev)
    assert found.splits[TRAIN].accuracy_gain[1] > 0  # that is why the verdict is not about these
    assert found.judged_on == (DEV if dev else HELD_OUT)
    assert found.verdict == (
        f"No bias of this kind is to be seen: the bias model is no better than the majority ({found.judged_on})."
    )


def test_features_have_weights_in_standard_deviations() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=300)
    strong = 1000.0 * (labels == 2) + 1000 * random.normal(size=300)
    rows = pd.DataFrame({"t": [f"{number}" for number in strong], "label": [f"class {label}" for label in labels]})

    def features(texts: list[str], _: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"weak": random.normal(size=len(texts)), "strong": [float(each) for each in texts]})

    found = diagnose(rows, bias=features, text="t")
    assert [each.name for each in found.features] == ["strong", "weak"]
    weights = found.features[0].weights
    assert 0.3 < weights["class 2"] < 3
    assert weights["class 2"] == max(weights.values())
    assert sum(weights.values()) == pytest.approx(0, abs=1e-9)
    assert not found.words


def test_a_few_examples_and_log_probabilities() -> None:
    rows = task(12, 0.5, 0)
    found = diagnose(rows, bias=np.log(np.full((12, 2), 0.5)), text="review")
    assert list(found.splits) == [TRAIN]
    assert found.verdict == "Too few examples to tell, 12 (train); give 30 or more."
    assert found.splits[TRAIN].cross_entropy == pytest.approx(1)
    assert not found.features
    with pytest.raises(InputError, match="tell nothing of others"):
        diagnose(rows, rows, bias=np.log(np.full((12, 2), 0.5)), text="review")
    with pytest.raises(InputError, match="train: column 'label' has examples of bad alone"):
        diagnose(rows[rows.label == "bad"], bias="length", text="review")


def test_typical_words_are_counted_once_in_a_text() -> None:
    texts = ["yes yes yes yes b"] + ["b c"] * 30 + ["no c"] * 30
    labels = np.array([0] * 31 + [1] * 30)
    found = typical_words(texts, labels, ("p", "q", "r"))
    assert [each.word for each in found["p"]] == ["b"]
    assert [(each.word, each.examples, each.share) for each in found["q"]] == [("no", 30, 1.0)]
    assert found["r"] == ()


def test_text_json_and_figure_say_the_same(biased: Diagnosis) -> None:
    text = str(biased)
    assert text.startswith(f"Bias: claim-only. {biased.verdict}\n")
    assert "refund (" in text
    assert text.isascii()  # for any terminal
    again = json.loads(json.dumps(biased.to_json(), allow_nan=False))
    assert again["verdict"] == biased.verdict
    assert again["splits"][DEV]["accuracy"] == biased.splits[DEV].accuracy
    figure = diagnosis_dots(biased)
    accuracy, *words = figure.axes
    shown = [np.asarray(line.get_xdata())[0] for line in accuracy.lines]
    assert shown == [100 * value for each in biased.splits.values() for value in (each.majority, each.accuracy)]
    assert [axis.get_title() for axis in words] == ["bad", "good"]
    assert words[0].get_yticklabels()[0].get_text() == "refund"
    figure.canvas.draw()


def test_figure_of_features_and_of_neither() -> None:
    rows = task(40, 0.5, 0)
    figure = diagnosis_dots(diagnose(rows, bias="length", text="review"))
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["words of the text"]
    assert len(diagnosis_dots(diagnose(rows, bias=np.log(np.full((40, 2), 0.5)), text="review")).axes) == 1
