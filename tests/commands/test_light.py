"""What is loaded before it is needed: looked up in `sys.modules` of a fresh process, not measured by the clock."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import srnet
from srnet.environment import Inputs
from srnet.experiments.graph import closure
from srnet.store.store import Store
from srnet.study.choice import choose

HEAVY = {"torch", "transformers", "datasets", "distributed", "dask", "numpy", "pandas", "sklearn", "scipy"}
HEAVY |= {"matplotlib", "seaborn", "fasttext", "safetensors", "pyarrow", "papermill"}
STUDY = HEAVY - {"torch", "transformers", "numpy", "safetensors", "scipy"}  # what the method core does without
UNUSED = {
    "transformers",
    "datasets",
    "sklearn",
    "scipy",
    "seaborn",
    "fasttext",
    "papermill",
}  # where every result is there

# Calls the command line with words, and after each call says which of the modules are loaded.
CALLS = """
import sys, typer.main
from typer.testing import CliRunner
from srnet.commands.cli import app

def commands(command, before=()):
    yield before
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*before, name))

every = list(commands(typer.main.get_command(app)))
calls = [[*words, more] for words in every for more in ("--help", "--nonsense")] + [["nonsense"], ["store", "nonsense"]]
for words in calls:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == (0 if "--help" in words else 2), (words, result.output, result.exception)
    print(*words, ":", *HEAVY.intersection(sys.modules))
"""
FACE = """
import sys, srnet
print("import :", *HEAVY.intersection(sys.modules))
for name in srnet.__all__:
    getattr(srnet, name)
    print(name, ":", *STUDY.intersection(sys.modules))
print("experiments :", *{"srnet.experiments", "srnet.store", "srnet.pocket"}.intersection(sys.modules))
"""
MAIN = """
import runpy, sys
sys.argv = ["srnet", "--help"]
try:
    runpy.run_module("srnet", run_name="__main__")
finally:
    print("main :", *HEAVY.intersection(sys.modules))
"""
# Calls commands on a store that has all that Figure 2 of the smallest study needs.
CALLS_ON_STORE = """
import sys
from typer.testing import CliRunner
from srnet.commands.cli import app

of_figure = ["--profile", "smoke", "--task", "nli", "--figure", "figure-2"]
calls = [(["store", "list"], HEAVY), (["store", "verify"], HEAVY)]
calls += [([name, *of_figure], UNUSED | {"pandas", "matplotlib"}) for name in ("run", "status", "plan")]
for words, unwanted in calls:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, (words, result.output, result.exception)
    print(*words, ":", *unwanted.intersection(sys.modules))
"""
CHAPTER = """
import sys, srnet.book, srnet.figures
print("chapter :", *UNUSED.intersection(sys.modules))
"""


def said(program: str) -> list[str]:
    program = f"HEAVY, STUDY, UNUSED = {HEAVY!r}, {STUDY!r}, {UNUSED!r}\n{program}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with records, as if all had been computed."""
    store = Store(tmp_path_factory.mktemp("store"))
    for experiment in closure(choose("smoke", ["nli"], inputs=Inputs()).experiments(["figure-2"])):
        with store.writing(experiment):
            pass
    return store.root


@pytest.mark.parametrize(
    ("program", "least"),
    [(CALLS, 30), (FACE, 20), (MAIN, 1), (CALLS_ON_STORE, 5), (CHAPTER, 1)],
    ids=["commands", "face", "main", "store", "chapter"],
)
def test_nothing_is_loaded_before_it_is_needed(
    program: str, least: int, complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRNET_STORE", str(complete))
    for name in ("SRNET_BELOW", "SRNET_DATA", "SRNET_PLM", "SRNET_VECTORS"):
        monkeypatch.delenv(name, raising=False)
    lines = [line.partition(" :") for line in said(program) if " :" in line]
    assert len(lines) >= least
    assert {what: modules for what, _, modules in lines if modules} == {}


def test_the_face_names_what_is_there_and_nothing_else() -> None:
    for name in srnet.__all__:
        assert getattr(srnet, name).__name__ == name
    assert set(srnet.__all__) <= set(dir(srnet))
    with pytest.raises(AttributeError, match="module 'srnet' has no attribute 'Mosk'"):
        srnet.Mosk  # type: ignore[attr-defined]  # noqa: B018
    assert srnet.__all__ == sorted(srnet.__all__)


def test_the_face_is_the_same_for_type_checkers() -> None:
    checked = next(node for node in ast.parse(Path(srnet.__file__).read_text()).body if isinstance(node, ast.If))
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    names = {alias.name: node.module for node in imports for alias in node.names}
    assert sorted(names) == srnet.__all__
    assert names == srnet._MODULE
