import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizer

from srnet import Recipe, search_mask
from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.files import sha256
from srnet.masking import count_zeros
from srnet.pocket import PLMS, World, build_nli, find_recipe, plm_folder, pretrain
from srnet.pocket.lexicon import VOCABULARY
from srnet.pocket.pretraining import RECIPE_FILE, Pretraining, RobertaPretraining
from srnet.training.encoding import encode
from srnet.training.families import prunable_weights
from srnet.training.loop import TrainingRun, fit
from srnet.training.models import folder_digest, load_classifier, load_tokenizer

SIZE = {"steps": 20, "pairs": 400, "layers": 1, "hidden": 16, "feed_forward": 32}
SHORT = Pretraining(**SIZE)
DIGESTS = {
    "pocket": "08cc7da8a215cec15d7a1defc9245d52c77a91cd1440faea5c2486324440913b",
    "pocket-large": "13e1002811e0b7ab3a0f3b95492afb7f94a177d5c4ed237dc0ee6bead057063c",
    "pocket-roberta": "77fbd426d6b3f2a4acf93b128cab27c353d621603c8e11bb2dae8fdd9e90db9e",
}
each_model = pytest.mark.parametrize("name", PLMS)


def recipe(name: str) -> dict:
    return json.loads((plm_folder(name) / RECIPE_FILE).read_text(encoding="utf-8"))


def test_the_models_that_are_shipped() -> None:
    assert {name: folder_digest(plm_folder(name)) for name in PLMS} == DIGESTS


@each_model
def test_shipped_files_are_those_of_the_recipe_and_small(name: str) -> None:
    folder = plm_folder(name)
    assert recipe(name)["files"] == {file.name: sha256(file) for file in folder.iterdir() if file.name != RECIPE_FILE}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2e6


@each_model
def test_shipped_model_was_made_with_its_settings(name: str) -> None:
    assert recipe(name)["settings"] == asdict(find_recipe(name))


def test_the_study_s_model_was_made_with_the_default_settings() -> None:
    assert find_recipe("pocket") == Pretraining()
    with pytest.raises(InputError, match="unknown pocket model 'huge': choose one of pocket, pocket-large, pocket-rob"):
        find_recipe("huge")


@pytest.mark.parametrize(
    ("name", "architecture", "layers", "hidden"),
    [("pocket", "bert", 3, 64), ("pocket-large", "bert", 4, 96), ("pocket-roberta", "roberta", 3, 64)],
)
def test_shipped_model_loads_as_a_classifier_whose_encoder_is_the_shipped_one(
    name: str, architecture: str, layers: int, hidden: int
) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(plm_folder(name), num_labels=3)
    weights = load_file(plm_folder(name) / "model.safetensors")
    assert weights.keys() == model.base_model.state_dict().keys()
    for key, weight in model.base_model.state_dict().items():
        assert torch.equal(weight, weights[key])
    config = model.config
    assert (config.model_type, config.num_hidden_layers, config.hidden_size) == (architecture, layers, hidden)
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0


def test_shipped_tokenizer_reads_words_whatever_their_case() -> None:
    tokenizer = AutoTokenizer.from_pretrained(plm_folder())
    assert isinstance(tokenizer, BertTokenizer)
    assert tokenizer.tokenize("The happy Poet, quietly") == ["the", "happy", "poet", ",", "quietly"]
    assert tokenizer.convert_ids_to_tokens(list(range(len(VOCABULARY)))) == list(VOCABULARY)
    pair = tokenizer("the poet", "zebra")
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == ["[CLS]", "the", "poet", "[SEP]", "[UNK]", "[SEP]"]
    assert pair["token_type_ids"] == [0, 0, 0, 0, 1, 1]


def test_roberta_reads_the_same_words_and_no_token_types() -> None:
    tokenizer = load_tokenizer(plm_folder("pocket-roberta"))
    pair = tokenizer("The happy Poet,", "zebra")
    assert pair.keys() == {"input_ids", "attention_mask"}
    words = ["<s>", "the", "happy", "poet", ",", "</s>", "</s>", "<unk>", "</s>"]
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == words
    model = load_classifier(plm_folder("pocket-roberta"), 3, seed=0)
    assert len(tokenizer) == len(VOCABULARY) == model.config.vocab_size
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1
    longest = tokenizer(["the poet " * 40], ["poet"], truncation=True, return_tensors="pt")
    assert longest["input_ids"].shape == (1, 64)
    assert model(**longest).logits.isfinite().all()


@each_model
def test_shipped_model_tells_restatements_from_other_facts(name: str) -> None:
    assert recipe(name)["final"]["next_sentence_loss"] < 0.4
    assert recipe(name)["final"]["masked_word_loss"] < 2.2


@each_model
def test_a_full_model_and_a_mask_can_be_trained_on_each(name: str) -> None:
    text, tokenizer = build_nli(World(train=240, dev=60, test=12)), load_tokenizer(plm_folder(name))
    train, dev = encode(text.train, tokenizer), encode(text.dev, tokenizer)
    model, few = load_classifier(plm_folder(name), 3, seed=5), Recipe(steps=12, batch_size=16, lr=1e-3)
    before = {key: weight.clone() for key, weight in prunable_weights(model).items()}
    fit(model, [*model.parameters()], TrainingRun(train, few, make_objective("std"), 5))
    assert all(not torch.equal(weight, before[key]) for key, weight in prunable_weights(model).items())
    mask = search_mask(model, train, dev, few, sparsity=0.7)
    assert mask.zeros() == {key: (count_zeros(0.7, weight.numel()), weight.numel()) for key, weight in before.items()}


@pytest.mark.parametrize("settings", [SHORT, RobertaPretraining(**SIZE)], ids=["bert", "roberta"])
def test_pretraining_twice_gives_the_same_bytes_and_leaves_the_callers_state_alone(
    tmp_path: Path, settings: Pretraining
) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    pretrain(tmp_path / "first", settings)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(6)
    pretrain(tmp_path / "second", settings)
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
