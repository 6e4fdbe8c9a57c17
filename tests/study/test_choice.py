"""The study end to end on the smoke profile: computed once, interrupted, failed, verified, shown."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from srnet import InputError
from srnet.data.tasks import HANS_HEURISTICS, HANS_LABELS
from srnet.environment import Inputs
from srnet.executor import compute as compute_module
from srnet.executor import text as inputs
from srnet.executor.agenda import missing
from srnet.executor.compute import load_model
from srnet.experiments.expressions import FineTuned, Pruned
from srnet.figures import means, sparsity_curves, subset_heatmap, subset_means
from srnet.files import sha256
from srnet.masking import Mask
from srnet.store.store import Store
from srnet.study.choice import ALL, COLUMNS, PARTS, Study, choose
from srnet.training.families import prunable_weights

SPARSITIES = [0.5]
FIGURE = ["figure-2"]
COUNT = 10  # token ids, bias model, 2 full models, 2 masks, 2 runs of iterative pruning and what each leaves


@pytest.fixture(scope="module")
def study() -> Study:
    return choose("smoke", tasks=["nli"], sparsities=SPARSITIES, seeds=[1], inputs=Inputs(device="cpu"))


@pytest.fixture(scope="module")
def store(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Results of an undisturbed run in this process."""
    store = Store(tmp_path_factory.mktemp("store"))
    report = study.compute(store, FIGURE, workers=1)
    assert len(report.computed) == COUNT
    assert not report.failed
    return store


def test_the_second_run_computes_nothing(study: Study, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet.executor.workers.compute", lambda *_: pytest.fail("something was computed"))
    assert study.compute(store, FIGURE).computed == []
    assert missing(study.experiments(FIGURE), store) == []
    assert len(study.table("figure-2", store)) > 0


def test_a_figure_is_drawn_from_records_alone(study: Study, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    inputs._read_text.cache_clear()
    text = [f"executor.text.{name}" for name in ("load_task", "text_digest", "training_set", "all_sets", "encode")]
    generators = ("pocket.build", *(f"pocket.generator.build_{name}" for name in ("nli", "paraphrase")))
    files = ("files.sha256", "store.store.sha256", "files.written_whole", "store.store.FileLock")
    ours = [f"srnet.{name}" for name in (*text, *generators, "data.formats.Format.read", *files)]
    for name in (*ours, "safetensors.torch.load_file", "safetensors.torch.save_file"):
        monkeypatch.setattr(name, lambda *_, name=name, **__: pytest.fail(f"{name} was called"))
    sparsity_curves(study.table("figure-2", store), study.profile.title)
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_records_say_what_was_done(study: Study, store: Store) -> None:
    pruned = next(e for e in study.experiments(FIGURE) if isinstance(e, Pruned) and e.loss == "poe")
    record = store.record(pruned)
    assert record["key"] == pruned.key == store.folder(pruned).name
    assert record["experiment"]["sparsity"] == 0.5
    assert record["operands"] == [operand.key for operand in pruned.operands]
    assert all(zeros == size // 2 for zeros, size in record["zeros"].values())
    assert record["steps"] == 12
    assert record["tokens"] > record["padding"] >= 0
    assert record["train_loss"][-1][0] == 12
    assert set(record["metrics"]) == {"mnli-m", "hans"}
    assert len(record["metrics"]["hans"]["subsets"]) == 6
    assert set(record["software"]) >= {"python", "srnet", "torch", "transformers"}
    for name, about in record["files"].items():
        path = store.folder(pruned) / name
        assert about == {"sha256": sha256(path), "bytes": path.stat().st_size}


def test_a_subnetwork_has_the_weights_it_was_found_in(study: Study, store: Store) -> None:
    pruned = next(e for e in study.experiments(FIGURE) if isinstance(e, Pruned))
    full = load_model(pruned.of, 3, store, study.inputs, seed=0)
    subnetwork = load_model(pruned, 3, store, study.inputs, seed=0)
    mask = Mask.load(store.file(pruned, "mask.safetensors"))
    assert mask.plm == "pocket"
    assert set(mask) == set(prunable_weights(full))
    for (name, dense), sparse in zip(full.named_parameters(), subnetwork.parameters(), strict=True):
        assert torch.equal(sparse, dense * mask[name] if name in mask else dense)


def test_a_failure_is_recorded_skips_what_needs_it_and_is_tried_again(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = compute_module.fit

    def fails(*arguments: Any, **named: Any) -> Any:
        raise MemoryError("no room")

    store, full = Store(tmp_path), next(e for e in study.experiments(FIGURE) if isinstance(e, FineTuned))
    monkeypatch.setattr(compute_module, "fit", fails)
    monkeypatch.setattr("srnet.executor.workers.places", lambda device: 1)  # other processes would compute as always
    report = study.compute(store, FIGURE, workers=1)
    assert [len(report.computed), len(report.failed), len(report.skipped)] == [2, 2, 6]
    store.folder(full).mkdir()  # as a copy that was broken off would leave it
    assert report.failed[full] == store.failures()[full.key]["failed"] == "MemoryError: no room"
    assert not store.has(full)
    assert not list(tmp_path.glob(".*"))
    with monkeypatch.context() as alone:
        alone.setattr(Study, "compute", partialmethod(Study.compute, workers=1))
        with pytest.raises(InputError, match="2 experiments failed"):
            study.table("figure-2", store)
    monkeypatch.setattr(compute_module, "fit", fit)
    assert len(study.compute(store, FIGURE, workers=1).computed) == 8
    assert full.key not in store.failures()


@pytest.fixture
def table(study: Study, store: Store) -> pd.DataFrame:
    return study.table("figure-2", store)


@pytest.fixture
def parts(study: Study, store: Store) -> pd.DataFrame:
    return study.table("figure-2", store, parts=True)


def test_the_table_is_tidy(table: pd.DataFrame) -> None:
    found = {f"{way} ({loss})" for way in ("mask train", "imp") for loss in ("std", "poe")}
    assert set(table.curve) == {"full bert (std)", "full bert (poe)"} | found
    assert set(table[table.curve == "mask train (poe)"].sparsity) == set(SPARSITIES)
    assert list(table.columns) == COLUMNS
    assert not table.duplicated(["dataset", "curve", "sparsity", "seed"]).any()
    assert table.score.between(0, 1).all()
    assert set(zip(table.dataset, table.split, strict=True)) == {("mnli-m", "ID"), ("hans", "OOD")}


def test_the_table_of_parts_has_subsets_and_classes_beside_the_whole(
    study: Study, store: Store, table: pd.DataFrame, parts: pd.DataFrame
) -> None:
    assert list(parts.columns) == [*COLUMNS, *PARTS]
    assert not parts.duplicated(["dataset", *PARTS, "curve", "sparsity", "seed"]).any()
    whole = parts[(parts[PARTS] == ALL).all(axis="columns")].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole[COLUMNS], table)
    found = {name: set(rows[PARTS].itertuples(index=False, name=None)) for name, rows in parts.groupby("dataset")}
    classes = {(ALL, name) for name in ("entailment", "neutral", "contradiction")}
    assert found["mnli-m"] == {(ALL, ALL), *classes, ("bias-aligned", ALL), ("bias-conflicting", ALL)}
    heuristics = {(way, name) for way in HANS_HEURISTICS for name in HANS_LABELS}
    assert found["hans"] == {(ALL, ALL), *((ALL, name) for name in HANS_LABELS), *heuristics}
    pruned = next(run for run in study.runs("figure-2") if run.curve == "mask train (poe)" and run.sparsity)
    metrics = store.record(pruned.experiment)["metrics"]["hans"]
    rows = parts[(parts.key == pruned.experiment.key) & (parts.dataset == "hans")].set_index(PARTS).score
    assert rows["constituent", "non-entailment"] == metrics["subsets"]["constituent/non-entailment"]
    assert rows[ALL, "entailment"] == metrics["classes"]["entailment"]
    assert rows[ALL, ALL] == metrics["accuracy"]


def test_the_figure_has_a_panel_per_data_set_and_a_line_per_curve(study: Study, table: pd.DataFrame) -> None:
    figure = sparsity_curves(table, study.profile.title)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["ID: MNLI-m", "OOD: HANS"]
    assert all(len(axis.lines) == 6 for axis in figure.axes)
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in figure.axes[0].lines}
    wanted = table[(table.curve == "mask train (std)") & (table.dataset == "mnli-m")].sort_values("sparsity")
    assert list(drawn["mask train (std)"]) == pytest.approx(list(100 * wanted.score))


def test_summary_tables(table: pd.DataFrame, parts: pd.DataFrame) -> None:
    assert list(means(table).columns) == ["MNLI-m", "HANS"]
    assert list(means(table).index.names) == ["curve", "sparsity"]
    assert len(means(table)) == 6
    assert means(table).index.is_unique
    assert subset_means(parts, "hans").shape == (6, 6)


def test_the_heatmap_has_a_cell_per_curve_sparsity_and_subset(study: Study, parts: pd.DataFrame) -> None:
    axis = subset_heatmap(parts, "hans", study.profile.title).axes[0]
    assert len(axis.texts) == 36
    chosen = parts[(parts.curve == "full bert (std)") & (parts.subset == "constituent")]
    chosen = chosen[chosen["class"] == "entailment"]
    assert axis.texts[0].get_text() == f"{100 * chosen.score.mean():.0f}"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"profile": "huge"}, "unknown profile 'huge': choose one of smoke, pocket, small, paper"),
        ({"profile": "smoke", "tasks": ["nlu"]}, "unknown task 'nlu'"),
        ({"profile": "smoke", "tasks": "nli"}, "tasks is 'nli': give a list"),
        ({"profile": "smoke", "sparsities": [1.0]}, "sparsities: 1.0 is not a share"),
        (
            {"profile": "smoke", "sparsities": [0.0]},
            "sparsities: 0.0 is not a share of weights to remove",
        ),
        ({"profile": "smoke", "sparsities": ["0.5"]}, "sparsities: '0.5' is not a share"),
        ({"profile": "smoke", "sparsities": []}, "sparsities is"),
        ({"profile": "smoke", "seeds": [-1]}, "seeds: -1 is not a whole number"),
        ({"profile": "smoke", "seeds": [True]}, "seeds: True is not a whole number"),
        ({"profile": "smoke", "seeds": 3}, "seeds is 3: give a list"),
        ({"profile": "smoke", "seeds": [1, 1]}, "give each value once"),
        ({"profile": ["smoke"]}, "unknown profile"),
        ({"profile": "smoke", "tasks": [["nli"]]}, "unknown task"),
    ],
)
def test_impossible_choices(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(**choice)


def test_unknown_figure(study: Study) -> None:
    with pytest.raises(InputError, match="unknown figure 'figure-99'"):
        study.runs("figure-99")


def test_official_files_are_asked_for() -> None:
    study = choose("small", inputs=Inputs(device="cpu"))
    with pytest.raises(InputError, match="--data-dir or SRNET_DATA"):
        study.require_text()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("SRNET_DATA", "SRNET_PLM", "SRNET_STORE"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "srnet", *words], capture_output=True, text=True, cwd=tmp_path)

    yield call
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--profile", "huge"], "unknown profile 'huge'"),
        (["run", "--profile", "smoke", "--sparsity", "1"], "sparsities: 1.0 is not a share"),
        (["run", "--profile", "small"], "--data-dir or SRNET_DATA"),
        (["plan", "--profile", "small", "--data-dir", "nowhere"], "nowhere/MNLI/train.tsv"),
        (["plan", "--profile", "smoke", "--figure", "figure-99"], "unknown figure"),
        (["plan", "--profile", "smoke", "--plm", "."], "no model in this folder"),
        (["plan", "--profile", "smoke", "--plm", "./nowhere"], "./nowhere: no such folder"),
        (["book", "--profile", "smoke"], "the book is built inside a checkout"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(command: Any, words: list[str], message: str) -> None:
    result = command(*words)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_status_computes_nothing(command: Any) -> None:
    status = command("status", "--profile", "smoke", "--seed", "1", "--figure", "figure-2")
    assert status.stdout.count("missing") >= 66
