"""Commands about the store of results: list, verify, show, publish, delete."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from srnet.commands.options import Below, Choice, Figures, Places, StoreFolder, Tasks, a_path, grouped
from srnet.commands.printing import console, duration, say, show, size
from srnet.errors import InputError
from srnet.files import check_target

if TYPE_CHECKING:
    from srnet.store.store import Store

app = typer.Typer(no_args_is_help=True, help="The store of results: what is in it, and whether it is whole.")


@dataclass(frozen=True)
class Row:
    """Something in the store: its state, key and title, where it lies, how long it took, and when it was finished."""

    state: str  # "done", "failed", "unfinished", "damaged" or "set aside"
    key: str
    title: str
    path: Path
    seconds: float | None = None
    finished: str = ""

    @property
    def bytes(self) -> int:
        """How much room it takes."""
        return _bytes(self.path)


@dataclass(frozen=True)
class Part:
    """A part of the study, or everything in the store."""

    profile: Annotated[str | None, typer.Option("--profile", help="Only what this profile needs.")] = None
    figure: Figures = None
    task: Tasks = None

    def of(self, rows: Sequence[Row], places: Places, alone: bool = False) -> list[Row]:
        """Return the rows of experiments that this part needs; if asked, less those that other figures need too."""
        if self.profile is None:
            if self.figure or self.task:
                raise InputError("--figure and --task choose from a profile: give --profile too")
            return list(rows)
        from srnet.experiments.graph import closure
        from srnet.study.choice import choose

        study = choose(self.profile, self.task, inputs=places.inputs)
        study.require_text()
        titles = {each.key: each.title for each in closure(study.experiments(self.figure))}
        found = [replace(row, title=row.title or titles[row.key]) for row in rows if row.key in titles]
        others = [figure for figure in study.figures if self.figure and figure not in self.figure] if alone else []
        shared = {each.key for each in closure(study.experiments(others))}
        if count := sum(row.key in shared for row in found):
            say(f"{count} kept: other figures of profile {self.profile} need them too")
        return [row for row in found if row.key not in shared]


@app.command("list")
@grouped
def list_(part: Part, places: Places) -> None:
    """List what is in the store: results, failures, unfinished experiments and what was set aside."""
    _show(part.of(_contents(places.results()), places))


@app.command()
def verify(
    key: Annotated[
        list[str] | None, typer.Argument(help="Only these results; the beginnings of their keys do.")
    ] = None,
    store: StoreFolder = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Move damaged results to damaged/, so that they are computed anew.")
    ] = False,
) -> None:
    """Read every file of the results and compare it with its checksum; exit with 1 if any is not what was written."""
    results = Places(store).results()
    keys = [_find(results.keys(), beginning, results.root) for beginning in key] if key else results.keys()
    damaged = _damaged(results, keys)
    for name, problem in damaged.items():
        say(f"{name}: {problem}", style="red")
    if damaged and set_aside:
        results.check_writable()
    moved = [name for name in damaged if set_aside and results.set_aside(name)]
    say(f"{len(keys)} results read, {len(damaged)} damaged" + (f", {len(moved)} set aside" if set_aside else ""))
    if damaged:
        raise typer.Exit(1)


@app.command("show")
def show_(
    key: Annotated[str, typer.Argument(help="Key of a result; its beginning does.")],
    store: StoreFolder = None,
    below: Below = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as it is.")] = False,
) -> None:
    """Show what is recorded of a result: expression, scores, cost, software, files, and what it needs."""
    results = Places(store, below).results()
    keys = {*results.keys(), *results.keys_below()}
    record = results.read(_find(keys, key, results.root))
    if as_json:
        print(json.dumps(record, indent=1))  # in ASCII, which every terminal and program reads
        return
    say(f"{record['title']}\n{record['key']}\n")
    scores = [[name, *cells] for name, metrics in record.get("metrics", {}).items() for cells in _flat(metrics)]
    if scores:
        show(["data set", "measure", "value"], scores, right=("value",))
    say("\ncost")
    for name in ("seconds", "finished", "resumed", "machine", "steps", "tokens", "padding", "sparsity"):
        if name in record:
            say(f"  {name}: {_plain(record[name])}")
    say(f"\nsoftware\n  {_plain(record['software'])}\n\nfiles")
    for name, about in record["files"].items():
        say(f"  {name}  {size(about['bytes'])}  sha256 {about['sha256']}")
    say("\nneeds")
    for operand in record["operands"]:
        say(f"  {operand}  {results.read(operand)['title'] if operand in keys else 'not in the store'}")


@app.command("publish")
@grouped
def publish_(
    folder: Annotated[
        Path, typer.Argument(parser=a_path, help="Where to write the files; older ones of the same name give way.")
    ],
    choice: Choice,
    places: Places,
) -> None:
    """Write records and predictions of a part of the study to a folder that can be shared: one file for each task."""
    from srnet.experiments.graph import closure
    from srnet.store.publishing import publish

    check_target(folder)
    study = choice.study(places)
    study.require_text()
    experiments = closure(study.experiments(choice.figure))
    manifest = publish(experiments, places.results(), folder, study.profile.name, study.seeds)
    for name, about in manifest["files"].items():
        say(f"{folder / name}  {size(about['bytes'])}")
    say(f"{manifest['results']:,} results published, which took {manifest['hours']:.1f} hours")


@app.command()
@grouped
def delete(
    part: Part,
    places: Places,
    failed: Annotated[bool, typer.Option("--failed", help="Only records of failures.")] = False,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only what interrupted experiments saved.")] = False,
    damaged: Annotated[bool, typer.Option("--damaged", help="Only damaged results, set aside or not.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete what a part of the study needs; or, there or in the whole store, what failed, is unfinished or damaged.

    What other figures of the profile need is kept, and what is being computed. Read-only folders are not touched.
    """
    chosen = {"failed": failed, "unfinished": unfinished, "damaged": damaged, "set aside": damaged}
    if part == Part() and not any(chosen.values()):
        raise InputError("say what to delete: --profile, --failed, --unfinished or --damaged")
    store = places.results()
    store.clear_up()
    rows = [row for row in _contents(store) if chosen.get(row.state) or not any(chosen.values())]
    rows = part.of(rows, places, alone=True)
    if not rows:
        say("nothing to delete")
        return
    _show(rows)
    if not yes and not _can_ask():
        raise InputError("there is no terminal to ask on: nothing is deleted without --yes")
    if not yes and not typer.confirm(f"Delete all {len(rows)} from {store.root}?"):
        raise typer.Exit(1)
    takes = {row: row.bytes for row in rows}
    gone = [row for row in rows if _deleted(store, row)]
    left = f", {len(rows) - len(gone)} left: another process is computing them" if len(gone) < len(rows) else ""
    say(f"{len(gone)} deleted, {size(sum(takes[row] for row in gone))}{left}")


def _contents(store: "Store") -> list[Row]:
    """Return all that is in the local folder, sorted by state and title."""
    rows = [_result(store, key) for key in store.keys()]  # noqa: SIM118
    for key, record in store.failures().items():
        rows.append(Row("failed", key, record["title"], store.failure_file(key), None, record.get("finished", "")))
    rows += [Row("unfinished", key, "", store.root / "unfinished" / key) for key in store.unfinished()]
    rows += [Row("set aside", folder.name[:20], "", folder) for folder in store.aside()]
    return sorted(rows, key=lambda row: (row.state, row.title, row.key))


def _result(store: "Store", key: str) -> Row:
    from srnet.store.store import DamagedError

    try:
        record = store.read(key)
    except DamagedError as error:
        return Row("damaged", key, error.problem, store.root / key)
    return Row("done", key, record["title"], store.root / key, record["seconds"], record["finished"])


def _show(rows: Sequence[Row]) -> None:
    cells = []
    for row in rows:
        took = "" if row.seconds is None else duration(row.seconds)
        finished = row.finished.replace("T", " ").rstrip("Z")
        cells.append([row.state, row.title, row.key, took, size(row.bytes), finished])
    if cells:
        show(["state", "experiment", "key", "took", "size", "finished (UTC)"], cells, right=("took", "size"))
    counts = [f"{count:,} {state}" for state, count in Counter(row.state for row in rows).items()]
    seconds, takes = sum(row.seconds or 0 for row in rows), sum(row.bytes for row in rows)
    say(", ".join([*counts, f"{duration(seconds)} in all", size(takes)]))


def _find(keys: Iterable[str], beginning: str, root: Path) -> str:
    """Return the one key that begins so."""
    found = sorted(key for key in keys if key.startswith(beginning))
    if not found:
        raise InputError(f"{root}: no result whose key begins with {beginning!r}; `srnet store list` lists them")
    if len(found) > 1:
        raise InputError(f"{beginning!r} begins {len(found)} keys, such as {found[0]} and {found[1]}: give more of it")
    return found[0]


def _damaged(store: "Store", keys: Sequence[str]) -> dict[str, str]:
    """Return what is wrong with those results that are not what was written."""
    from srnet.store.store import DamagedError

    damaged = {}
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    sizes = {key: store.size(key) for key in keys}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=sum(sizes.values()))
        for key in keys:
            try:
                store.verify(key)
            except DamagedError as error:
                damaged[key] = error.problem
            bar.advance(task, sizes[key])
    return damaged


def _flat(metrics: Mapping[str, Any], before: str = "") -> list[list[str]]:
    """Return nested metrics as pairs of a name and a number."""
    cells = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            cells += _flat(value, f"{before}{name} ")
        else:
            cells.append([f"{before}{name}", f"{value:,}" if isinstance(value, int) else f"{value:.4f}"])
    return cells


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _deleted(store: "Store", row: Row) -> bool:
    """Delete something, unless another process is computing it."""
    try:
        if row.state in ("done", "damaged", "unfinished"):
            return store.remove(row.key, only_unfinished=row.state == "unfinished")
        if row.state == "failed":
            store.forget_failure(row.key)
        else:
            shutil.rmtree(row.path)
    except OSError as error:
        raise InputError(f"{row.path}: cannot be deleted: {error.strerror}") from error
    return True


def _bytes(path: Path) -> int:
    walked = os.walk(path)  # of a file it yields nothing, and it minds no folder that a running study removes
    files = [Path(folder) / name for folder, _, names in walked for name in names] or [path]
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total
