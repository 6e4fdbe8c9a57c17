"""The help of every command ends with an example, which the command line understands."""

import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from srnet.commands.cli import app
from srnet.commands.examples import EXAMPLES


def commands() -> dict[str, Any]:
    """Return all commands by name."""
    found, groups = dict[str, Any](), list[tuple[str, Any]]([("", typer.main.get_group(app))])
    for before, group in groups:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                groups.append((f"{before}{name} ", command))
            else:
                found[before + name] = command
    return found


def test_every_command_has_an_example_and_no_other() -> None:
    assert sorted(commands()) == sorted(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_ends_with_an_example_that_can_be_typed(name: str) -> None:
    told = CliRunner().invoke(app, [*name.split(), "--help"]).output
    assert " ".join(told.split()).endswith(f"Example: srnet {name} {EXAMPLES[name]}")
    commands()[name].make_context(name, shlex.split(EXAMPLES[name])).close()
