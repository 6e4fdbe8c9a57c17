"""The commands that hold results against those that were published."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnet.commands.options import Choice, Scheduler, SnapshotEvery, Sources, Workers, a_path, grouped
from srnet.commands.plan import tell
from srnet.commands.printing import say, show
from srnet.commands.run import report_outcome
from srnet.environment import SNAPSHOT_EVERY, default_below
from srnet.errors import InputError
from srnet.files import check_target, written_whole

if TYPE_CHECKING:
    import pandas as pd

    from srnet.store.store import Store
    from srnet.study.choice import Study

MARK = "reproduction.txt"  # stands in a folder whose results have all been computed by `reproduce`

Folder = Annotated[
    Path, typer.Option("--store", parser=a_path, help="Folder of the new results: a fresh one, or one to go on in.")
]
Against = Annotated[
    list[Path] | None,
    typer.Option(
        "--against", parser=a_path, help="Folder of published results; may be repeated. The checkout's, if not given."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 unless all points are equal bit for bit.")]


@grouped
def reproduce(
    choice: Choice,
    sources: Sources,
    store: Folder = Path("reproduction"),
    against: Against = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    snapshot_every: SnapshotEvery = SNAPSHOT_EVERY,
    strict: Strict = False,
) -> None:
    """Compute the study, or the figures named, from nothing, and compare the results with the published ones.

    It says beforehand what that takes. Where it was interrupted, the same command goes on.
    """
    from srnet.store.store import Store

    study, published = choice.study(sources), _opened(against or default_below())
    study.require_text()
    figures = choice.figure or study.figures
    if not any(published.has(each) for each in study.experiments(figures)):
        raise InputError("nothing of this choice is published: name a folder with --against, or just `srnet run` it")
    _begin(store)
    own = Store(store.absolute(), snapshot_every=snapshot_every)
    tell(study, figures, own)
    report_outcome(study.compute(own, figures, workers, scheduler), own)
    _compare(study, figures, own, published, strict)


@grouped
def compare(
    one: Annotated[Path, typer.Argument(parser=a_path, help="Folder of results.")],
    other: Annotated[Path, typer.Argument(parser=a_path, help="Folder of the results that they are held against.")],
    choice: Choice,
    sources: Sources,
    strict: Strict = False,
) -> None:
    """Compare two folders of results, as `reproduce` does: what both have of the study, or of the figures named."""
    study = choice.study(sources)
    study.require_text()
    _compare(study, choice.figure or study.figures, _opened([one]), _opened([other]), strict)


def _opened(folders: Sequence[Path]) -> "Store":
    from srnet.store.store import check_results, read_only

    check_results(folders)
    if not folders:
        raise InputError("there are no published results here: name their folder with --against")
    return read_only([folder.absolute() for folder in folders])


def _begin(folder: Path) -> None:
    """Mark a fresh folder; one with the mark is gone on with.

    Raises:
        InputError: if the folder holds anything that was not computed by `reproduce`, or cannot be written.
    """
    if (folder / MARK).is_file():
        return
    check_target(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder}: not empty, and not begun by `srnet reproduce`: name a fresh folder with --store "
            "(`srnet compare` compares results that are there)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / MARK) as temporary:
        temporary.write_text("All results in this folder were computed by `srnet reproduce`, from nothing.\n")


def _compare(study: "Study", figures: Sequence[str], here: "Store", published: "Store", strict: bool) -> None:
    from srnet.claims.comparison import judged_in_both
    from srnet.study.comparison import compared

    table = compared(study, here, published, figures)
    if table.empty:
        raise InputError("no point of this choice is in both: nothing can be compared")
    _show_points(table)
    _show_verdicts(judged_in_both(study, here, published, figures))
    if strict and (table.equal < table.points).any():
        raise typer.Exit(1)


def _show_points(table: "pd.DataFrame") -> None:
    from srnet.study.comparison import error_in_words, in_words

    numbers = ("points", "equal", "mean", "largest", "two seeds")
    rows = []
    for _, row in table.iterrows():
        differences = map(_points, (row["mean"], row.largest, row.between_seeds))
        rows.append([row.figure, f"{row.points:,}", f"{row.equal:,}", *differences, in_words(row)])
    say("")
    show(["", *numbers, "more than seeds do?"], rows, right=numbers)
    say(
        "points: rows of the figure's table in both; equal: bit for bit. Of the others the mean and the largest "
        "difference, and the mean one of two published seeds, in percentage points, and whether they differ by more "
        "than seeds do (p of a permutation test)."
    )
    if wrong := error_in_words(table.iloc[-1]):
        say(wrong, style="red")


def _show_verdicts(verdicts: "pd.DataFrame") -> None:
    if verdicts.empty:
        say("\nNo finding of the paper can be tested on what both have.")
        return
    changed = verdicts[verdicts.here != verdicts.published]
    say(f"\n{len(changed):,} of {len(verdicts):,} verdicts change, judged on the same seeds in both")
    if len(changed):
        columns = ["section", "item", "claim", "task", "here", "published"]
        show(columns, changed[columns].to_numpy().tolist())


def _points(difference: float) -> str:
    return "" if difference != difference else f"{difference:.2f}"
