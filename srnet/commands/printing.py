"""How the commands print."""

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

console = Console()


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is, whatever its length and signs."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def complain(error: Exception) -> None:
    """Print an error on stderr."""
    Console(stderr=True).print(f"error: {error}", style="bold red", soft_wrap=True, markup=False, highlight=False)


def show(columns: list[str], rows: list[list[str]], right: tuple[str, ...] = ()) -> None:
    """Print a table: as wide as the terminal, or, into a file or a pipe, with one line for each row.

    Args:
        columns: their titles.
        rows: texts, printed as they are.
        right: titles of the columns that hold numbers.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        number = column in right
        whole = number or column == "key"
        table.add_column(column, justify="right" if number else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    (console if console.is_terminal else Console(width=100_000)).print(table)


def size(count: int) -> str:
    """Return a number of bytes as a person reads it, such as "1.2 MB"."""
    return decimal(count)


def duration(seconds: float) -> str:
    """Return seconds as a person reads them, such as "2 h 05 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60:02d} min"
