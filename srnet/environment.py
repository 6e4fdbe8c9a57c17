"""Where results and inputs lie: what the command line and the environment say, and what holds if they say nothing.

Importing this module loads no library: every command and its ``--help`` begin here.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from srnet.errors import InputError

STORE, BELOW = "SRNET_STORE", "SRNET_BELOW"
DATA, PLM, VECTORS = "SRNET_DATA", "SRNET_PLM", "SRNET_VECTORS"
SCHEDULER, SAMPLE = "SRNET_SCHEDULER", "SRNET_SAMPLE"
MANIFEST = "manifest.json"  # in every folder of published results
SNAPSHOT_EVERY = 600.0  # seconds between two savings of where a long experiment stands


@dataclass(frozen=True)
class Inputs:
    """Where an experiment's inputs lie, and where it runs; none of it changes a result's key.

    Attributes:
        data_dir: folder of the official data files; not needed for the pocket world.
        plm: a pre-trained model to use in place of the profile's: a local folder, or a name on the Hugging Face hub.
        vectors: fastText file (.bin or .vec) of word vectors for the bias models; without one, fastText trains vectors
            on each task's own training text.
        device: torch device; if empty, a GPU if the process that computes has one, else the CPU.
    """

    data_dir: Path | None = None
    plm: str | None = None
    vectors: Path | None = None
    device: str = ""

    @property
    def place(self) -> str:
        """The torch device that this process computes on."""
        from srnet.machine import place

        return place(self.device)

    @classmethod
    def from_environment(cls) -> "Inputs":
        """Take what is set of the variables SRNET_DATA, SRNET_PLM and SRNET_VECTORS."""
        data, plm, vectors = (os.environ.get(name) or None for name in (DATA, PLM, VECTORS))
        return cls(Path(data) if data else None, plm, Path(vectors) if vectors else None)


def default_root(anywhere: bool = False) -> Path:
    """Return the folder of results: SRNET_STORE if it is set, else ``store`` in the checkout around the current folder.

    Outside a checkout it is ``store`` in the current folder.

    Args:
        anywhere: outside a checkout, prefer the checkout that this package is used from if the current folder has no
            ``store``: a notebook shows the same results wherever it is started.

    Raises:
        InputError: if SRNET_STORE is set to nothing.
    """
    if STORE in os.environ:
        return _named(STORE, os.environ[STORE])
    here = Path.cwd() / "store"
    with suppress(InputError):
        around = _checkout(anywhere)
        if around in here.parents or not here.is_dir():
            return around / "store"
    return here


def default_below(anywhere: bool = False) -> tuple[Path, ...]:
    """Return the folders of results that are only read: those of SRNET_BELOW, a list of folders as PATH is.

    If it is not set, they are the published ones of the checkout: every folder in ``results`` that has a manifest.

    Args:
        anywhere: outside a checkout, take the one that this package is used from.
    """
    if os.environ.get(BELOW):
        return tuple(_named(BELOW, folder) for folder in os.environ[BELOW].split(os.pathsep))
    with suppress(InputError):
        return tuple(sorted(path.parent for path in (_checkout(anywhere) / "results").glob(f"*/{MANIFEST}")))
    return ()


def _checkout(anywhere: bool) -> Path:
    return find_checkout() if anywhere else find_root(Path.cwd())


def _named(variable: str, folder: str) -> Path:
    if not folder:
        raise InputError(f"{variable}: names no folder, but is set: give it one, or unset it")
    return Path(folder)


def sample_root() -> Path | None:
    """Return the folder of the sample that was computed for the book (`srnet.study.sample`): SRNET_SAMPLE, if set."""
    return Path(os.environ[SAMPLE]) if os.environ.get(SAMPLE) else None


def find_root(start: Path) -> Path:
    """Return the root of the checkout that holds the folder `start`.

    Raises:
        InputError: `start` is not inside a checkout.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "_toc.yml").is_file():
            return folder
    raise InputError(f"{start}: no pyproject.toml and _toc.yml here or above; the book is built inside a checkout")


def find_checkout() -> Path:
    """Return the root of the checkout around the current folder, or else of the one that this package is used from.

    So a notebook finds the same results wherever it is started.

    Raises:
        InputError: there is neither.
    """
    try:
        return find_root(Path.cwd())
    except InputError:
        with suppress(InputError):
            return find_root(Path(__file__).parent)
        raise


def variables(root: Path, below: Sequence[Path], inputs: Inputs, sample: Path | None = None) -> dict[str, str]:
    """Return the variables by which another process finds the same results and inputs.

    Args:
        root: folder of results.
        below: folders of results that are only read.
        inputs: where text and models lie.
        sample: folder of the sample, if there is one.
    """
    found = {STORE: root, BELOW: os.pathsep.join(map(str, below)), DATA: inputs.data_dir, PLM: inputs.plm}
    found |= {VECTORS: inputs.vectors, SAMPLE: sample}
    return {name: str(value) for name, value in found.items() if value}
