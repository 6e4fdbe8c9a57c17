"""The commands for one's own model and data: fine-tune, find, evaluate, predict, merge."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnet.commands.options import Vectors, a_path
from srnet.commands.printing import say
from srnet.errors import InputError
from srnet.files import check_new_folder, check_target, written_whole

if TYPE_CHECKING:
    from srnet.own.adapters import Subnetwork

Model = Annotated[str, typer.Option("--model", help="Fine-tuned classifier: folder, or name on the hub.")]
Train = Annotated[Path, typer.Option("--train", parser=a_path, help="Training examples: a .csv, .tsv or .jsonl file.")]
Dev = Annotated[Path, typer.Option("--dev", parser=a_path, help="Development examples, to choose by.")]
Texts = Annotated[list[str], typer.Option("--text", help="Column of the text; twice if there are two.")]
Label = Annotated[str, typer.Option("--label", help="Column of the label.")]
Ood = Annotated[
    list[str] | None, typer.Option("--ood", help="Examples out of distribution: a file, or NAME=FILE; may be repeated.")
]
Subset = Annotated[str | None, typer.Option("--subset", help="Column of the subset's name in --ood.")]
BiasName = Annotated[
    str | None, typer.Option("--bias", help="overlap, hypothesis-only, claim-only, length or shallow.")
]
Steps = Annotated[int | None, typer.Option("--steps", help="Steps; by the number of examples if not given.")]
Precision = Annotated[str, typer.Option("--precision", help="Of matrix products in training: float32 or bfloat16.")]
Seed = Annotated[int, typer.Option("--seed", help="Repetition.")]
Text = Annotated[list[str] | None, typer.Option("--text", help="Column of the text; twice if there are two.")]
Found = Annotated[Path, typer.Option("--subnetwork", parser=a_path, help="Folder written by srnet find.")]
BaseModel = Annotated[
    str | None, typer.Option("--model", help="Its base model: folder, or name on the hub; if not where it was.")
]


def fine_tune(
    model: Annotated[str, typer.Option("--model", help="Pre-trained model: folder, or name on the hub.")],
    train: Train,
    dev: Dev,
    text: Texts,
    label: Label,
    out: Annotated[Path, typer.Option("--out", parser=a_path, help="New folder for the model.")],
    ood: Ood = None,
    subset: Subset = None,
    bias: BiasName = None,
    loss: Annotated[str, typer.Option("--loss", help="std, poe or reweight.")] = "std",
    steps: Steps = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate; BERT's usual one if not given.")] = None,
    precision: Precision = "float32",
    seed: Seed = 0,
    vectors: Vectors = None,
) -> None:
    """Fine-tune a pre-trained model on your own data, and write it into a folder as transformers does."""
    check_new_folder(out)
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.own.fine_tuning import fine_tune

    full = fine_tune(
        model,
        train,
        dev,
        _named(ood),
        text=text,
        label=label,
        bias=bias,
        loss=loss,
        steps=steps,
        lr=lr,
        precision=precision,
        seed=seed,
        vectors=WordVectors.read(vectors) if vectors else None,
        subset=subset,
    )
    full.save(out)
    say(str(full))
    say(f"\nThe model: {out}")


def find(
    model: Model,
    train: Train,
    dev: Dev,
    text: Texts,
    label: Label,
    out: Annotated[Path, typer.Option("--out", parser=a_path, help="New folder for the subnetwork.")],
    bias: BiasName = None,
    ood: Ood = None,
    subset: Subset = None,
    sparsity: Annotated[float, typer.Option("--sparsity", help="Share of weights to remove.")] = 0.7,
    loss: Annotated[str, typer.Option("--loss", help="std, poe, reweight or confreg.")] = "poe",
    steps: Steps = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate; by a look at the loss if not given.")] = None,
    precision: Precision = "float32",
    seed: Seed = 0,
    vectors: Vectors = None,
    pretrained: Annotated[
        str | None, typer.Option("--pretrained", help="For --bias shallow: the model before fine-tuning.")
    ] = None,
) -> None:
    """Find a sparse and robust subnetwork of your own model on your own data, and write it into a folder."""
    check_new_folder(out)
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.own.finding import find_subnetwork

    found = find_subnetwork(
        model,
        train,
        dev,
        _named(ood),
        text=text,
        label=label,
        bias=bias,
        sparsity=sparsity,
        loss=loss,
        steps=steps,
        lr=lr,
        precision=precision,
        seed=seed,
        vectors=WordVectors.read(vectors) if vectors else None,
        subset=subset,
        pretrained=pretrained,
    )
    found.save(out)
    say(str(found.report))
    say(f"\nThe subnetwork: {out}")


def evaluate(
    subnetwork: Found,
    data: Annotated[
        list[str], typer.Option("--data", help="Examples with labels: a file, or NAME=FILE; may be repeated.")
    ],
    text: Text = None,
    label: Annotated[str | None, typer.Option("--label", help="Column of the label.")] = None,
    subset: Annotated[str | None, typer.Option("--subset", help="Column of the subset's name.")] = None,
    model: BaseModel = None,
) -> None:
    """Test a subnetwork and the full model it lies in."""
    from srnet.own.report import FOUND, FULL, score_table

    found = _load(subnetwork, model)
    notes: list[str] = []
    scores = {
        name: found.evaluate(path, name, text=text, label=label, subset=subset, notes=notes)
        for name, path in (_named(data) or {}).items()
    }
    table = {each: {name: pair[index] for name, pair in scores.items()} for index, each in enumerate((FOUND, FULL))}
    say(score_table(table))
    for note in notes:
        say(f"Note: {note}.")


def predict(
    subnetwork: Found,
    data: Annotated[
        Path, typer.Option("--data", parser=a_path, help="Examples: a .csv, .tsv or .jsonl file; no labels needed.")
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=a_path, help="CSV file to write: the class and all probabilities of each.")
    ],
    text: Text = None,
    model: BaseModel = None,
) -> None:
    """Write a subnetwork's classes for examples without labels."""
    if out.is_dir() or (out.exists() and data.exists() and out.samefile(data)):
        raise InputError(f"--out {out}: a folder, or the file that --data reads; give the name of another file")
    check_target(out.parent)
    found = _load(subnetwork, model)
    probabilities = found.probabilities(data, text)
    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["class", *(f"p({name})" for name in found.classes)])
        for row in probabilities.tolist():
            rows.writerow([found.classes[row.index(max(row))], *(f"{each:.6f}" for each in row)])
    say(f"{len(probabilities):,} examples: {out}")


def merge(
    subnetwork: Found,
    out: Annotated[Path, typer.Option("--out", parser=a_path, help="New folder for the model.")],
    model: BaseModel = None,
) -> None:
    """Write a subnetwork as a plain model of transformers, which loads without this package."""
    check_new_folder(out)
    _load(subnetwork, model).merge(out)
    say(f"The model: {out}")


def _load(folder: Path, model: str | None) -> "Subnetwork":
    from srnet.own.adapters import load_subnetwork
    from srnet.training.models import load_fine_tuned

    return load_subnetwork(folder, load_fine_tuned(model) if model else None)


def _named(given: Sequence[str] | None) -> dict[str, Path] | None:
    """Return files by name: each as NAME=FILE, or a file whose name, without its ending, is taken."""
    if not given:
        return None
    files: dict[str, Path] = {}
    for each in given:
        name, there, path = each.partition("=")
        if not there or Path(each).exists():
            name, path = Path(each).stem, each
        if not name or not path or name in files:
            raise InputError(f"{each!r}: give each set a name of its own (NAME=FILE)")
        files[name] = Path(path)
    return files
