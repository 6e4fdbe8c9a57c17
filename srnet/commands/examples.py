"""An example of each command, which its ``--help`` ends with."""

import typer

_TEXTS = "--text premise --text hypothesis --label label"
_TABLES = f"--train train.csv --dev dev.csv {_TEXTS}"
EXAMPLES = {
    "run": "--profile pocket --figure figure-2 --task nli --seed 1 --workers 2",
    "plan": "--profile small --data-dir data --on 8",
    "status": "--profile pocket --figure figure-2 --task nli",
    "reproduce": "--profile pocket --figure figure-2 --task nli --seed 1",
    "compare": "reproduction results/pocket --figure figure-2",
    "book": "--profile pocket",
    "diagnose": f"{_TABLES} --bias overlap",
    "fine-tune": f"--model bert-base-uncased {_TABLES} --out my-model",
    "find": f"--model my-model {_TABLES} --bias overlap --out found",
    "evaluate": "--subnetwork found --data hans=hans.csv --subset heuristic",
    "predict": "--subnetwork found --data new.csv --out classes.csv",
    "merge": "--subnetwork found --out my-sparse-model",
    "pocket pretrain": "--out my-pocket",
    "pocket export": "--out world",
    "store list": "--profile pocket --task nli",
    "store show": "3f9a1c --json",
    "store verify": "--set-aside",
    "store publish": "results/pocket --profile pocket --seed 1",
    "store delete": "--failed",
    "data fetch": "nli data",
    "data check": "data --task nli",
}
"""By name of the command, what follows it."""


def add_examples(app: typer.Typer, before: str = "") -> None:
    """Have each command's help end with its example.

    Args:
        app: the commands.
        before: what comes before their names, if they are a group's.
    """
    for command in app.registered_commands:
        assert command.callback
        name = before + (command.name or command.callback.__name__.replace("_", "-"))
        command.epilog = f"Example: srnet {name} {EXAMPLES[name]}"
    for group in app.registered_groups:
        assert group.typer_instance
        add_examples(group.typer_instance, f"{before}{group.name} ")
