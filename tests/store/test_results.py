"""How a result is laid out: token ids with what answers are held against, and that nothing but them is asked for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from srnet import Recipe, pocket
from srnet.data.tasks import HANS_LABELS, NLI_LABELS, SYMMETRIC_LABELS
from srnet.environment import Inputs
from srnet.executor import text as inputs
from srnet.executor.compute import compute
from srnet.executor.text import all_sets, encoded, gold
from srnet.experiments.expressions import (
    Bias,
    Data,
    Experiment,
    FineTuned,
    Pretrained,
    Pruned,
    Teacher,
    Tokenised,
)
from srnet.experiments.methods import IterativePruning, MaskTraining
from srnet.store import results
from srnet.store.results import Examples, examples, save_examples
from srnet.store.store import Store
from srnet.training.encoding import Encoded
from srnet.training.metrics import Gold
from srnet.training.models import folder_digest

INPUTS = Inputs(device="cpu")
PLM = Pretrained("pocket", folder_digest(pocket.plm_folder()))
WORLD = pocket.World(train=24, dev=12, test=12)


def data(task: str, with_ood: bool = False) -> Data:
    return Data(task, pocket.FINGERPRINTS[task], WORLD, with_ood=with_ood)


@pytest.mark.parametrize("of", [data("nli"), data("nli", True), data("fact"), data("paraphrase", True)], ids=str)
def test_token_ids_keep_all_that_scoring_needs(of: Data, tmp_path: Path) -> None:
    store, tokens = Store(tmp_path), Tokenised(PLM, of)
    compute(tokens, store, INPUTS)
    text, ids = all_sets(of, INPUTS), encoded(of, PLM, INPUTS)
    assert results.test_sets(tokens, store) == [name for name in text if name != "train"]
    for name, part in text.items():
        found, wanted = examples(tokens, name, store), gold(part)
        assert torch.equal(found.encoded.input_ids, ids[name].input_ids)
        assert torch.equal(found.gold.labels, wanted.labels)
        assert found.gold.classes == wanted.classes
        assert found.gold.subsets.tolist() == part["subset"][:]


def test_data_sets_have_classes_of_their_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for task, name, classes in (
        ("nli", "train", NLI_LABELS),
        ("nli", "hans", HANS_LABELS),
        ("fact", "sym1", SYMMETRIC_LABELS),
    ):
        compute(Tokenised(PLM, data(task)), store, INPUTS)
        assert examples(Tokenised(PLM, data(task)), name, store).gold.classes == classes


def test_training_and_evaluation_open_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of, recipe, store = data("nli"), Recipe(steps=10, batch_size=4), Store(tmp_path)
    full = FineTuned(PLM, of, 1, recipe, checkpoints=(5,))
    first: list[Experiment] = [Tokenised(PLM, of), Bias(of)]
    for experiment in first:
        compute(experiment, store, INPUTS)
    inputs._read_text.cache_clear()
    for name in ("pocket.build", "executor.text.load_task", "executor.text.text_digest", "executor.text.encode"):
        monkeypatch.setattr(f"srnet.{name}", lambda *_, name=name: pytest.fail(f"{name} was called"))
    pruned = Pruned(full, of, 1, 0.5, IterativePruning(recipe))
    masked = Pruned(full, of, 1, 0.5, MaskTraining(recipe, 5))
    rest: list[Experiment] = [full, Teacher(full), masked, pruned.trajectory, pruned]
    for experiment in rest:
        compute(experiment, store, INPUTS)
        assert "metrics" in store.record(experiment) or experiment == pruned.trajectory


def test_many_subsets_come_back(pairs: Encoded, tmp_path: Path) -> None:
    store, tokens = Store(tmp_path), Tokenised(PLM, data("nli"))
    names = np.array([f"part {number % 50}" for number in range(64)])
    with store.writing(tokens) as entry:
        assert entry
        save_examples({"train": Examples(pairs, Gold(pairs.labels, ("a", "b", "c"), names))}, entry)
    assert (examples(tokens, "train", store).gold.subsets == names).all()
