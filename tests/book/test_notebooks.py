"""The book's notebooks as a reader runs them: papermill on the smoke profile."""

import ast
import json
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from matplotlib.figure import Figure
from stores import MACHINE, made_up

from srnet.book.chapter import PARAMETERS, Chapter, open_chapter, without_places
from srnet.environment import BELOW, MANIFEST, Inputs
from srnet.environment import SAMPLE as SAMPLE_FOLDER
from srnet.errors import InputError
from srnet.experiments.expressions import Pretrained
from srnet.experiments.graph import closure
from srnet.store.publishing import publish
from srnet.store.records import same_results
from srnet.store.store import Store
from srnet.study.choice import COLUMNS, choose
from srnet.study.sample import CHAIN, chain

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TUTORIAL = ROOT / "notebooks" / "E2-your-own-data.ipynb"
EXECUTED = sorted((ROOT / "build" / "book" / "src" / "notebooks").glob("*.ipynb"))
SAMPLE = ROOT / "build" / "book" / "sample"
SMALL = {"tasks": ["nli"], "sparsities": [0.5, 0.7], "seeds": [1]}


@pytest.fixture
def execute(tmp_path_factory: pytest.TempPathFactory, worker_id: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Execute a notebook; what one has computed is there for the others, in whichever process they are tested."""
    shared = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("SRNET_STORE", str((shared if worker_id == "master" else shared.parent) / "store"))

    def run(notebook: Path, **parameters: object) -> nbformat.NotebookNode:
        return papermill.execute_notebook(
            str(notebook), None, parameters, kernel_name="python3", cwd=str(ROOT), progress_bar=False
        )

    return run


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_sources_carry_no_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_explained(notebook: Path) -> None:
    parameters = papermill.inspect_notebook(str(notebook))
    assert list(parameters) == (["profile", "sparsity"] if notebook == TUTORIAL else list(PARAMETERS))
    assert all(parameter["help"] for parameter in parameters.values())
    assert all(parameter["inferred_type_name"] in ("str", "list", "float") for parameter in parameters.values())
    assert parameters["profile"]["default"] == '"smoke"'


@pytest.mark.parametrize("name", ["04-5-unbiased", "C5-other-plms"])  # the first has figures of other tasks
def test_notebook_runs_with_parameters(execute, name: str) -> None:  # type: ignore[no-untyped-def]
    notebook = execute(ROOT / "notebooks" / f"{name}.ipynb", **SMALL)
    check_outputs(notebook, {"figure-s2": "none of the chosen tasks"})


@pytest.mark.skipif(not EXECUTED, reason="there is no book: make book")
@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.stem)
def test_notebook_of_the_book_shows_its_figures_and_claims(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    check_outputs(notebook, {} if SAMPLE.is_dir() else {"sample": "could be held against"})


def check_outputs(notebook: nbformat.NotebookNode, elsewhere: dict[str, str]) -> None:
    """Check that figures are drawn, or why not is said as `elsewhere` has it by name, and that there are verdicts."""
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for name, cell in cells.items():
        data = [output.get("data", {}) for output in cell.outputs]
        drawn = re.search(r'chapter\.draw\("([^"]*)"', cell.source)
        if drawn or cell.metadata.get("mystnb", {}).get("figure"):
            words = elsewhere.get(drawn[1] if drawn else name)
            form = "text/markdown" if words else "image/png"
            assert any((words or "") in each.get(form, "") for each in data if form in each), name
        elif name == "claims":
            assert any(re.search("holds|fails", each.get("text/html", "")) for each in data)
        elif name == "provenance":
            assert "**What these results are:** profile" in data[0]["text/markdown"]


def test_a_notebook_alone_computes_what_its_figure_needs_and_nothing_else(  # type: ignore[no-untyped-def]
    execute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SRNET_STORE", str(tmp_path / "store"))
    execute(ROOT / "notebooks" / "C4-ablation.ipynb", profile="smoke", tasks=["nli"], seeds="[1]")
    needed = closure(choose("smoke", ["nli"], seeds=[1]).experiments(["table-5"]))
    kept = [each.key for each in needed if not isinstance(each, Pretrained)]
    assert sorted(Store(tmp_path / "store").keys()) == sorted(kept)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"profiel": "pocket"}, "unknown notebook parameter profiel"),
        ({"profile": "huge"}, "unknown profile 'huge'"),
        ({"sparsities": [1.5]}, "sparsities: 1.5 is not a share"),
        ({"tasks": ["nlu"]}, "unknown task 'nlu'"),
    ],
)
def test_bad_parameters_stop_a_notebook_before_it_computes(  # type: ignore[no-untyped-def]
    execute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parameters: dict[str, object], message: str
) -> None:
    monkeypatch.setenv("SRNET_STORE", str(tmp_path / "untouched"))
    with pytest.raises(papermill.PapermillExecutionError, match=message):
        execute(ROOT / "notebooks" / "04-2-fine-tuned.ipynb", **parameters)
    assert not (tmp_path / "untouched").exists()


def test_the_tutorial_takes_few_lines() -> None:
    cells = nbformat.read(TUTORIAL, as_version=4).cells
    until = next(index for index, cell in enumerate(cells) if cell.source.startswith("## The same from the command"))
    shown = [cell.source for cell in cells[:until] if cell.cell_type == "code" and not cell.metadata.get("tags")]
    statements = [statement for source in shown for statement in ast.parse(source).body]
    assert "merge" in shown[-2]
    assert len(statements) <= 20


def test_open_chapter_takes_the_notebooks_parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SRNET_STORE", str(tmp_path))
    chapter = open_chapter({"profile": "pocket", "tasks": ["fact"], "sparsities": None, "seeds": [3, 4]})
    assert (chapter.study.profile.name, chapter.study.tasks, chapter.study.seeds) == ("pocket", ("fact",), (3, 4))
    assert chapter.repetitions == "2 seeds"
    assert list(chapter.full_models) == ["fact"]
    assert (chapter.full_models["fact"].seed, chapter.full_models["fact"].loss) == (3, "std")
    texts = {"profile": "pocket", "tasks": "['fact']", "sparsities": "[0.5]", "seeds": "[3, 4]"}
    assert open_chapter(texts).study == replace(chapter.study, sparsities=(0.5,))
    with pytest.raises(InputError, match=r"seeds is '\[1, 2': give a list"):
        open_chapter({**texts, "seeds": "[1, 2"})
    with pytest.raises(InputError, match="unknown notebook parameter seedz"):
        open_chapter({**dict.fromkeys(PARAMETERS), "profile": "pocket", "In": ["# Parameters\nseedz = [1]"]})


def test_chapter_says_why_a_figure_is_not_there_and_computes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert Chapter(choose("smoke", ["nli"]), store).lacks("figure-4") == ""
    assert "none of the chosen tasks, nli" in Chapter(choose("smoke", ["nli"]), store).lacks("figure-s2")
    chapter = Chapter(choose("small", ["nli"]), store)
    assert "small leaves out Table 6" in chapter.lacks("table-6")
    with pytest.raises(InputError, match="leaves out Table 6"):
        chapter.table("table-6")
    given: list[object] = []
    chapter.scores("table-6", lambda table: given.append(table) or pd.DataFrame())  # type: ignore[func-returns-value]
    assert given == [None]  # of which a table makes the paper's values
    chapter.scores("table-6")
    chapter.draw("table-6", lambda table, source: pytest.fail("there is nothing to draw"))
    assert "None of the paper's findings" in chapter.claims("table-6", "figure-s2").data
    assert chapter.records("table-6").empty
    assert not (tmp_path / "store").exists()


def test_what_came_without_its_files_is_computed_beside_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("srnet.executor.workers.places", lambda device: 1)
    study = choose("smoke", ["nli"], seeds=[1], inputs=Inputs(device="cpu"))
    full, own = study.setting("nli", 1).full(), Store(tmp_path / "own")
    assert Chapter(study, own).with_files(full) is own
    assert own.whole(full)
    record = tmp_path / "records" / full.key / "record.json"
    record.parent.mkdir(parents=True)
    record.write_bytes((own.folder(full) / "record.json").read_bytes())
    above = Store(tmp_path / "above", [tmp_path / "records"])
    chapter = Chapter(study, above)
    found = chapter.with_files(full)
    assert same_results(found.record(full), above.record(full))
    assert found.whole(full)
    assert not above.root.exists()
    del chapter
    assert not found.root.exists()


def test_the_page_on_reproduction_tells_what_is_published_and_how_a_sample_compares(  # type: ignore[no-untyped-def]
    execute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study = choose("smoke", ["nli", "fact"], [0.7], inputs=Inputs(device="cpu"))
    figures = list(dict.fromkeys(CHAIN.values()))
    store = made_up(tmp_path / "store", study, figures, lambda run, dataset: 0.5 + 0.01 * run.seed)
    runs = [run for task in study.tasks for seed in study.seeds for run in chain(study, task, seed)]
    publish([run.experiment for run in runs], store, tmp_path / "records", "smoke", study.seeds)
    notebook, choice = ROOT / "notebooks" / "reproduction.ipynb", {"tasks": list(study.tasks)}

    def shown() -> dict[str, str]:
        cells = execute(notebook, **choice).cells
        return {cell.id: json.dumps(cell.outputs) for cell in cells if cell.cell_type == "code"}

    monkeypatch.setenv(BELOW, str(tmp_path / "records"))
    alone = shown()
    for words in ("records", "smoke", MACHINE["processor"], version("torch")):
        assert words in alone["published"]
    for name in ("outcome", "sample", "tests", "scores"):
        assert "No sample is at hand" in alone[name]
    made_up(tmp_path / "sample", replace(study, seeds=(1,)), figures, lambda run, dataset: 0.6)
    monkeypatch.setenv(SAMPLE_FOLDER, str(tmp_path / "sample"))
    beside = shown()
    assert "8 experiments computed anew, 20 scores" in beside["outcome"]
    assert "20 scores differ although" in beside["outcome"]
    assert "image/png" in beside["sample"]
    assert "+9.00" in beside["scores"]
    assert beside["tests"].count("not shown: p = 0.33") == 2 * 3  # as text and as HTML


def test_a_notebook_says_where_its_results_lie_wherever_it_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SRNET_STORE", "SRNET_BELOW"):
        monkeypatch.delenv(name, raising=False)
    parameters = {"profile": "smoke", "tasks": None, "sparsities": None, "seeds": None}
    notebook = nbformat.v4.new_notebook()
    code = f"from srnet.book import open_chapter\nopen_chapter(globals() | {parameters}).repetitions"
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    found = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), None, kernel_name="python3", cwd=str(tmp_path), progress_bar=False
    )
    places, result = (each["data"]["text/plain"] for each in found.cells[0].outputs)
    published = ", ".join(str(path.parent) for path in sorted((ROOT / "results").glob(f"*/{MANIFEST}")))
    assert places == f"Results are kept in {ROOT / 'store'}, and also read from {published}."
    assert not (tmp_path / "store").exists()
    without_places(found)  # as in the book, which is the same on every machine
    assert [each["data"]["text/plain"] for each in found.cells[0].outputs] == [result]


def test_chapter_reads_a_table_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("srnet.study.choice.Study.table", lambda *_: pd.DataFrame(columns=COLUMNS))
    chapter = Chapter(choose("smoke"), Store(tmp_path))
    chapter.draw("figure-2", lambda table, source: Figure())
    assert chapter.table("figure-2") is chapter.table("figure-2")
