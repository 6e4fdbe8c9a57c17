"""Subnetworks beside their base model: bit for bit the same saved, loaded, merged, in turn; others are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sentiment import table, write_model
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from srnet import InputError, Mask, Subnetwork, encode, load_classifier, load_subnetwork, load_tokenizer
from srnet.data.tables import read_examples
from srnet.own.adapters import fingerprints, not_stored
from srnet.pruning.magnitude import magnitude_mask
from srnet.training.families import prunable_weights
from srnet.training.loop import predict
from srnet.training.models import load_fine_tuned


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base"))


def found(folder: Path, sparsity: float = 0.7, **changes: Any) -> Subnetwork:
    model = load_fine_tuned(folder)
    mask = magnitude_mask(prunable_weights(model), sparsity)
    whole = Subnetwork(
        model,
        load_tokenizer(folder),
        mask,
        str(folder),
        fingerprints(model),
        {},
        ("bad", "good"),
        ("text",),
        settings={"sparsity": sparsity},
    )
    return replace(whole, **changes)


def logits(model: Any, folder: Path) -> Tensor:
    return predict(model, encode(read_examples(table(20, 5), "text", names=("bad", "good")), load_tokenizer(folder)))


def applied(subnetwork: Subnetwork, folder: Path) -> Tensor:
    with subnetwork.applied_to(subnetwork.model) as model:
        return logits(model, folder)


def test_logits_are_the_same_before_saving_after_loading_and_merged(folder: Path, tmp_path: Path) -> None:
    subnetwork = found(folder)
    before = applied(subnetwork, folder)
    subnetwork.save(tmp_path / "found")
    loaded = load_subnetwork(tmp_path / "found")
    assert torch.equal(applied(loaded, folder), before)
    loaded.merge(tmp_path / "merged")
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path / "merged")
    assert torch.equal(logits(plain, tmp_path / "merged"), before)
    assert plain.config.id2label == {0: "bad", 1: "good"}
    assert not torch.equal(logits(subnetwork.model, folder), before)
    assert loaded.mask == subnetwork.mask
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "README.md",
        "mask.safetensors",
        "subnetwork.json",
    ]


def test_several_take_turns_on_one_model_which_stays_as_it_was(folder: Path, tmp_path: Path) -> None:
    model = load_fine_tuned(folder).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for sparsity in (0.5, 0.9):
        found(folder, sparsity).save(tmp_path / str(sparsity))
    first, second = (load_subnetwork(tmp_path / name, torch.nn.DataParallel(model)) for name in ("0.5", "0.9"))
    turns = [applied(each, folder) for each in (first, second, first)]
    assert torch.equal(turns[0], turns[2])
    assert not torch.equal(turns[0], turns[1])
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert first.model is second.model


def test_the_model_is_restored_after_an_error_and_two_at_once_are_refused(folder: Path) -> None:
    one, other = found(folder), found(folder, 0.5)
    before = fingerprints(one.model)
    with (
        pytest.raises(InputError, match=r"query\.weight' has other values; give the model that it was found in"),
        one.applied_to(one.model),
        other.applied_to(one.model),
    ):
        pass
    assert fingerprints(one.model) == before


def test_what_is_not_stored_with_the_base_model_is_kept(folder: Path, tmp_path: Path) -> None:
    model = load_classifier(folder, 2, seed=7)  # its classifier is drawn anew
    model.config.id2label, model.config.label2id = {0: "bad", 1: "good"}, {"bad": 0, "good": 1}
    with torch.no_grad():
        model.get_parameter("bert.encoder.layer.0.output.LayerNorm.bias").add_(0.1)
    changed = not_stored(model, str(folder))
    assert sorted(changed) == ["bert.encoder.layer.0.output.LayerNorm.bias", "classifier.weight"]
    subnetwork = found(folder, model=model, changed=changed, fingerprints=fingerprints(model))
    subnetwork = replace(subnetwork, mask=magnitude_mask(prunable_weights(model), 0.7))
    subnetwork.save(tmp_path / "found")
    assert torch.equal(applied(load_subnetwork(tmp_path / "found"), folder), applied(subnetwork, folder))


def test_another_encoder_is_no_small_change(folder: Path, tmp_path: Path) -> None:
    other = load_fine_tuned(write_model(tmp_path / "other", seed=1))
    assert not_stored(other, str(folder)) == {}
    assert not_stored(other, str(tmp_path / "nowhere")) == {}
    assert not_stored(load_fine_tuned(folder), str(folder)) == {}


def test_a_stored_precision_does_not_matter_to_the_fingerprint(folder: Path) -> None:
    rounded = load_fine_tuned(folder).bfloat16()
    assert fingerprints(rounded) == fingerprints(load_fine_tuned(folder).bfloat16().float())


def change(path: Path, **values: Any) -> None:
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, **values}))


def of_other_shape(path: Path) -> None:
    model = load_fine_tuned(path.parent / "base")
    wrong = magnitude_mask(prunable_weights(model), 0.5)
    replaced = {**wrong, "classifier.weight": torch.ones(3, 16, dtype=torch.bool)}
    found(path.parent / "base", mask=Mask(replaced)).save(path.parent / "other")
    path.rename(path.parent / "old")
    (path.parent / "other").rename(path)


def of_other_layers(path: Path) -> None:
    mask = Mask({"bert.encoder.layer.7.output.dense.weight": torch.ones(16, 32, dtype=torch.bool)})
    found(path.parent / "base", mask=mask).save(path.parent / "other")
    path.rename(path.parent / "old")
    (path.parent / "other").rename(path)


def truncate(path: Path, name: str) -> None:
    content = (path / name).read_bytes()
    (path / name).write_bytes(content[: len(content) // 2])


DAMAGE = {
    "no folder": (lambda path: path.rename(path.parent / "gone"), "no subnetwork in this folder"),
    "truncated mask": (lambda path: truncate(path, "mask.safetensors"), "mask.safetensors: not what was written"),
    "truncated JSON": (lambda path: truncate(path, "subnetwork.json"), "damaged"),
    "JSON of another kind": (lambda path: (path / "subnetwork.json").write_text("[1]"), "damaged"),
    "no mask": (lambda path: (path / "mask.safetensors").unlink(), "mask.safetensors: the file is missing"),
    "format": (lambda path: change(path / "subnetwork.json", format="srnet-subnetwork-9"), "of the format"),
    "base gone": (lambda path: change(path / "subnetwork.json", base="/no/where"), "its base model is not to be had"),
    "shape": (of_other_shape, r"'classifier\.weight' is \[3, 16\] in the mask and \[2, 16\] in the model"),
    "matrix": (of_other_layers, "the model has no weight 'bert.encoder.layer.7"),
    "classes": (lambda path: change(path / "subnetwork.json", classes=["bad"]), "model"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_damaged_or_does_not_fit_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    write_model(tmp_path / "base")
    found(tmp_path / "base").save(tmp_path / "found")
    damage, message = DAMAGE[name]
    damage(tmp_path / "found")
    with pytest.raises(InputError, match=message) as caught:
        load_subnetwork(tmp_path / "found")
    assert "\n" not in str(caught.value)


def test_a_subnetwork_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    found(folder).save(tmp_path / "found")
    other = write_model(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match=r"word_embeddings\.weight' has other values"):
        load_subnetwork(tmp_path / "found", load_fine_tuned(other))
    named = load_fine_tuned(folder)
    named.config.id2label = {0: "good", 1: "bad"}
    with pytest.raises(InputError, match="its classes are good, bad, the subnetwork's bad, good"):
        load_subnetwork(tmp_path / "found", named)
    with pytest.raises(InputError, match="not a model of transformers"):
        load_subnetwork(tmp_path / "found", torch.nn.Linear(2, 2))


@pytest.mark.parametrize("way", ["save", "merge"])
def test_a_folder_is_whole_or_not_there(
    folder: Path, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subnetwork = found(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="the folder is not empty"):
        getattr(subnetwork, way)(tmp_path / "full")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="no folder"):
        getattr(subnetwork, way)(tmp_path / "file")

    def fail(self: Subnetwork) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(Subnetwork, "card", fail)
    before = fingerprints(subnetwork.model)
    with pytest.raises(OSError, match="no space left"):
        getattr(subnetwork, way)(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    assert fingerprints(subnetwork.model) == before
