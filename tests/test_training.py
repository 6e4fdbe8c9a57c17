"""The loop: batches, prediction, determinism, and losses' limits."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertForSequenceClassification

from srnet.encoding import Encoded, length_grouped
from srnet.losses import cross_entropy, product_of_experts
from srnet.metrics import correct, correct_two_way
from srnet.training import Recipe, fit, make_objective, predict, shuffled_batches


@given(size=st.integers(1, 500), batch_size=st.integers(1, 40), seed=st.integers(0, 1000))
def test_an_epoch_of_batches_holds_every_example_once(size: int, batch_size: int, seed: int) -> None:
    lengths = torch.randint(1, 30, (size,), generator=torch.Generator().manual_seed(seed))
    batches = length_grouped(lengths, batch_size, torch.Generator().manual_seed(seed))
    count = -(-size // batch_size)
    for _ in range(2):
        epoch = [next(batches) for _ in range(count)]
        assert sorted(torch.cat(epoch).tolist()) == list(range(size))
        assert max(len(batch) for batch in epoch) <= batch_size


def test_batches_are_of_similar_length_and_not_in_order_of_length() -> None:
    lengths = torch.randint(1, 129, (3200,), generator=torch.Generator().manual_seed(0))
    batches = length_grouped(lengths, 32, torch.Generator().manual_seed(0))
    epoch = [lengths[next(batches)] for _ in range(100)]
    padded = sum(int(batch.max()) * len(batch) for batch in epoch)
    assert padded < 1.05 * lengths.sum()
    firsts = torch.stack([batch.max() for batch in epoch[:50]])
    assert not torch.equal(firsts, firsts.sort().values)
    assert not torch.equal(firsts, firsts.sort(descending=True).values)


def test_inputs_are_cut_to_the_longest_example(pairs: Encoded) -> None:
    index = pairs.lengths.argsort()[:5]
    inputs = pairs.inputs(index, torch.device("cpu"))
    assert inputs["input_ids"].shape == (5, int(pairs.lengths[index].max()))
    assert inputs["attention_mask"].sum(1).tolist() == pairs.lengths[index].tolist()


def test_prediction_does_not_depend_on_order_or_padding(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    logits = predict(tiny_bert, pairs)
    for row in (0, 17, 63):
        alone = tiny_bert(**pairs.inputs(torch.tensor([row]), torch.device("cpu"))).logits[0]
        torch.testing.assert_close(logits[row], alone, atol=1e-6, rtol=1e-5)


def train(model: BertForSequenceClassification, pairs: Encoded, steps: int = 60) -> list[float]:
    recipe = Recipe(steps=steps, batch_size=16, lr=3e-3, warmup=5)
    batches = shuffled_batches(pairs, recipe, seed=1)
    return fit(model, list(model.parameters()), pairs, batches, recipe, make_objective("std"), seed=1).losses


def test_training_learns_and_repeats_bit_for_bit(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    start = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    first = train(tiny_bert, pairs)
    assert sum(first[-10:]) < 0.8 * sum(first[:10])
    end = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    tiny_bert.load_state_dict(start)
    torch.rand(5)
    assert train(tiny_bert, pairs) == first
    assert all(torch.equal(tensor, end[name]) for name, tensor in tiny_bert.state_dict().items())


def test_tokens_are_counted(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    recipe = Recipe(steps=4, batch_size=16)
    batches = list(pairs.lengths.argsort().split(16))
    trace = fit(tiny_bert, list(tiny_bert.parameters()), pairs, batches, recipe, make_objective("std"), seed=0)
    assert trace.tokens == pairs.lengths.sum()
    assert trace.tokens + trace.padding == sum(16 * int(pairs.lengths[batch].max()) for batch in batches)


logits_and_labels = st.integers(0, 10_000).map(
    lambda seed: (
        torch.randn(8, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64),
        torch.randint(0, 3, (8,), generator=torch.Generator().manual_seed(seed)),
    )
)


@given(logits_and_labels)
def test_a_uniform_bias_model_makes_poe_cross_entropy(sample: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = sample
    uniform = torch.full_like(logits, 1 / 3).log()
    torch.testing.assert_close(product_of_experts(logits, labels, uniform), cross_entropy(logits, labels))


@given(logits_and_labels)
def test_poe_learns_little_from_what_the_bias_model_is_sure_of(sample: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = sample[0].requires_grad_(), sample[1]
    sure = torch.full_like(logits, 1e-6).scatter(1, labels[:, None], 1 - 2e-6).log()
    product_of_experts(logits, labels, sure).backward()
    biased = logits.grad
    logits.grad = None
    cross_entropy(logits, labels).backward()
    assert biased is not None
    assert logits.grad is not None
    assert biased.abs().sum() < 0.05 * logits.grad.abs().sum()


def test_no_gradient_reaches_the_bias_model() -> None:
    bias = torch.zeros(2, 3, requires_grad=True)
    logits = torch.zeros(2, 3, requires_grad=True)
    product_of_experts(logits, torch.tensor([0, 1]), bias).backward()
    assert bias.grad is None


def test_two_way_merges_neutral_and_contradiction() -> None:
    logits = torch.eye(3)[[0, 1, 2, 0, 1]]
    assert correct_two_way(logits, torch.tensor([0, 1, 1, 1, 0])).tolist() == [True, True, True, False, False]
    assert correct(logits, torch.tensor([0, 1, 1, 0, 1])).tolist() == [True, True, False, True, True]
