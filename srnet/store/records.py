"""Records: one JSON file that says what an experiment was, how it was computed and what came out.

A record carries its own checksum: any byte of the file that is not as it was written is noticed.
"""

import hashlib
import json
import subprocess
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from srnet.files import written_whole

if TYPE_CHECKING:
    from srnet.experiments.expressions import Experiment

VOLATILE = ("seconds", "finished", "machine", "resumed")  # fields that may differ between two equal runs
WORDING = ("notation", "title")
LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")
CHECKSUM = "checksum"


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record, sealed with its checksum; the file is whole or absent.

    Args:
        path: where to write it.
        record: what JSON can hold.
    """
    with written_whole(path) as temporary:
        temporary.write_text(_text(sealed(record)), encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    """Return a record without its checksum.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is not, byte for byte, what was written.
    """
    text = path.read_bytes().decode("utf-8")
    found = json.loads(text)
    record = unsealed(found)
    if text != _text(found):
        raise ValueError("it is not spelt as it was written")
    return record


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON can hold with its checksum, whatever the order of its names."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return {**content, CHECKSUM: hashlib.sha256(text.encode()).hexdigest()}


def unsealed(found: Any) -> dict[str, Any]:
    """Return what was sealed without its checksum.

    Raises:
        ValueError: if the checksum is not that of the content.
    """
    content = {name: found[name] for name in found if name != CHECKSUM} if isinstance(found, dict) else {}
    if found != sealed(content):
        raise ValueError("its checksum is not that of its content")
    return content


def describe(experiment: "Experiment") -> dict[str, Any]:
    """Return what a record says of any experiment: expression, key, operands, and the software that computes it."""
    from srnet.experiments.expressions import canonical

    return {
        "experiment": canonical(experiment),
        "notation": str(experiment),
        "title": experiment.title,
        "key": experiment.key,
        "operands": [operand.key for operand in experiment.operands],
        "software": software(),
    }


def same_results(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two records of an experiment say that the very same came out of it, bit for bit.

    What both say of it is compared, and the SHA-256 of the files that both name. `VOLATILE` fields, the software, and
    words for people may differ.
    """
    common = one.keys() & other.keys() - {*VOLATILE, *WORDING, "software", "files"}
    files = one.get("files", {}).keys() & other.get("files", {}).keys()

    def outcome(record: Mapping[str, Any]) -> str:  # as text, in which NaN is equal to NaN
        sums = {name: record["files"][name]["sha256"] for name in files}
        return json.dumps([{name: record[name] for name in common}, sums], sort_keys=True)

    return outcome(one) == outcome(other)


def same_setup(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two records were computed with the same libraries, on devices and processors of the same names."""

    def setup(record: Mapping[str, Any]) -> list[object]:
        machine = (record["machine"][name] for name in ("device", "processor"))
        return [*machine, *(record["software"][name] for name in ("python", *LIBRARIES))]

    try:
        return setup(one) == setup(other)
    except KeyError:  # a record that does not say
        return False


@cache
def software() -> dict[str, str]:
    """Return the versions of Python, of this package with its commit, and of the libraries that results depend on."""
    return {"python": python_version(), "srnet": _revision()} | {name: version(name) for name in LIBRARIES}


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601 writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _revision() -> str:
    """Return the package's version and, in a checkout, the commit; "+changes" if the package differs from it."""
    here = Path(__file__).parents[1]  # the package

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(here / "__init__.py"))  # else the checkout is somebody else's
        changes = "+changes" if git("status", "--porcelain", ".") else ""
        return f"{version('srnet')} ({git('rev-parse', '--short=12', 'HEAD')}{changes})"
    except (OSError, subprocess.CalledProcessError):
        return version("srnet")
