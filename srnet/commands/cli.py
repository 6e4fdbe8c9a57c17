"""The command line.

A command loads what computes only when it runs, so that ``--help`` and a mistyped option answer at once.
"""

import signal
import sys
import warnings
from types import FrameType

import typer

from srnet.commands import data, store
from srnet.commands.book import book
from srnet.commands.diagnose import diagnose
from srnet.commands.examples import add_examples
from srnet.commands.own import evaluate, find, fine_tune, merge, predict
from srnet.commands.plan import plan
from srnet.commands.printing import complain
from srnet.commands.reproduce import compare, reproduce
from srnet.commands.run import run, status
from srnet.errors import InputError
from srnet.terminal import spell_out, warn

HELP = (
    "Sparse and robust subnetworks of pre-trained language models: compute the study, build its book, and find "
    "subnetworks of your own model."
)
app = typer.Typer(add_completion=False, no_args_is_help=True, help=HELP, pretty_exceptions_enable=False)
for command in (run, plan, status, reproduce, compare, book, diagnose, fine_tune, find, evaluate, predict, merge):
    app.command()(command)
app.add_typer(data.pocket, name="pocket")
app.add_typer(store.app, name="store")
app.add_typer(data.app, name="data")
add_examples(app)


def main() -> None:
    """Run the command line; an error of the user's input ends it with one line and exit status 2."""
    spell_out()
    warnings.showwarning = warn
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except InputError as error:
        complain(error)
        sys.exit(2)


def _end(number: int, _: FrameType | None) -> None:
    """End as on an interrupt: workers first, which would otherwise print what they think of it."""
    sys.exit(128 + number)
