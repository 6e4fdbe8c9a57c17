"""What is loaded before it is needed: looked up in `sys.modules` of a fresh process, not measured by the clock."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import srnet

HEAVY = {"torch", "transformers", "datasets", "distributed", "dask", "numpy", "pandas", "sklearn", "scipy"}
HEAVY |= {"matplotlib", "seaborn", "fasttext", "safetensors", "pyarrow", "papermill"}
STUDY = HEAVY - {"torch", "transformers", "numpy", "safetensors", "scipy"}  # what the method core does without

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


def said(program: str) -> list[str]:
    program = f"HEAVY, STUDY = {HEAVY!r}, {STUDY!r}\n{program}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )


@pytest.mark.parametrize(("program", "least"), [(CALLS, 30), (FACE, 20), (MAIN, 1)], ids=["commands", "face", "main"])
def test_nothing_is_loaded_before_it_is_needed(program: str, least: int) -> None:
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
