"""The command that tells how biased a task is."""

import json
from pathlib import Path
from typing import Annotated

import typer

from srnet.commands.options import Vectors, a_path
from srnet.commands.printing import console, say
from srnet.errors import InputError
from srnet.files import check_target

PICTURES = (".pdf", ".png", ".svg")


def diagnose(
    train: Annotated[
        Path, typer.Option("--train", parser=a_path, help="Training examples: a .csv, .tsv or .jsonl file.")
    ],
    text: Annotated[list[str], typer.Option("--text", help="Column of the text; twice if there are two.")],
    label: Annotated[str, typer.Option("--label", help="Column of the label.")],
    bias: Annotated[str, typer.Option("--bias", help="overlap, hypothesis-only, claim-only or length.")],
    dev: Annotated[Path | None, typer.Option("--dev", parser=a_path, help="Development examples.")] = None,
    vectors: Vectors = None,
    to_json: Annotated[
        Path | None, typer.Option("--json", parser=a_path, help="File to write all of it to, as JSON.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", parser=a_path, help="File to draw it in: .png, .pdf or .svg.")
    ] = None,
) -> None:
    """Tell how much a bias says about the labels of your own task, from its text alone."""
    given = {"--train": train, "--dev": dev, "--vectors": vectors}
    for option, path in (("--json", to_json), ("--figure", figure)):
        _check_target(option, path, given)
    if figure and figure.suffix.lower() not in PICTURES:
        raise InputError(f"--figure {figure}: the name does not end in {', '.join(PICTURES)}; choose one of these")
    from srnet.debiasing.diagnosis import diagnose
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.files import written_whole

    with console.status("reading, and fitting the bias model"):
        read = WordVectors.read(vectors) if vectors else None
        found = diagnose(train, dev, bias=bias, text=text, label=label, vectors=read)
    say(str(found))
    if to_json:
        with written_whole(to_json) as temporary:
            temporary.write_text(json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        say(f"\nAs JSON: {to_json}")
    if figure:
        from srnet.figures.diagnosis import diagnosis_dots

        with written_whole(figure) as temporary:
            diagnosis_dots(found).savefig(temporary, format=figure.suffix[1:].lower())
        say(f"\nThe figure: {figure}")


def _check_target(option: str, path: Path | None, given: dict[str, Path | None]) -> None:
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{option} {path}: a folder; give the name of a file in it")
    check_target(path.parent)
    for other, source in given.items():
        if source and source.exists() and path.exists() and path.samefile(source):
            raise InputError(f"{option} {path}: the file that {other} reads; give another name")
