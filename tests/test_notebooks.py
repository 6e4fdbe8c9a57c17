"""The book's notebooks as a reader runs them: papermill on the smoke profile."""

import json
from pathlib import Path

import nbformat
import papermill
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = {"sparsities": [0.0, 0.7], "seeds": [1]}


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SRNET_STORE", str(tmp_path / "store"))

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
    assert list(parameters) == ["profile", "tasks", "sparsities", "seeds"]
    assert all(parameter["help"] for parameter in parameters.values())
    assert parameters["profile"]["default"] == '"smoke"'


def test_figure_2_runs_and_ends_with_its_claims(execute, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    notebook = execute(ROOT / "notebooks" / "04-2-fine-tuned.ipynb", **SMALL)
    outputs = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    assert any("image/png" in output.get("data", {}) for output in outputs["figure-2"])
    claims = outputs["claims"][0]["data"]["text/html"]
    assert "holds" in claims or "fails" in claims
    assert "cannot be tested here" in claims
    assert "numbers mean nothing" in outputs["provenance"][0]["data"]["text/markdown"]
    assert len(list((tmp_path / "store").glob("*/record.json"))) == 30


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
    execute, tmp_path: Path, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match=message):
        execute(ROOT / "notebooks" / "04-2-fine-tuned.ipynb", **parameters)
    assert not (tmp_path / "store").exists()
