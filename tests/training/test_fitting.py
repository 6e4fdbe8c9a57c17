"""Whether model, tokenizer and examples belong together: token numbers, types, length, padding."""

from pathlib import Path

import pytest
import torch
from plms import make_plm
from transformers import BertForSequenceClassification, BertTokenizer, DistilBertConfig
from transformers import DistilBertForSequenceClassification as DistilBert

from srnet import InputError, Recipe, encode, load_classifier, load_tokenizer, search_mask
from srnet.data.pairs import pair_dataset
from srnet.data.tasks import NLI_LABELS
from srnet.pocket import PLMS, plm_folder
from srnet.training.encoding import Encoded
from srnet.training.fitting import check_encoded, check_fit, positions
from srnet.training.loop import predict
from srnet.training.models import blank_classifier


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plm(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plm(tmp_path_factory.mktemp("roberta"), "roberta")


def test_models_that_come_with_their_tokenizer_fit(bert: Path, roberta: Path) -> None:
    for folder in (bert, roberta, *map(plm_folder, PLMS)):
        check_fit(load_classifier(folder, 3, 0), load_tokenizer(folder))
        check_fit(blank_classifier(folder), load_tokenizer(folder))
    assert positions(blank_classifier(bert)) == 512
    assert positions(blank_classifier(roberta)) == 512  # of 514


def test_a_tokenizer_of_another_model_is_refused(bert: Path, roberta: Path) -> None:
    with pytest.raises(InputError, match=r"token '.+' has the number \d+, the model knows 11 \(vocab_size\)"):
        check_fit(blank_classifier(bert), load_tokenizer(roberta))
    with pytest.raises(InputError, match=r"padding is token 0, the model takes 1 for it \(pad_token_id\)"):
        check_fit(blank_classifier(roberta), load_tokenizer(bert))


def test_token_types_that_the_model_does_not_know_are_refused(roberta: Path) -> None:
    tokenizer = load_tokenizer(roberta)
    model = blank_classifier(roberta)
    typed = BertTokenizer(vocab={"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "b": 4}, pad_token="<pad>", sep_token="</s>")
    typed.model_max_length = 64
    with pytest.raises(InputError, match=r"token type 1, the model knows 1 \(type_vocab_size\): give the model's own"):
        check_fit(model, typed)
    check_fit(model, tokenizer)


def test_texts_longer_than_the_model_reads_are_refused(roberta: Path) -> None:
    model, tokenizer = blank_classifier(plm_folder("pocket-roberta")), load_tokenizer(plm_folder("pocket-roberta"))
    tokenizer.model_max_length = 65
    with pytest.raises(InputError, match=r"texts of up to 65 tokens, the model reads 64 \(max_position"):
        check_fit(model, tokenizer)
    tokenizer.model_max_length = 64
    check_fit(model, tokenizer)


def test_types_are_not_given_to_a_model_without_them(bert: Path) -> None:
    tokenizer = load_tokenizer(bert)
    config = DistilBertConfig(
        dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=11, id2label=dict(enumerate("abc"))
    )
    torch.manual_seed(0)
    model = DistilBert(config)
    check_fit(model, tokenizer)
    typed = encode(pair_dataset(["the cat"], ["the dog ran"], [0], NLI_LABELS), tokenizer)
    assert typed.token_type_ids is not None
    untyped = Encoded(typed.input_ids, None, typed.lengths, typed.labels)
    assert torch.equal(predict(model, typed), predict(model, untyped))


@pytest.mark.parametrize("part", ["train", "dev"])
def test_examples_that_the_model_cannot_read_are_refused_before_training(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, part: str
) -> None:
    def tried(wrong: Encoded) -> str:
        train, dev = (wrong if part == each else pairs for each in ("train", "dev"))
        with pytest.raises(InputError) as error:
            search_mask(tiny_bert, train, dev, Recipe(steps=2, lr=0.1), sparsity=0.5)
        return str(error.value)

    assert pairs.token_type_ids is not None
    check_encoded(tiny_bert, pairs, "train")
    own = ": encode it with the model's own tokenizer"
    ids, types = pairs.input_ids.clone(), pairs.token_type_ids.clone()
    ids[3, 2], types[5, 1] = 50, 2
    assert tried(Encoded(ids, pairs.token_type_ids, pairs.lengths, pairs.labels)) == (
        f"{part}: token 50 in example 3, the model knows 50 (vocab_size){own}"
    )
    assert tried(Encoded(pairs.input_ids, types, pairs.lengths, pairs.labels)) == (
        f"{part}: token type 2 in example 5, the model knows 2 (type_vocab_size){own}"
    )
    wide = torch.ones(64, 17, dtype=torch.int32)
    lengths = torch.full((64,), 3)
    lengths[9] = 17
    assert tried(Encoded(wide, None, lengths, pairs.labels)) == (
        f"{part}: example 9 has 17 tokens, the model reads 16 (max_position_embeddings): encode it shorter"
    )
