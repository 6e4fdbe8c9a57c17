"""Options that several commands share, in groups: a command takes a group as one parameter (`grouped`)."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from srnet import environment
from srnet.commands.printing import complain
from srnet.environment import SNAPSHOT_EVERY, Inputs, default_below, default_root
from srnet.errors import InputError

if TYPE_CHECKING:
    from srnet.store.store import Store
    from srnet.study.choice import Study


def a_path(text: str) -> Path:
    """Return the path that was typed: the parser of every path, for "" would be the current folder."""
    if not text:
        complain(
            InputError(
                '"" is no path: name a file or folder, or leave the option out (a variable of the shell may be unset)'
            )
        )
        raise typer.Exit(2)
    return Path(text)


ProfileName = Annotated[str, typer.Option("--profile", help="Size of the study: smoke, pocket, small or paper.")]
Figures = Annotated[list[str] | None, typer.Option("--figure", help="Only this figure; may be repeated.")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only this task; may be repeated.")]
Sparsities = Annotated[
    list[float] | None, typer.Option("--sparsity", help="Share of weights removed; may be repeated.")
]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Repetition; may be repeated.")]
StoreFolder = Annotated[
    Path | None, typer.Option("--store", parser=a_path, envvar=environment.STORE, help="Folder of results.")
]
Below = Annotated[
    list[Path] | None,
    typer.Option(
        "--below",
        parser=a_path,
        envvar=environment.BELOW,
        help="Read-only folder of results, looked up after --store; may be repeated.",
    ),
]
DataFolder = Annotated[
    Path | None, typer.Option("--data-dir", parser=a_path, envvar=environment.DATA, help="Official data files.")
]
Plm = Annotated[str | None, typer.Option("--plm", envvar=environment.PLM, help="Model folder, or name on the hub.")]
Vectors = Annotated[
    Path | None,
    typer.Option("--vectors", parser=a_path, envvar=environment.VECTORS, help="fastText .bin or .vec file."),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; one per core if not given.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        envvar=environment.SCHEDULER,
        help="Address of a Dask scheduler, such as tcp://host:8786; without one, processes of this machine.",
    ),
]
InOrder = Annotated[
    bool,
    typer.Option(
        "--in-order",
        help="Seed after seed, and of each task after task, so that what there is when time is up is whole.",
    ),
]
SnapshotEvery = Annotated[
    float,
    typer.Option(
        "--snapshot-every", min=0, help="Seconds after which long experiments save where they are; 0: every step."
    ),
]


@dataclass(frozen=True)
class Choice:
    """Which part of the study."""

    profile: ProfileName = "pocket"
    figure: Figures = None
    task: Tasks = None
    sparsity: Sparsities = None
    seed: Seeds = None

    def study(self, sources: "Sources") -> "Study":
        """Return that part of the study; its figures are chosen by who asks it for runs."""
        from srnet.study.choice import choose

        return choose(self.profile, self.task, self.sparsity, self.seed, sources.inputs)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where inputs lie."""

    data_dir: DataFolder = None
    plm: Plm = None
    vectors: Vectors = None

    @property
    def inputs(self) -> Inputs:
        """Where text and models lie; paths are absolute, for workers that run elsewhere."""
        plm = str(Path(self.plm).absolute()) if self.plm and Path(self.plm).is_dir() else self.plm
        return Inputs(_absolute(self.data_dir), plm, _absolute(self.vectors))


@dataclass(frozen=True)
class Places(Sources):
    """Where results and inputs lie."""

    store: StoreFolder = None
    below: Below = None

    def results(self, snapshot_every: float = SNAPSHOT_EVERY) -> "Store":
        """Return the store of results."""
        from srnet.store.store import Store, check_results

        below, root = self.below or default_below(), self.store or default_root()
        check_results(below)
        return Store(root.absolute(), [folder.absolute() for folder in below], snapshot_every)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has as its own the options of those of its parameters that are groups.

    Args:
        command: a function for `typer`; the annotation of a group is a dataclass of options, such as `Choice`.
    """
    parameters = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {
        name: each.annotation for name, each in parameters.items() if is_dataclass(each.annotation)
    }
    options = [option for each in parameters.values() for option in _options(each)]

    @wraps(command)
    def with_groups(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    with_groups.__annotations__ = {option.name: option.annotation for option in options}
    with_groups.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    return with_groups


def _options(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    group, kind = parameter.annotation, inspect.Parameter.KEYWORD_ONLY
    if not is_dataclass(group):
        return [parameter.replace(kind=kind)]
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=hints[each.name]) for each in fields(group)
    ]


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None
