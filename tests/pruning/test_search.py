"""Subnetworks for one's own use: found, saved, loaded; models and arguments that are refused."""

import math
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from srnet import Mask, Recipe, search_mask
from srnet.debiasing.losses import LOSSES, make_objective
from srnet.errors import InputError
from srnet.masking import count_zeros
from srnet.pruning.magnitude import magnitude_mask
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.loop import DivergedError, TrainingRun, predict
from srnet.training.metrics import METRICS, Gold, headline
from srnet.training.models import weights_digest

RECIPE = Recipe(steps=10, batch_size=8, lr=1e-2)


def few(pairs: Encoded, count: int) -> Encoded:
    assert pairs.token_type_ids is not None
    return Encoded(pairs.input_ids[:count], pairs.token_type_ids[:count], pairs.lengths[:count], pairs.labels[:count])


def test_models_that_cannot_be_pruned(tiny_bert: BertForSequenceClassification) -> None:
    with pytest.raises(InputError, match="no classifier"):
        prunable_weights(tiny_bert.bert)
    del tiny_bert.bert.encoder.layer[0].intermediate
    with pytest.raises(InputError, match=r"layers that are not alike \(11 matrices in 2 layers\)"):
        prunable_weights(tiny_bert)


def test_a_regression_model_is_refused(pairs: Encoded) -> None:
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label={0: "0"},
    )
    with pytest.raises(InputError, match="it gives 1 number for each example, and no class to choose"):
        search_mask(BertForSequenceClassification(config), pairs, pairs, RECIPE, sparsity=0.5)


def test_own_data_from_search_to_file(tiny_bert: BertForSequenceClassification, pairs: Encoded, tmp_path: Path) -> None:
    path = tmp_path / "mask.safetensors"
    before = weights_digest(prunable_weights(tiny_bert))
    uniform = torch.full((64, 3), 1 / 3).log()
    mask = search_mask(tiny_bert, pairs, pairs, RECIPE, sparsity=0.5, loss="poe", bias_log_probs=uniform)
    mask.save(path)
    assert Mask.load(path) == mask
    mask.apply_to(tiny_bert)
    assert mask.fingerprint == before
    zeros = {name: int((weight == 0).sum()) for name, weight in prunable_weights(tiny_bert).items()}
    assert zeros == {name: count for name, (count, _) in mask.zeros().items()}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_found_is_what_mask_training_finds(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, loss: str, metric: str
) -> None:
    generator = torch.Generator().manual_seed(2)
    bias, teacher = (torch.randn(64, 3, generator=generator) for _ in range(2))
    bias, teacher = bias.log_softmax(1), teacher.softmax(1)
    recipe = Recipe(steps=40, batch_size=8, lr=1e-2)  # a twentieth of it is 2

    def find(**changes: int) -> Mask:
        given = {"bias_log_probs": bias, "teacher_probs": teacher, "metric": metric, **changes}
        return search_mask(tiny_bert, pairs, pairs, recipe, sparsity=0.7, loss=loss, **given)  # type: ignore[arg-type]

    def expected(interval: int, seed: int) -> Mask:
        run = TrainingRun(pairs, recipe, make_objective(loss, bias, teacher), seed)

        def score(step: int) -> float:
            return headline(predict(tiny_bert, pairs), Gold(pairs.labels), metric)

        return train_mask(tiny_bert, run, score, MaskPlan(0.7, interval)).mask

    mask = find()
    assert mask == expected(2, 0)
    assert mask != magnitude_mask(prunable_weights(tiny_bert), 0.7)
    assert mask.zeros() == {
        name: (count_zeros(0.7, weight.numel()), weight.numel()) for name, weight in prunable_weights(tiny_bert).items()
    }
    other = find(interval=7, seed=3)
    assert other == expected(7, 3)
    assert other != mask


def test_bad_arguments(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    def find(**changes: object) -> None:
        search_mask(tiny_bert, pairs, pairs, RECIPE, **{"sparsity": 0.5, **changes})  # type: ignore[arg-type]

    with pytest.raises(InputError, match="sparsity is 1"):
        find(sparsity=1)
    with pytest.raises(InputError, match="unknown loss 'PoE'"):
        find(loss="PoE")
    with pytest.raises(InputError, match="metric 'f1' is unknown: choose one of accuracy, weighted_f1"):
        find(metric="f1")
    with pytest.raises(InputError, match="needs bias_log_probs"):
        find(loss="poe")
    with pytest.raises(InputError, match=r"bias_log_probs: the shape is \[3, 3\]; give \[64, 3\]"):
        find(loss="poe", bias_log_probs=torch.zeros(3, 3))
    with pytest.raises(InputError, match="interval is -1"):
        find(interval=-1)
    with pytest.raises(InputError, match=r"the shape is \[64, 1\]"):
        find(loss="poe", bias_log_probs=torch.zeros(64, 1))
    third = torch.full((64, 3), 1 / 3)
    with pytest.raises(InputError, match=r"bias_log_probs: the exponentials of row 0, .* logarithms of these"):
        find(loss="poe", bias_log_probs=third)
    with pytest.raises(InputError, match="needs teacher_probs"):
        find(loss="confreg", bias_log_probs=third.log())
    with pytest.raises(InputError, match=r"teacher_probs: the shape is \[63, 3\]; give \[64, 3\]"):
        find(loss="confreg", bias_log_probs=third.log(), teacher_probs=third[:63])
    wrong = third.clone()
    for values in ([0.5, 0.5, 0.5], [1.5, -0.5, 0.0], [float("nan"), 0.5, 0.5]):
        wrong[7] = torch.tensor(values)
        with pytest.raises(InputError, match=r"teacher_probs: row 7 is .*, no probabilities"):
            find(loss="confreg", bias_log_probs=third.log(), teacher_probs=wrong)
    with pytest.raises(InputError, match="train: give at least one example"):
        search_mask(tiny_bert, few(pairs, 0), pairs, RECIPE, sparsity=0.5)
    with pytest.raises(InputError, match="dev: give at least one example"):
        search_mask(tiny_bert, pairs, few(pairs, 0), RECIPE, sparsity=0.5)
    pairs.labels[0] = 3
    with pytest.raises(InputError, match="labels from 0 to 2"):
        find()


def test_divergence_is_an_error_and_leaves_the_model_whole(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    monkeypatch.setattr("srnet.pruning.search.make_objective", lambda *_: lambda logits, *_: logits.sum() * math.nan)
    with pytest.raises(DivergedError, match="loss is nan at step 1"):
        search_mask(tiny_bert, pairs, pairs, RECIPE, sparsity=0.5)
    after = tiny_bert.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
