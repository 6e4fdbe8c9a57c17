"""Expressions and their keys."""

import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from srnet import Bias, Data, FineTuned, InputError, Pretrained, Pruned, Recipe
from srnet.experiments import canonical, closure
from srnet.pocket import World

BERT = Pretrained("bert-base-uncased")
NLI = Data("nli", "abc")
FULL = FineTuned(BERT, NLI, seed=1, recipe=Recipe(steps=100))
MASKED = Pruned(FULL, NLI, seed=1, recipe=Recipe(steps=50, lr=1e-3), sparsity=0.7, interval=10, loss="poe")

PINNED = {
    Bias(NLI): "283277af17f5bcaff499",
    FULL: "5d41140361428d27ea29",
    replace(FULL, loss="poe", seed=2): "728e4a4de61da2035a51",
    MASKED: "2a2754364591322ea48e",
    replace(MASKED, data=Data("nli", "abc", World(train=240))): "160589da431fc0880144",
}


@pytest.mark.parametrize(("experiment", "key"), PINNED.items(), ids=str)
def test_keys_never_change(experiment: Bias | FineTuned | Pruned, key: str) -> None:
    """A changed key orphans results that people have: give a new field a default instead, and leave defaults alone."""
    assert experiment.key == key


def test_keys_are_the_same_in_another_process() -> None:
    program = (
        "from srnet import *; print(FineTuned(recipe=Recipe(steps=100), seed=1, "
        "data=Data('nli', 'abc'), of=Pretrained('bert-base-uncased')).key)"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == FULL.key


def test_different_experiments_have_different_keys() -> None:
    variants = [
        FULL,
        replace(FULL, seed=2),
        replace(FULL, loss="poe"),
        replace(FULL, recipe=Recipe(steps=101)),
        replace(FULL, of=Pretrained("roberta-base")),
        replace(FULL, data=Data("nli", "abd")),
        MASKED,
        replace(MASKED, sparsity=0.5),
        replace(MASKED, of=replace(FULL, seed=2)),
        Bias(NLI),
    ]
    assert len({experiment.key for experiment in variants}) == len(variants)


def test_a_field_at_its_default_and_an_integer_for_a_float_change_nothing() -> None:
    assert replace(FULL, loss="std").key == FULL.key
    assert replace(MASKED, sparsity=0).key == replace(MASKED, sparsity=0.0).key
    assert Recipe(steps=1, clip=1) == Recipe(steps=1)
    assert canonical(Recipe(steps=1, clip=1)) == {"is": "Recipe", "steps": 1}
    assert canonical(Recipe(steps=1, lr=1)) == canonical(Recipe(steps=1, lr=1.0))


def test_a_new_field_with_a_default_changes_no_key() -> None:
    @dataclass(frozen=True)
    class Old:
        steps: int

    @dataclass(frozen=True)
    class New:
        steps: int
        added: float = 0.5

    New.__name__ = "Old"
    assert canonical(New(3)) == canonical(Old(3))
    assert canonical(New(3, added=0.25)) != canonical(Old(3))


def test_closure_puts_operands_first_and_each_once() -> None:
    other = replace(MASKED, loss="std")
    assert closure([MASKED, other, FULL]) == [FULL, Bias(NLI), MASKED, other]


def test_expressions_read_like_the_paper() -> None:
    assert str(MASKED) == "P^mask_poe(A_std(f(θ_pt))) at 70 %"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sparsity": 1.0}, "sparsity is 1.0"),
        ({"sparsity": -0.1}, "sparsity is -0.1"),
        ({"method": "magic"}, "method 'magic' is unknown: choose one of mask"),
        ({"loss": "ce"}, "loss 'ce' is unknown: choose one of std, poe"),
        ({"interval": 0}, "interval is 0"),
    ],
)
def test_impossible_experiments(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(MASKED, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"steps": 0}, {"lr": 0.0}, {"warmup": 11}, {"clip": -1.0}, {"batch_size": 0}])
def test_impossible_recipes(changes: dict[str, float]) -> None:
    with pytest.raises(InputError, match="recipe: "):
        Recipe(**{"steps": 10, **changes})  # type: ignore[arg-type]


def test_unknown_task() -> None:
    with pytest.raises(InputError, match="task 'nlu' is unknown: choose one of nli"):
        Data("nlu", "abc")
