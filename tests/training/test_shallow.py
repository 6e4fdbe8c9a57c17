"""The bias of a model that has seen little."""

import pytest
import torch
from transformers import BertForSequenceClassification

from srnet.errors import InputError
from srnet.training import shallow as module
from srnet.training.encoding import Encoded
from srnet.training.loop import DivergedError
from srnet.training.shallow import sample_size, shallow, shallow_recipe, shallow_sample


def many(pairs: Encoded, times: int) -> Encoded:
    assert pairs.token_type_ids is not None
    of = [pairs.input_ids.repeat(times, 1), pairs.token_type_ids.repeat(times, 1)]
    return Encoded(of[0], of[1], pairs.lengths.repeat(times), pairs.labels.repeat(times))


def test_the_sample_is_that_of_the_authors_or_a_quarter() -> None:
    assert sample_size(392_702) == 2000
    assert sample_size(1000) == 250
    assert shallow_recipe(392_702).steps == 313  # 5 epochs of 2,000 in batches of 32
    with pytest.raises(InputError, match="399 training examples, a quarter of which is too few"):
        sample_size(399)


def test_log_probabilities_of_all_examples_repeat(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    data, start = many(pairs, 28), {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    found = []
    for _ in range(2):
        tiny_bert.load_state_dict(start)
        found.append(shallow(tiny_bert, data, [pairs], seed=1))
    (of_train, of_pairs), again = found[0].log_probs, found[1].log_probs
    assert torch.equal(of_train, again[0])
    assert of_train.shape == (1792, 3)
    assert of_pairs.shape == (64, 3)
    assert torch.allclose(of_train.exp().sum(1), torch.ones(1792), atol=1e-5)
    assert found[0].accuracy == (of_train.argmax(1) == data.labels).float().mean()


def test_larger_rates_are_tried_as_long_as_they_fit_better(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, steps = many(pairs, 7), list[int]()
    monkeypatch.setattr(module, "RATES", (1e-7, 1e-2, 1e3, 1e-2))
    found = shallow(tiny_bert, data, seed=1, advance=steps.append)
    assert found.rate == 1e-2
    assert found.learned
    assert found.accuracy > data.labels.bincount().max() / len(data)
    assert len(steps) == 3 * shallow_recipe(len(data)).steps  # the third fits worse, and ends it


def test_one_that_learns_nothing_is_said_to(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RATES", (1e-7,))
    assert not shallow(tiny_bert, many(pairs, 7), seed=1).learned


def test_one_that_diverges_at_every_rate_is_an_error(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_cross_entropy", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(DivergedError, match="not finite at learning rate 5e-05"):
        shallow(tiny_bert, many(pairs, 7), seed=1)


def test_a_sample_of_one_class_is_refused(pairs: Encoded) -> None:
    data = many(pairs, 7)
    data.labels.fill_(1)
    with pytest.raises(InputError, match="a sample of 112 training examples has one class alone"):
        shallow_sample(data, 0)
