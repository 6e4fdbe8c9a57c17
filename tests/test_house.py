"""The files around the code agree with each other: requirements, lock, conda environment, citation."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [
    Requirement(line)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in group
]
LOCK = (ROOT / "requirements.lock").read_text().splitlines()
PINS = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LOCK)}
CONDA_NAMES = {"torch": "pytorch"}


def test_lock_holds_names_and_versions_only_and_is_sorted() -> None:
    assert [line for line in LOCK if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9a-z.]+", line)] == []
    names = [line.partition("==")[0].upper() for line in LOCK]
    assert names == sorted(names)
    assert "SRNET" not in names


def test_lock_pins_what_is_declared() -> None:
    for requirement in DECLARED:
        assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)]), requirement


def test_lock_pins_everything_that_is_needed() -> None:
    needed, todo = set(), [requirement for requirement in DECLARED if requirement.name != "torch"]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in needed:
                continue
            needed.add((name, extra))
            try:
                found = [Requirement(line) for line in requires(name) or ()]
            except PackageNotFoundError:
                pytest.fail(f"{name} is not installed: make env")
            todo += [other for other in found if other.marker is None or other.marker.evaluate({"extra": extra})]
    tools = {"setuptools", "wheel"}  # `pip freeze` leaves them out
    assert {name for name, _ in needed} <= PINS.keys() | tools


def test_conda_environment_mirrors_the_declared_requirements() -> None:
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    mirrored = {
        requirement.name: requirement.specifier for requirement in (Requirement(line) for line in [*conda, *pip["pip"]])
    }
    assert mirrored.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert mirrored.pop("pip") == SpecifierSet()
    assert mirrored == {CONDA_NAMES.get(each.name, each.name): each.specifier for each in DECLARED}


def test_citation_is_of_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert (ROOT / "LICENSE").read_text().split()[:2] == ["Apache", "License"]


def test_api_reference_has_every_module() -> None:
    """Rooms and their files, but for the command line, and for drawings and generators, which nobody calls directly."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "srnet").rglob("[a-z]*.py")]
    inside = {"commands", "figures", "claims", "pocket"}
    modules = {".".join(path.parts[1:]) for path in paths if path.parts[1] not in inside}
    rooms = {path.parent.name for path in (ROOT / "srnet").glob("*/__init__.py")} - {"commands"}
    listed = re.findall(r"automodule:: srnet\.([\w.]+)$", (ROOT / "book" / "api.md").read_text(), re.MULTILINE)
    assert len(set(listed)) == len(listed)
    assert modules | rooms == {name for name in listed if name in rooms or name.partition(".")[0] not in inside} | {
        "files"
    }
