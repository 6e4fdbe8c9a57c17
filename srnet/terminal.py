"""What is said reaches any terminal, file or pipe, whatever letters it knows, and in the program's own words."""

import io
import sys

from rich.console import Console

_said: set[str] = set()


def spell_out() -> None:
    r"""Let stdout and stderr write a letter that their encoding lacks as its escape, such as ``\u03b8``.

    Titles have Greek letters, and a user's own names and text may have any; no command ends for want of one.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a notebook's streams are of another kind, and lack none
            stream.reconfigure(errors="backslashreplace")


def warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning on stderr, once, as one line without a place in the code (`warnings.showwarning`)."""
    text = " ".join(str(message).split())
    if text not in _said:
        _said.add(text)
        Console(stderr=True).print(f"warning: {text}", style="yellow", soft_wrap=True, markup=False, highlight=False)
