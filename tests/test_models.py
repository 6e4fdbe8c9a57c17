"""Loading models and text: seeds, precision, folders that hold no model, pairs as tokens."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel, BertTokenizer

from srnet import InputError, encode, load_classifier, load_tokenizer
from srnet.encoding import MAX_LENGTH
from srnet.models import fingerprint, folder_digest, prunable_weights
from srnet.tasks import NLI_LABELS, pair_dataset

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "dog", "ran", "."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder without a classifier, stored in half precision, with its tokenizer."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).half().save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    return tmp_path


def test_the_classifier_follows_the_seed_and_nothing_else(folder: Path) -> None:
    torch.manual_seed(5)
    first = load_classifier(folder, 3, seed=1)
    state = torch.get_rng_state()
    again, other = load_classifier(folder, 3, seed=1), load_classifier(folder, 3, seed=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert fingerprint(first.state_dict()) == fingerprint(again.state_dict())
    heads = [model.get_parameter("classifier.weight") for model in (first, other)]
    assert not torch.equal(*heads)
    assert fingerprint(first.base_model.state_dict()) == fingerprint(other.base_model.state_dict())
    assert heads[0].shape == (3, 16)


def test_models_are_loaded_in_single_precision_and_evaluation_mode(folder: Path) -> None:
    model = load_classifier(folder, 3, seed=1)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training
    stored = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float16)
    weight = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(model.get_parameter(weight), stored.get_parameter(weight).float())
    assert len(prunable_weights(model)) == 7


def test_folders_without_a_model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    for load in (lambda: load_classifier(empty, 3, 0), lambda: load_tokenizer(empty), lambda: folder_digest(empty)):
        with pytest.raises(InputError, match=r"empty0: no model in this folder \(config\.json is missing\)"):
            load()
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(InputError, match="neither a folder with a model nor loadable by name"):
        load_classifier(folder, 3, 0)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no weights in this folder"):
        folder_digest(folder)
    with pytest.raises(InputError, match="neither a folder with a model nor loadable by name"):
        load_classifier(folder, 3, 0)


def test_weights_of_another_encoder_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name.replace("layer.0", "block.0"): w for name, w in weights.items()}, folder / "model.safetensors")
    with pytest.raises(
        InputError, match=r"16 weights of the encoder are missing, the first is 'bert\.encoder\.layer\.0"
    ):
        load_classifier(folder, 3, 0)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_that_comes_along_is_drawn_anew(folder: Path, classes: int) -> None:
    load_classifier(folder, classes, seed=5).save_pretrained(folder)
    first, again, other = (load_classifier(folder, 3, seed).get_parameter("classifier.weight") for seed in (1, 1, 2))
    assert first.shape == (3, 16)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_name_that_is_neither_folder_nor_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="no-such-model: neither a folder with a model nor loadable by name"):
        load_classifier("no-such-model", 3, 0)


def test_the_digest_follows_the_files_not_the_place(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy")
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / ".hidden").touch()
    assert folder_digest(copy) == folder_digest(folder)
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    assert folder_digest(copy) != folder_digest(folder)


def test_pairs_become_tokens(folder: Path) -> None:
    data = pair_dataset(["The cat sat.", "dog"], ["the dog ran", "bird " * 200], [0, 2], NLI_LABELS)
    encoded = encode(data, load_tokenizer(folder))
    names = [WORDS[token] for token in encoded.input_ids[0].tolist()]
    assert names[:10] == ["[CLS]", "the", "cat", "sat", ".", "[SEP]", "the", "dog", "ran", "[SEP]"]
    assert set(names[10:]) == {"[PAD]"}
    assert encoded.token_type_ids is not None
    assert encoded.token_type_ids[0].tolist()[:10] == [0] * 6 + [1] * 4
    assert encoded.lengths.tolist() == [10, MAX_LENGTH]
    assert encoded.labels.tolist() == [0, 2]
