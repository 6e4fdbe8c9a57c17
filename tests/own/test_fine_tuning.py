"""From a pre-trained model and tables to a fine-tuned classifier, which transformers loads by itself."""

from pathlib import Path
from typing import Any

import pytest
from sentiment import giveaway, table, write_model, write_tables
from transformers import AutoModelForSequenceClassification, pipeline

from srnet import FullModel, InputError, Recipe, find_subnetwork, fine_tune
from srnet.training.models import weights_digest

FEW = {"steps": 60, "lr": 1e-2}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_tables(folder)
    write_model(folder / "model")
    return folder


def tune(base: Path, **changes: Any) -> FullModel:
    given = {
        "pretrained": base / "model",
        "train": base / "train.csv",
        "dev": base / "dev.csv",
        "text": "text",
        "progress": False,
        **FEW,
    }
    return fine_tune(**{**given, **changes})


def test_it_learns_and_transformers_loads_it(base: Path, tmp_path: Path) -> None:
    full = tune(base, ood={"fair": base / "ood.csv"}, subset="kind")
    assert full.scores["dev"]["accuracy"] > 0.7  # half of the examples are good
    assert set(full.scores["fair"]["subsets"]) == {"with/bad", "with/good", "without/bad", "without/good"}
    assert full.cost["steps"] == 60
    full.save(tmp_path / "full")
    told = pipeline("text-classification", str(tmp_path / "full"))("honestly the film was awful")[0]
    assert told["label"] in ("bad", "good")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "full")
    assert again.config.id2label == {0: "bad", 1: "good"}
    assert weights_digest(again.state_dict()) == weights_digest(full.model.state_dict())


def test_the_weights_that_did_best_on_dev_are_kept(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(scores: list[float]) -> str:
        left = iter(scores)
        monkeypatch.setattr("srnet.own.fine_tuning.headline", lambda *_: next(left))
        return weights_digest(tune(base).model.state_dict())

    first, last = kept([1.0] + 19 * [0.0]), kept([0.05 * step for step in range(20)])
    assert first != last
    assert first == kept([0.5] + 19 * [0.5])  # the earliest of equals


def test_a_recipe_stands_for_its_parts(base: Path) -> None:
    parts, whole = tune(base, lr=5e-3), tune(base, recipe=Recipe(60, lr=5e-3, warmup=6), steps=None, lr=None)
    assert weights_digest(parts.model.state_dict()) == weights_digest(whole.model.state_dict())


def test_classes_are_those_of_the_text(base: Path) -> None:
    renamed = [
        table(examples, seed).replace({"label": {"good": "yes", "bad": "no"}}).assign(more="x")
        for seed, examples in ((0, 80), (1, 24))
    ]
    full = tune(base, train=renamed[0], dev=renamed[1], text=("text", "more"))
    assert full.model.config.id2label == {0: "no", 1: "yes"}
    with pytest.raises(InputError, match="dev: its classes"):
        tune(base, train=renamed[0], dev=renamed[1].replace({"label": {"yes": "non-no"}}))


def test_seeds_repeat(base: Path) -> None:
    first, second, other = (weights_digest(tune(base, seed=seed).model.state_dict()) for seed in (0, 0, 1))
    assert first == second != other


def test_a_debiasing_loss_relies_less_on_the_bias(base: Path) -> None:
    train, fair = table(320, 0), table(200, 2, biased=False)
    plain, debiased = (
        tune(base, train=train, ood=fair, bias=giveaway if loss == "poe" else None, loss=loss, lr=3e-3)
        for loss in ("std", "poe")
    )
    assert "bias" in debiased.scores["dev"]
    assert "bias" not in plain.scores["dev"]
    assert debiased.scores["ood"]["accuracy"] > plain.scores["ood"]["accuracy"]


def test_it_goes_on_to_a_subnetwork_in_memory(base: Path) -> None:
    full = tune(base)
    found = find_subnetwork(
        full.model,
        base / "train.csv",
        base / "dev.csv",
        text="text",
        bias=giveaway,
        recipe=Recipe(6, lr=1e-2),
        tokenizer=full.tokenizer,
        progress=False,
    )
    assert found.report is not None
    assert found.report.full["dev"]["accuracy"] == full.scores["dev"]["accuracy"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "loss": ({"loss": "focal"}, "unknown loss 'focal'"),
    "no bias": ({"loss": "poe"}, "needs a bias"),
    "teacher": ({"loss": "confreg", "bias": "length"}, "fine-tuned already"),
    "recipe twice": ({"recipe": Recipe(4)}, "it says steps and lr itself"),
    "no recipe": ({"recipe": 4, "steps": None, "lr": None}, "recipe: 4 is none"),
    "steps": ({"steps": 0}, "must be positive"),
    "precision": ({"precision": "half"}, "'half' is unknown"),
    "no model": ({"pretrained": "nowhere/model"}, "nowhere/model"),
    "one class": ({"train": table(80, 0).query("label == 'good'")}, "of good alone"),
    "too few": ({"train": table(8, 0)}, "fewer than a batch of 32"),
    "dev of other classes": ({"dev": table(24, 1).replace({"label": {"good": "fine"}})}, "'fine'"),
    "set called dev": ({"ood": {"dev": table(24, 1)}}, "other than 'dev'"),
    "subset of nothing": ({"subset": "kind"}, "give them (ood)"),
    "column": ({"label": "sentiment"}, "no column 'sentiment'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_said_before_anything_is_trained(base: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet.own.fine_tuning.fit", lambda *_: pytest.fail("trained"))
    changes, message = WRONG[name]
    with pytest.raises(InputError) as error:
        tune(base, **changes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
