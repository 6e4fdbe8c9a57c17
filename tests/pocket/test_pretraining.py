import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizer

from srnet.errors import InputError
from srnet.files import sha256
from srnet.pocket import plm_folder, pretrain
from srnet.pocket.lexicon import VOCABULARY
from srnet.pocket.pretraining import RECIPE_FILE, Pretraining

SHORT = Pretraining(steps=20, pairs=400, layers=1, hidden=16, feed_forward=32)


def recipe(folder: Path) -> dict:
    return json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8"))


def test_shipped_files_are_those_of_the_recipe_and_small() -> None:
    folder = plm_folder()
    assert recipe(folder)["files"] == {path.name: sha256(path) for path in folder.iterdir() if path.name != RECIPE_FILE}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3e6


def test_shipped_model_was_made_with_the_default_settings() -> None:
    assert recipe(plm_folder())["settings"] == asdict(Pretraining())


def test_shipped_model_loads_as_a_classifier_whose_encoder_is_the_shipped_one() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(plm_folder(), num_labels=3)
    weights = load_file(plm_folder() / "model.safetensors")
    assert weights.keys() == model.base_model.state_dict().keys()
    for name, weight in model.base_model.state_dict().items():
        assert torch.equal(weight, weights[name])
    assert (model.config.num_hidden_layers, model.config.hidden_size, model.config.hidden_dropout_prob) == (3, 64, 0)


def test_shipped_tokenizer_reads_words_whatever_their_case() -> None:
    tokenizer = AutoTokenizer.from_pretrained(plm_folder())
    assert isinstance(tokenizer, BertTokenizer)
    assert tokenizer.tokenize("The happy Poet, quietly") == ["the", "happy", "poet", ",", "quietly"]
    assert tokenizer.convert_ids_to_tokens(list(range(len(VOCABULARY)))) == list(VOCABULARY)
    pair = tokenizer("the poet", "zebra")
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == ["[CLS]", "the", "poet", "[SEP]", "[UNK]", "[SEP]"]
    assert pair["token_type_ids"] == [0, 0, 0, 0, 1, 1]


def test_shipped_model_tells_restatements_from_other_facts() -> None:
    assert recipe(plm_folder())["final"]["next_sentence_loss"] < 0.4
    assert recipe(plm_folder())["final"]["masked_word_loss"] < 2.2


def test_pretraining_twice_gives_the_same_bytes_and_leaves_the_callers_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    pretrain(tmp_path / "first", SHORT)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(6)
    pretrain(tmp_path / "second", SHORT)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == ["config.json", "model.safetensors", "recipe.json", "tokenizer.json", "tokenizer_config.json"]
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_an_existing_folder_is_refused_and_a_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="already there"):
        pretrain(tmp_path / "there", SHORT)

    def fail(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(BertTokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        pretrain(tmp_path / "new", SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
