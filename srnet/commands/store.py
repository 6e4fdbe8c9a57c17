"""Commands about the store of results."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from srnet.commands.needs import Needs, Part, needs, only_for
from srnet.commands.options import Below, Figures, Places, Seeds, StoreFolder, Tasks, grouped
from srnet.commands.printing import console, duration, say, show, size
from srnet.errors import InputError
from srnet.experiments import closure
from srnet.store import RECORD, DamagedError, Store
from srnet.study import Study, choose

app = typer.Typer(no_args_is_help=True, help="The store of results: what is in it, whether it is whole, what it takes.")

KINDS = {"weights": "weights", "mask": "masks", "logits": "logits", RECORD: "records"}  # by how a file's name begins


@dataclass(frozen=True)
class Selection:
    """A part of the study, or everything in the store."""

    profile: Annotated[str | None, typer.Option("--profile", help="Only what this profile needs.")] = None
    figure: Figures = None
    task: Tasks = None
    seed: Seeds = None

    def study(self, places: Places) -> Study | None:
        """Return that part of the study, None for everything."""
        if self.profile is None:
            if self.figure or self.task or self.seed:
                raise InputError("--figure, --task and --seed choose from a profile: give --profile too")
            return None
        study = choose(self.profile, self.task, None, self.seed, places.inputs)
        study.require_text()
        return study


@dataclass(frozen=True)
class Row:
    """Something in the store.

    Attributes:
        state: "done", "damaged", "failed", "unfinished" or "set aside".
        key: of its experiment.
        title: of its experiment.
        path: where it lies.
        seconds: what it took to compute; None for what is not done.
        finished: when.
    """

    state: str
    key: str
    title: str
    path: Path
    seconds: float | None = None
    finished: str = ""

    @property
    def bytes(self) -> int:
        """How much room it takes."""
        return _bytes(self.path)


@app.command("list")
@grouped
def list_(selection: Selection, places: Places) -> None:
    """List what is in the store: results, failures, unfinished experiments and what was set aside."""
    kept, study = places.results(), selection.study(places)
    rows = _contents(kept, places)
    if study:
        wanted = {experiment.key for experiment in closure(study.experiments(selection.figure))}
        rows = [row for row in rows if row.key in wanted]
    _show(rows)


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
    kept = Places(store).results()
    keys = [_find(kept.keys(), beginning, kept.root) for beginning in key] if key else kept.keys()
    damaged = _damaged(kept, keys)
    for name, problem in damaged.items():
        say(f"{name}: {problem}", style="red")
    moved = [name for name in damaged if set_aside and kept.set_aside(name)]
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
    """Show what is recorded of a result: expression, scores, cost, software, files, what it needs and what needs it."""
    kept = Places(store, below).results()
    layers = [Store(folder) for folder in (kept.root, *kept.below)]
    record = kept.read(_find({name for layer in layers for name in layer.keys()}, key, kept.root))  # noqa: SIM118
    if as_json:
        print(json.dumps(record, indent=1, ensure_ascii=False))
    else:
        _describe(record, [other for layer in layers for other in _records(layer)])


@app.command()
@grouped
def prune(
    selection: Selection,
    places: Places,
    failed: Annotated[bool, typer.Option("--failed", help="Delete records of failures.")] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Delete what interrupted experiments saved.")
    ] = False,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Delete damaged results that were set aside.")] = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="Delete results that no profile needs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the results of a part of the study, or what the options name, there or in the whole store.

    What the rest of the profile needs is kept, and what is being computed. Read-only folders are not touched.
    """
    kept, study = places.results(), selection.study(places)
    kept.sweep()
    chosen = {"failed": failed, "unfinished": unfinished, "set aside": set_aside}
    states = [state for state, given in chosen.items() if given]
    if study and orphans:
        raise InputError("--orphans are results that no profile needs: leave --profile out")
    if not (study or orphans or states):
        raise InputError("say what to delete: --profile, --failed, --unfinished, --set-aside or --orphans")
    rows = _contents(kept, places)
    doomed = [row for row in rows if row.state in states]
    if study:
        doomed = _of_part(doomed if states else rows, study, selection.figure)
    if orphans:
        doomed += _orphans(kept, rows, needs(places.inputs))
    _delete(kept, doomed, yes)


@app.command()
@grouped
def disk(places: Places) -> None:
    """Say how much room the store takes, by part of the study and by kind of file, and how much is free."""
    kept = places.results()
    if not kept.root.is_dir():
        raise InputError(f"{kept.root}: no such folder; give the folder of results with --store or SRNET_STORE")
    found, counts, takes = needs(places.inputs), Counter[Part](), Counter[Part]()
    for key in kept.keys():  # noqa: SIM118
        part = _place(found.parts.get(key, set()))
        counts[part] += 1
        takes[part] += kept.size(key)
    rows = [[*part, f"{counts[part]:,}", size(takes[part])] for part in sorted(takes)]
    show(["profile", "figure", "task", "results", "size"], rows, right=("results", "size"))
    _say_untold(found)
    console.print()
    kinds = _kinds(kept)
    show(["kind", "size"], [[kind, size(room)] for kind, room in kinds.items() if room], right=("size",))
    free = size(shutil.disk_usage(kept.root).free)
    say(f"\n{size(sum(kinds.values()))} in {kept.root}, {free} free on its disk")


def _contents(kept: Store, places: Places) -> list[Row]:
    """Return all that is in the local folder, sorted by state and title."""
    rows, titles = [_result(kept, key) for key in kept.keys()], {}  # noqa: SIM118
    for key, record in kept.failures().items():
        titles[key] = record["title"]
        rows.append(Row("failed", key, record["title"], kept.failure_file(key), None, record.get("finished", "")))
    left = [("unfinished", kept.root / "unfinished" / key) for key in kept.unfinished()]
    left += [("set aside", folder) for folder in kept.aside()]
    if left:
        titles = needs(places.inputs).titles | titles
    for state, path in left:
        key = path.name[:20]
        rows.append(Row(state, key, titles.get(key, ""), path))
    return sorted(rows, key=lambda row: (row.state, row.title, row.key))


def _result(kept: Store, key: str) -> Row:
    try:
        record = kept.read(key)
    except DamagedError as error:
        return Row("damaged", key, error.problem, kept.root / key)
    return Row("done", key, record["title"], kept.root / key, record["seconds"], record["finished"])


def _show(rows: Sequence[Row]) -> None:
    cells = [
        [row.state, row.title, row.key, _seconds(row), size(row.bytes), row.finished.replace("T", " ").rstrip("Z")]
        for row in rows
    ]
    if cells:
        show(["state", "experiment", "key", "took", "size", "finished (UTC)"], cells, right=("took", "size"))
    counts = Counter(row.state for row in rows)
    took, takes = sum(row.seconds or 0 for row in rows), sum(row.bytes for row in rows)
    say(
        ", ".join([*(f"{count:,} {state}" for state, count in counts.items()), f"{duration(took)} in all", size(takes)])
    )


def _seconds(row: Row) -> str:
    return "" if row.seconds is None else duration(row.seconds)


def _find(keys: Iterable[str], beginning: str, root: Path) -> str:
    """Return the one key that begins so."""
    found = sorted(key for key in keys if key.startswith(beginning))
    if not found:
        raise InputError(f"{root}: no result whose key begins with {beginning!r}; `srnet store list` lists them")
    if len(found) > 1:
        raise InputError(f"{beginning!r} begins {len(found)} keys, such as {found[0]} and {found[1]}: give more of it")
    return found[0]


def _damaged(kept: Store, keys: Sequence[str]) -> dict[str, str]:
    """Return what is wrong with those results that are not what was written."""
    damaged = {}
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    sizes = {key: kept.size(key) for key in keys}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=sum(sizes.values()))
        for key in keys:
            try:
                kept.verify(key)
            except DamagedError as error:
                damaged[key] = error.problem
            bar.advance(task, sizes[key])
    return damaged


def _records(layer: Store) -> list[dict[str, Any]]:
    """Return all records of a layer that can be read."""
    found = []
    for key in layer.keys():  # noqa: SIM118
        try:
            found.append(layer.read(key))
        except InputError:  # damaged, or set aside in this moment
            continue
    return found


def _describe(record: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    titles = {other["key"]: other["title"] for other in others}
    needed = {other["key"]: other["operands"] for other in others}
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
    for key in record["operands"]:
        say(f"  {key}  {titles.get(key, 'not in the store')}")
    say("\nis needed by")
    for key in [key for key, operands in needed.items() if record["key"] in operands] or ["nothing in the store"]:
        say(f"  {key}  {titles.get(key, '')}".rstrip())


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


def _of_part(rows: Sequence[Row], study: Study, figures: list[str] | None) -> list[Row]:
    """Return, of the things in the store, what a part of the study needs and nothing else of its profile does."""
    own, shared = ({experiment.key for experiment in part} for part in only_for(study, figures))
    if kept := [row for row in rows if row.key in shared]:
        say(f"{len(kept)} kept: the rest of profile {study.profile.name} needs them too")
    return [row for row in rows if row.key in own]


def _orphans(kept: Store, rows: Sequence[Row], found: Needs) -> list[Row]:
    """Return the results that no profile needs, less those of which it cannot be told."""
    others = [row for row in rows if row.state == "done" and row.key not in found.parts]
    untold = [row for row in others if found.untold and _on_official_text(kept.read(row.key)["experiment"])]
    if untold:
        say(f"{len(untold)} kept: whether a profile needs them cannot be told")
        _say_untold(found)
    return [row for row in others if row not in untold]


def _on_official_text(form: Any) -> bool:
    """Tell whether an expression, in its canonical form, names text that is not the pocket world's."""
    if isinstance(form, Mapping):
        if form.get("is") == "Data":
            return "world" not in form
        return any(_on_official_text(part) for part in form.values())
    return isinstance(form, list) and any(map(_on_official_text, form))


def _say_untold(found: Needs) -> None:
    for reason in dict.fromkeys(found.untold.values()):
        names = ", ".join(f"{profile} {task}" for (profile, task), why in found.untold.items() if why == reason)
        say(f"not told: {names}: {reason}")


def _delete(kept: Store, rows: Sequence[Row], yes: bool) -> None:
    if not rows:
        say("nothing to delete")
        return
    _show(rows)
    if not yes and not _can_ask():
        raise InputError("there is no terminal to ask on: nothing is deleted without --yes")
    if not yes and not typer.confirm(f"Delete all {len(rows)} from {kept.root}?"):
        raise typer.Exit(1)
    takes = {row: row.bytes for row in rows}
    gone = [row for row in rows if _deleted(kept, row)]
    left = f", {len(rows) - len(gone)} left: another process is computing them" if len(gone) < len(rows) else ""
    say(f"{len(gone)} deleted, {size(sum(takes[row] for row in gone))}{left}")


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _deleted(kept: Store, row: Row) -> bool:
    if row.state == "failed":
        kept.forget_failure(row.key)
    elif row.state == "set aside":
        shutil.rmtree(row.path)
    else:
        return kept.remove(row.key)
    return True


def _place(parts: set[Part]) -> Part:
    """Return the one part that needs a result; what several figures or profiles need is "shared"."""
    if len(parts) == 1:
        return next(iter(parts))
    if len({(part.profile, part.task) for part in parts}) == 1:
        return next(iter(parts))._replace(figure="shared")
    return Part("shared" if parts else "(none)", "", "")


def _kinds(kept: Store) -> dict[str, int]:
    """Return how much room each kind of file takes."""
    takes = Counter[str]()
    for key in kept.keys():  # noqa: SIM118
        for file in (kept.root / key).iterdir():
            takes[next((kind for start, kind in KINDS.items() if file.name.startswith(start)), "other")] += _bytes(file)
    kinds = {kind: takes[kind] for kind in (*KINDS.values(), "other")}
    for kind, folder in (("unfinished", "unfinished"), ("set aside", "damaged"), ("failures", "failed")):
        kinds[kind] = _bytes(kept.root / folder)
    return kinds


def _bytes(path: Path) -> int:
    walked = os.walk(path)  # of a file it yields nothing, and it minds no folder that a running study removes
    files = [Path(folder) / name for folder, _, names in walked for name in names] or [path]
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total
