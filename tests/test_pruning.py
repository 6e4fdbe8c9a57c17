"""Mask training: what is frozen, what moves, what is counted, what is chosen."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from srnet import Mask, Recipe, find_subnetwork, load_subnetwork, save_subnetwork
from srnet.encoding import Encoded
from srnet.errors import InputError
from srnet.masks import count_zeros, magnitude_mask
from srnet.models import prunable_weights
from srnet.pocket import World, build_nli, plm_folder
from srnet.pruning import MaskedWeight, MaskSearch, StraightThrough, selection_steps, train_mask
from srnet.training import DivergedError, make_objective, predict, shuffled_batches

RECIPE = Recipe(steps=10, batch_size=8, lr=1e-2)


def search(model: BertForSequenceClassification, pairs: Encoded, sparsity: float, interval: int = 2) -> MaskSearch:
    batches = shuffled_batches(pairs, RECIPE, seed=1)
    objective = make_objective("std")
    return train_mask(model, pairs, pairs, batches, RECIPE, objective, sparsity=sparsity, interval=interval, seed=1)


def test_prunable_matrices_of_bert(tiny_bert: BertForSequenceClassification) -> None:
    names = list(prunable_weights(tiny_bert))
    assert len(names) == 6 * 2 + 1
    assert names[-1] == "classifier.weight"
    assert not any("pooler" in name or "embedding" in name or "bias" in name for name in names)
    with_pooler = set(prunable_weights(tiny_bert, pooler=True))
    assert with_pooler - set(names) == {"bert.pooler.dense.weight"}


def test_prunable_matrices_of_roberta() -> None:
    config = RobertaConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32
    )
    names = list(prunable_weights(RobertaForSequenceClassification(config)))
    assert len(names) == 6 * 3 + 2
    assert names[-2:] == ["classifier.dense.weight", "classifier.out_proj.weight"]


def test_models_that_cannot_be_pruned(tiny_bert: BertForSequenceClassification) -> None:
    with pytest.raises(InputError, match="no classifier"):
        prunable_weights(tiny_bert.bert)
    del tiny_bert.bert.encoder.layer[0].intermediate
    with pytest.raises(InputError, match="11 matrices in 2 encoder layers"):
        prunable_weights(tiny_bert)
    with pytest.raises(InputError, match="no encoder layers"):
        prunable_weights(GPT2ForSequenceClassification(GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2)))


@pytest.mark.parametrize("sparsity", [0.0, 0.29, 0.5, 0.9, 0.99])
def test_every_matrix_has_the_exact_count(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, sparsity: float
) -> None:
    found = search(tiny_bert, pairs, sparsity)
    assert set(found.mask) == set(prunable_weights(tiny_bert))
    for name, (zeros, size) in found.mask.zeros().items():
        assert zeros == count_zeros(sparsity, size), name


def test_no_weight_moves_and_the_mask_does(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    found = search(tiny_bert, pairs, 0.5)
    after = tiny_bert.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.requires_grad for parameter in tiny_bert.parameters())
    start = magnitude_mask(prunable_weights(tiny_bert), 0.5)
    assert all(not torch.equal(start[name], found.mask[name]) for name in start)


def test_the_same_seed_finds_the_same_mask_and_leaves_the_random_state(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    torch.manual_seed(3)
    first = search(tiny_bert, pairs, 0.5).mask
    torch.rand(7)
    state = torch.get_rng_state()
    second = search(tiny_bert, pairs, 0.5).mask
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_chosen_mask_is_the_best_of_the_last_steps(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    found = search(tiny_bert, pairs, 0.5, interval=1)
    assert [step for step, _ in found.selection] == [8, 9, 10]
    best = max(accuracy for _, accuracy in found.selection)
    assert found.step == next(step for step, accuracy in found.selection if accuracy == best)
    found.mask.apply_to(tiny_bert)
    assert (predict(tiny_bert, pairs).argmax(1) == pairs.labels).float().mean().item() == best


@given(steps=st.integers(1, 300), interval=st.integers(1, 100))
def test_candidates(steps: int, interval: int) -> None:
    candidates = selection_steps(steps, interval)
    assert candidates[-1] == steps
    assert all(step > 0.7 * steps for step in candidates)
    assert all(step % interval == 0 for step in candidates[:-1])


def test_straight_through_gradient() -> None:
    weight = torch.tensor([[2.0, -3.0]])
    scores = torch.tensor([[0.0, 0.02]], requires_grad=True)
    binary: Tensor = StraightThrough.apply(scores, torch.tensor(0.01))
    (weight * binary).sum().backward()
    assert torch.equal(binary, torch.tensor([[0.0, 1.0]]))
    assert scores.grad is not None
    assert torch.equal(scores.grad, weight)


def test_training_mode_follows_the_scores_and_evaluation_mode_the_last_solution() -> None:
    masked = MaskedWeight(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), 0.5)
    with torch.no_grad():
        masked.scores[0, 0] = 1.0
    weight = torch.ones(1, 4)
    assert masked.train()(weight).tolist() == [[1, 0, 1, 1]]
    assert masked.eval()(weight).tolist() == [[0, 0, 1, 1]]
    masked.solve(0.5)
    assert masked.eval()(weight).sum() == 2


def test_sparsity_zero_is_the_dense_model(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    dense = predict(tiny_bert, pairs)
    search(tiny_bert, pairs, 0.0).mask.apply_to(tiny_bert)
    assert torch.equal(predict(tiny_bert, pairs), dense)


def test_own_data_from_search_to_file(tiny_bert: BertForSequenceClassification, pairs: Encoded, tmp_path: Path) -> None:
    path = tmp_path / "mask.safetensors"
    uniform = torch.full((64, 3), 1 / 3).log()
    mask = find_subnetwork(tiny_bert, pairs, pairs, RECIPE, sparsity=0.5, loss="poe", bias_log_probs=uniform)
    save_subnetwork(mask, path)
    read = load_subnetwork(tiny_bert, path)
    assert isinstance(read, Mask)
    assert read == mask
    assert len(mask.fingerprint) == 64
    zeros = {name: int((weight == 0).sum()) for name, weight in prunable_weights(tiny_bert).items()}
    assert zeros == {name: count for name, (count, _) in mask.zeros().items()}


def test_the_readme_s_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text()
    program = text.split("```python\n")[1].split("```")[0]
    program = program.replace("my-fine-tuned-bert", str(plm_folder())).replace("steps=2000", "steps=3")
    data = build_nli(World(train=60, dev=12, test=12))
    monkeypatch.chdir(tmp_path)
    labels = "num_labels=3)\n"  # the pocket model has no classifier yet
    program = program.replace(f'"{plm_folder()}")\n', f'"{plm_folder()}", {labels}', 1)
    names = {"train_table": data.train, "dev_table": data.dev}
    exec(program, names)
    assert Mask.load(tmp_path / "mask.safetensors").zeros()["classifier.weight"] == (134, 192)


def test_bad_arguments(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    def find(**changes: object) -> None:
        find_subnetwork(tiny_bert, pairs, pairs, RECIPE, **{"sparsity": 0.5, **changes})  # type: ignore[arg-type]

    with pytest.raises(InputError, match="sparsity is 1"):
        find(sparsity=1)
    with pytest.raises(InputError, match="unknown loss 'PoE'"):
        find(loss="PoE")
    with pytest.raises(InputError, match="needs bias_log_probs"):
        find(loss="poe")
    with pytest.raises(InputError, match=r"shape \[3, 3\] for 64 training examples and 3 classes"):
        find(loss="poe", bias_log_probs=torch.zeros(3, 3))
    with pytest.raises(InputError, match="interval is -1"):
        find(interval=-1)
    with pytest.raises(InputError, match=r"shape \[64, 1\]"):
        find(loss="poe", bias_log_probs=torch.zeros(64, 1))
    pairs.labels[0] = 3
    with pytest.raises(InputError, match="labels from 0 to 2"):
        find()


def test_divergence_is_an_error_and_leaves_the_model_whole(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    bias = torch.full((64, 3), float("nan"))
    with pytest.raises(DivergedError, match="loss is nan at step 1"):
        find_subnetwork(tiny_bert, pairs, pairs, RECIPE, sparsity=0.5, loss="poe", bias_log_probs=bias)
    after = tiny_bert.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
