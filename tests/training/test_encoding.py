"""Sentence pairs as tokens, for BERT and for RoBERTa: separators, token types, positions, padding, length."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plms import TEXT, make_plm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from srnet import InputError, encode, load_classifier, load_tokenizer
from srnet.data.pairs import pair_dataset
from srnet.data.tasks import NLI_LABELS
from srnet.training.encoding import MAX_LENGTH, Encoded
from srnet.training.loop import predict

Plm = tuple[PreTrainedModel, PreTrainedTokenizerBase]


def load(folder: Path, name: str) -> Plm:
    make_plm(folder, name)
    return load_classifier(folder, 3, seed=1), load_tokenizer(folder)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Plm:
    return load(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Plm:
    return load(tmp_path_factory.mktemp("roberta"), "roberta")


@pytest.fixture(params=["bert", "roberta"])
def plm(request: pytest.FixtureRequest) -> Plm:
    return request.getfixturevalue(request.param)


def encoded(plm: Plm, *pairs: tuple[str, str]) -> Encoded:
    premises, hypotheses = zip(*pairs, strict=True)
    return encode(pair_dataset(premises, hypotheses, [0] * len(pairs), NLI_LABELS), plm[1])


def first_tokens(plm: Plm, pairs: Encoded) -> list[str]:
    return [str(plm[1].convert_ids_to_tokens(token)) for token in pairs.input_ids[0].tolist()]


def test_pairs_of_bert(bert: Plm) -> None:
    pairs = encoded(bert, ("The cat sat.", "the dog ran"), ("dog", "bird " * 200))
    tokens = first_tokens(bert, pairs)
    assert tokens[:10] == ["[CLS]", "the", "cat", "sat", ".", "[SEP]", "the", "dog", "ran", "[SEP]"]
    assert set(tokens[10:]) == {"[PAD]"}
    assert pairs.token_type_ids is not None
    assert pairs.token_type_ids[0].tolist() == [0] * 6 + [1] * 4 + [0] * (MAX_LENGTH - 10)
    assert pairs.lengths.tolist() == [10, MAX_LENGTH]


def test_pairs_of_roberta_have_two_separators_and_no_types(roberta: Plm) -> None:
    pairs = encoded(roberta, ("The cat sat", "Who ran ?"), ("A dog", "The bird " * 200))
    tokens = first_tokens(roberta, pairs)
    end = tokens.index("<pad>")
    assert tokens[0] == "<s>"
    middle = tokens.index("</s>")
    assert tokens[middle : middle + 2] == ["</s>", "</s>"]
    assert [place for place, token in enumerate(tokens) if token == "</s>"] == [middle, middle + 1, end - 1]
    assert roberta[1].convert_tokens_to_string(tokens[1:middle]) == "The cat sat"
    assert roberta[1].convert_tokens_to_string(tokens[middle + 2 : end - 1]) == "Who ran ?"
    assert set(tokens[end:]) == {"<pad>"}
    assert pairs.token_type_ids is None
    assert "token_type_ids" not in pairs.inputs(torch.tensor([0]), torch.device("cpu"))
    assert pairs.lengths.tolist() == [end, MAX_LENGTH]


@torch.no_grad()
def test_padding_changes_no_logit(plm: Plm) -> None:
    short, long = (TEXT[0], TEXT[1]), (TEXT[1] * 4, TEXT[2] * 4)
    together = encoded(plm, short, long)
    alone = encoded(plm, short)
    assert together.input_ids.shape[1] > alone.input_ids.shape[1]
    padded = together.inputs(torch.tensor([0, 1]), torch.device("cpu"))
    assert padded["attention_mask"][0].sum() == alone.lengths[0] < padded["attention_mask"].shape[1]
    model = plm[0]
    reference = model(**alone.inputs(torch.tensor([0]), torch.device("cpu"))).logits[0]
    torch.testing.assert_close(model(**padded).logits[0], reference, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(predict(model, together)[0], reference, atol=1e-5, rtol=1e-5)
    del padded["attention_mask"]
    assert (model(**padded).logits[0] - reference).abs().max() > 1e-3  # so that the test can fail


@torch.no_grad()
@pytest.mark.parametrize(("name", "first"), [("bert", 0), ("roberta", 2)])
def test_positions_count_from_the_model_s_first(name: str, first: int, request: pytest.FixtureRequest) -> None:
    plm: Plm = request.getfixturevalue(name)
    pairs = encoded(plm, (TEXT[0], TEXT[1]), (TEXT[1] * 9, TEXT[2] * 9))
    inputs = pairs.inputs(torch.tensor([0, 1]), torch.device("cpu"))
    positions = torch.arange(MAX_LENGTH).expand(2, -1) + first
    logits = plm[0](**inputs).logits
    torch.testing.assert_close(plm[0](**inputs, position_ids=positions).logits, logits, atol=1e-5, rtol=1e-5)
    assert (plm[0](**inputs, position_ids=positions + 1).logits - logits).abs().max() > 1e-3


@pytest.mark.parametrize(("premise", "hypothesis"), [(300, 300), (300, 3), (3, 300)])
def test_the_longer_side_is_cut(plm: Plm, premise: int, hypothesis: int) -> None:
    pairs = encoded(plm, ("dog " * premise, "ran " * hypothesis))
    assert pairs.lengths.tolist() == [MAX_LENGTH]
    text = plm[1].decode(pairs.input_ids[0])
    assert min(premise, 20) <= text.count("dog") <= premise
    assert min(hypothesis, 20) <= text.count("ran") <= hypothesis
    assert predict(plm[0], pairs).isfinite().all()


@pytest.mark.parametrize("limit", [MAX_LENGTH, 40])
def test_no_pair_is_longer_than_the_model_can_read(plm: Plm, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plm[1], "model_max_length", limit)
    assert encoded(plm, ("dog " * 300, "ran " * 300)).lengths.tolist() == [limit]


sentences = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(sentences, sentences), min_size=1, max_size=5))
def test_any_text_has_a_length_and_only_padding_beyond(roberta: Plm, pairs: list[tuple[str, str]]) -> None:
    result = encoded(roberta, *pairs)
    padding = result.input_ids == roberta[1].pad_token_id
    assert torch.equal(padding, torch.arange(padding.shape[1]) >= result.lengths[:, None])
    assert int(result.lengths.max()) == padding.shape[1]


def test_labels_and_order_are_kept(bert: Plm) -> None:
    count = 5000  # more than are tokenised at once
    data = pair_dataset(
        ["the " * (1 + number % 7) for number in range(count)],
        ["dog"] * count,
        [n % 3 for n in range(count)],
        NLI_LABELS,
    )
    pairs = encode(data, bert[1])
    assert pairs.labels.tolist() == [number % 3 for number in range(count)]
    assert pairs.lengths.tolist() == [5 + number % 7 for number in range(count)]
    assert pairs.input_ids.dtype == torch.int32


def test_tables_and_tokenizers_that_cannot_be_used(bert: Plm) -> None:
    data = pair_dataset(["the dog"], ["ran"], [0], NLI_LABELS)
    with pytest.raises(InputError, match="needs the columns premise, hypothesis and label"):
        encode(data.remove_columns("hypothesis"), bert[1])
    with pytest.raises(InputError, match="and rows"):
        encode(data.select([]), bert[1])
    unpadded = load_tokenizer(bert[1].name_or_path)
    unpadded.pad_token = None
    with pytest.raises(InputError, match="the tokenizer has no padding token"):
        encode(data, unpadded)
