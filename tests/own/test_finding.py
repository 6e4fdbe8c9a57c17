"""From a user's tables to a subnetwork and its report; wrong input is one line, before anything is trained."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from sentiment import giveaway, table, write_model, write_tables
from transformers import BertConfig, BertForSequenceClassification

from srnet import (
    InputError,
    Recipe,
    Subnetwork,
    find_subnetwork,
    fine_tune,
    load_classifier,
    load_subnetwork,
    load_tokenizer,
)
from srnet.debiasing.losses import LOSSES
from srnet.masking import count_zeros
from srnet.training.models import load_fine_tuned, weights_digest
from srnet.training.optimiser import Optimiser

FEW = Recipe(steps=6, batch_size=16, lr=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_tables(folder)
    write_model(folder / "model")
    return folder


def find(base: Path, **changes: Any) -> Subnetwork:
    given = {
        "model": base / "model",
        "train": base / "train.csv",
        "dev": base / "dev.csv",
        "text": "text",
        "bias": giveaway,
        "recipe": FEW,
        "progress": False,
    }
    return find_subnetwork(**{**given, **changes})


def test_from_files_to_a_folder(base: Path, tmp_path: Path) -> None:
    found = find(base, ood={"fair": base / "ood.csv"}, subset="kind")
    report = found.report
    assert report is not None
    for scores in (report.subnetwork, report.full):
        assert list(scores) == ["dev", "fair"]
        bias = scores["dev"]["bias"]
        assert bias["aligned"]["examples"] + bias["conflicting"]["examples"] == scores["dev"]["examples"] == 24
        assert set(scores["fair"]["subsets"]) == {"with/bad", "with/good", "without/bad", "without/good"}
        assert set(scores["fair"]["classes"]) == {"bad", "good"}
    assert report.bias["name"] == "features"
    assert report.bias["accuracy"] > 0.8 > report.bias["majority"] == 0.5
    assert all(zeros == count_zeros(0.7, size) for zeros, size in report.sparsity.values())
    assert len(report.sparsity) == 7
    assert report.cost["steps"] == 6
    assert report.cost["tokens"] > 6 * 16 * 5
    found.save(tmp_path / "found")
    again = load_subnetwork(tmp_path / "found")
    assert again.report == report
    scores, full = again.evaluate(base / "ood.csv", subset="kind")
    assert scores == report.subnetwork["fair"]
    assert full == report.full["fair"]
    card = (tmp_path / "found" / "README.md").read_text()
    assert "| fair, with/bad" in card
    assert "bias-conflicting" in card


def test_a_mask_that_learned_nothing_is_said_to(base: Path) -> None:
    tables = base / "train.csv", base / "dev.csv"
    full = fine_tune(base / "model", *tables, text="text", steps=80, lr=1e-2, progress=False)
    full.save(base / "tuned")

    def notes(train: pd.DataFrame, lr: float) -> str:
        recipe = Recipe(40, lr=lr)
        report = find(
            base, model=base / "tuned", train=train, loss="std", bias=None, sparsity=0.1, recipe=recipe
        ).report
        assert report is not None
        return " ".join(report.notes)

    examples = table(80, 0)
    assert "learned nothing" not in notes(examples, 1e-2)
    wrong = examples.assign(label=examples.label.map({"good": "bad", "bad": "good"}))
    assert "this mask has learned nothing" in notes(wrong, 1e-7)


def test_seeds_repeat_and_the_model_stays_as_it_was(base: Path) -> None:
    model = load_fine_tuned(base / "model").train()
    before = weights_digest(model.state_dict())
    first, second, other = (find(base, model=model, seed=seed).mask for seed in (0, 0, 1))
    assert first == second
    assert first != other
    assert weights_digest(model.state_dict()) == before
    assert model.training


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss(base: Path, loss: str) -> None:
    assert find(base, loss=loss).settings["loss"] == loss


def test_frames_data_sets_and_log_probabilities(base: Path) -> None:
    frame = table(80, 0)
    features = Features(text=Value("string"), label=ClassLabel(names=["good", "bad"]), kind=Value("string"))
    data = Dataset.from_pandas(frame).cast(features)  # its order of classes is not the model's
    masks = [find(base, train=train).mask for train in (base / "train.csv", frame, data)]
    assert masks[0] == masks[1] == masks[2]
    found = find(base, bias=np.log(np.full((80, 2), 0.5)))
    assert found.report is not None
    assert "bias" not in found.report.subnetwork["dev"]  # nothing is known of its examples


def test_without_a_bias(base: Path) -> None:
    found = find(base, bias=None, loss="std")
    assert found.report is not None
    assert found.report.bias == {}
    assert found.settings["bias"] == "none"


def test_a_learning_rate_is_looked_for_where_none_is_given(base: Path) -> None:
    found = find(base, recipe=None, steps=4)
    assert found.report is not None
    assert found.settings["recipe, steps"] == 4
    assert found.report.cost["look_steps"] > 0
    assert any("learning rate" in note for note in found.report.notes)


def test_a_shallow_model_as_the_bias(base: Path) -> None:
    found = find(base, train=table(400, 0), bias="shallow", pretrained=base / "model")
    assert found.report is not None
    assert found.settings["bias"] == "shallow"
    assert {"aligned", "conflicting"} & set(found.report.subnetwork["dev"]["bias"])


def test_a_model_with_a_fresh_classifier(base: Path, tmp_path: Path) -> None:
    model = load_classifier(base / "model", 2, seed=3)
    model.config.id2label, model.config.label2id = {0: "bad", 1: "good"}, {"bad": 0, "good": 1}
    found = find(base, model=model)
    assert list(found.changed) == ["classifier.weight"]
    found.save(tmp_path / "found")
    probabilities = load_subnetwork(tmp_path / "found").probabilities(base / "dev.csv")
    assert torch.equal(probabilities, found.probabilities(base / "dev.csv"))


def test_classes_out_of_distribution_may_be_fewer_or_coarser(base: Path) -> None:
    coarse = table(24, 2, biased=False).replace({"label": {"good": "non-bad"}})
    fewer = Dataset.from_pandas(table(24, 2).query("label == 'bad'"), preserve_index=False).cast_column(
        "label", ClassLabel(names=["bad"])
    )
    found = find(base, ood={"coarse": coarse, "fine": base / "ood.csv", "fewer": fewer})
    assert found.report is not None
    scores = found.report.subnetwork
    assert scores["coarse"]["accuracy"] == scores["fine"]["accuracy"]
    assert scores["coarse"]["classes"] == {
        "bad": scores["fine"]["classes"]["bad"],
        "non-bad": scores["fine"]["classes"]["good"],
    }
    assert set(scores["fewer"]["classes"]) == {"bad"}
    assert "coarse: good count as non-bad" in found.report.notes


def log_probs(row: list[float]) -> np.ndarray:
    values = np.log(np.full((80, 2), 0.5))
    values[3] = row
    return values


def labelled(labels: list[Any]) -> pd.DataFrame:
    frame = table(80, 0).astype({"label": object})
    frame.loc[: len(labels) - 1, "label"] = labels
    return frame


def one_class() -> pd.DataFrame:
    return table(160, 0).query("label == 'good'").reset_index(drop=True)


def regression() -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label={0: "0"},
    )
    return BertForSequenceClassification(config)


def unnamed(base: Path) -> Any:
    model = load_fine_tuned(base / "model")
    model.config.name_or_path = ""
    return model


def of_other_vocabulary(base: Path) -> Any:
    tokenizer = load_tokenizer(base / "model")
    tokenizer.add_tokens(["novel"])
    return tokenizer


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text column": ({"text": "sentence"}, "no column 'sentence'; there are text, label, kind"),
    "label column": ({"label": "gold"}, "no column 'gold'"),
    "same column twice": ({"text": ("text", "text")}, "column 'text' is named twice"),
    "three text columns": ({"text": ("text", "label", "kind")}, "give the names of one or two"),
    "no file": ({"train": "none.csv"}, "none.csv: no such file"),
    "no table": ({"train": 3}, "examples cannot be read from int"),
    "one class": ({"train": one_class()}, "give examples of 2 classes or more"),
    "float labels": ({"train": labelled([1.0])}, "a number with a decimal point"),
    "labels outside": ({"train": labelled(["ugly"])}, "the unknown label 'ugly'"),
    "numbers outside": ({"train": table(80, 0).assign(label=[0, 1, 2, 1] * 20)}, "the unknown label"),
    "missing label": ({"train": labelled([None])}, "no label"),
    "empty text": ({"train": table(80, 0).assign(text=" ")}, "empty; remove the example"),
    "empty dev": ({"dev": table(24, 1).iloc[:0]}, "no examples"),
    "dev of other classes": ({"dev": labelled(["good", "ugly"])}, "dev, row 1"),
    "coarser dev": ({"dev": table(24, 1).replace("good", "non-bad")}, "dev: its classes are bad, non-bad"),
    "ood of other classes": ({"ood": labelled(["mixed"])}, "ood, row 0"),
    "ood called dev": ({"ood": {"dev": table(24, 1)}}, "give each a name, other than 'dev'"),
    "subset without ood": ({"subset": "kind"}, "give them"),
    "no subset": ({"ood": table(24, 2), "subset": "genre"}, "no column 'genre'"),
    "fewer than a batch": ({"train": table(10, 0)}, "10 examples, fewer than a batch of 16"),
    "bias of other length": ({"bias": log_probs([-1, -1])[:79]}, r"the shape is \[79, 2\]"),
    "bias of other classes": ({"bias": np.log(np.full((80, 3), 1 / 3))}, r"the shape is \[80, 3\]"),
    "bias of probabilities": ({"bias": np.full((80, 2), 0.5)}, "give the logarithms"),
    "bias not normalised": ({"bias": log_probs([2.0, 1.0])}, "row 3"),
    "bias NaN": ({"bias": log_probs([math.nan, 0.0])}, "row 3 .* not finite"),
    "bias -inf": ({"bias": log_probs([-math.inf, 0.0])}, "row 3 .* not finite"),
    "unknown bias": ({"bias": "overlop"}, "bias 'overlop' is unknown"),
    "overlap of one text": ({"bias": "overlap"}, "needs two texts"),
    "no bias": ({"bias": None}, "loss 'poe' needs a bias"),
    "shallow without a model": ({"bias": "shallow"}, "as it was before fine-tuning"),
    "model of no shallow bias": ({"pretrained": "bert"}, "for the bias 'shallow' alone"),
    "unknown loss": ({"loss": "PoE"}, "unknown loss 'PoE'"),
    "all removed": ({"sparsity": 1.0}, "sparsity is 1.0"),
    "recipe of another kind": ({"recipe": {"steps": 3}}, "give a srnet.Recipe"),
    "no steps": ({"recipe": None, "steps": 0}, "must be positive"),
    "no model": ({"model": "/no/where"}, "neither a folder with a model nor loadable by name"),
    "no transformer": ({"model": torch.nn.Linear(2, 2)}, "not a model of transformers"),
    "regression": ({"model": regression(), "tokenizer": True}, "no class to choose"),
}
OF_MODEL: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "no tokenizer": (lambda base: {"model": unnamed(base)}, "from no folder with a tokenizer"),
    "another tokenizer": (lambda base: {"tokenizer": of_other_vocabulary(base)}, "give the model's own tokenizer"),
    "no names": (lambda base: {"model": with_names(base, {0: "a", 1: "a"})}, "give each class a name of its own"),
    "few for shallow": (lambda base: {"bias": "shallow", "pretrained": base / "model"}, "too few to learn from"),
}


def with_names(base: Path, names: dict[int, str]) -> Any:
    model = load_fine_tuned(base / "model")
    model.config.id2label = names
    return model


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Steps that were made, of any training."""
    steps: list[int] = []
    monkeypatch.setattr(Optimiser, "step", lambda self: steps.append(1))
    return steps


@pytest.mark.parametrize("name", [*WRONG, *OF_MODEL])
def test_wrong_input_is_one_line_and_nothing_is_trained(base: Path, name: str, untrained: list[int]) -> None:
    changes, message = WRONG[name] if name in WRONG else (OF_MODEL[name][0](base), OF_MODEL[name][1])
    if changes.get("tokenizer") is True:
        changes = {**changes, "tokenizer": load_tokenizer(base / "model")}
    with pytest.raises(InputError, match=message) as caught:
        find(base, **changes)
    assert "\n" not in str(caught.value)
    assert untrained == []


def test_a_model_without_its_classifier_is_refused(base: Path, tmp_path: Path, untrained: list[int]) -> None:
    encoder: Any = load_fine_tuned(base / "model").base_model
    encoder.save_pretrained(tmp_path)
    load_tokenizer(base / "model").save_pretrained(tmp_path)
    with pytest.raises(InputError, match="no classifier yet"):
        find(base, model=tmp_path)
    assert untrained == []


def test_the_readme_s_example_runs(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (Path(__file__).parents[2] / "README.md").read_text().split("```python\n")[1].split("```")[0]
    write_model(tmp_path / "my-fine-tuned-bert")
    for name in ("train", "dev", "challenge"):
        pairs = table(80, 4).assign(premise=lambda frame: frame["text"], hypothesis=lambda frame: frame["text"].str[4:])
        pairs[["premise", "hypothesis", "label"]].to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    exec(program.replace('bias="overlap"', 'bias="length", steps=3'), {})
    assert load_subnetwork("my-subnetwork").mask.zeros()["classifier.weight"] == (22, 32)
    assert (tmp_path / "my-sparse-bert" / "config.json").is_file()
