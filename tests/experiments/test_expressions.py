"""Expressions and their keys."""

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from srnet import Gradual, InputError, Recipe
from srnet.experiments.expressions import (
    Bias,
    Checkpoint,
    Data,
    Experiment,
    FineTuned,
    Masked,
    Pretrained,
    Pruned,
    Teacher,
    Tokenised,
    canonical,
    pretrained,
    tokenised,
)
from srnet.experiments.graph import closure
from srnet.experiments.methods import IterativePruning, MaskTraining, OneShot
from srnet.pocket import World

BERT = Pretrained("bert-base-uncased")
NLI = Data("nli", "abc")
FULL = FineTuned(BERT, NLI, seed=1, recipe=Recipe(steps=100))
TRAINED = MaskTraining(Recipe(steps=50, lr=1e-3), interval=10)
MASKED = Pruned(FULL, NLI, seed=1, sparsity=0.7, method=TRAINED, loss="poe")
CHOSEN = replace(FULL, interval=10)
LONG = replace(FULL, checkpoints=(10, 50))
EARLY = replace(MASKED, of=Checkpoint(LONG, 10), method=replace(TRAINED, gradual=Gradual(0.2)))
ITERATIVE = IterativePruning(Recipe(steps=50))
IMP = Pruned(BERT, NLI, seed=1, sparsity=0.7, method=replace(ITERATIVE, rewind=True))
TICKET = FineTuned(Masked(BERT, IMP), NLI, seed=1, recipe=Recipe(steps=100), loss="poe")
REGULARISED = replace(FULL, loss="confreg", teacher=Teacher(FULL))

PINNED = {
    Bias(NLI): "b50d5fd0a3e47edda0b5",
    Tokenised(BERT, NLI): "dcc0c3ab376a847cb686",
    FULL: "05827fc489f1bdcbda67",
    replace(FULL, loss="poe", seed=2): "e30352128e8a515e83a1",
    MASKED: "671eb80705c06597e6b5",
    replace(MASKED, data=Data("nli", "abc", World(train=240))): "0ad79b8fb4255984af13",
    EARLY: "6882b575cc42d00c24a3",
    IMP: "d717e679fd81c549f1fc",
    IMP.trajectory: "2f71b08766b41ba60fad",
    TICKET: "54d6a3720449b7fea639",
    Teacher(FULL): "b7d15691e1ce4c2dfbde",
    REGULARISED: "8f4b35c6133718583eed",
    replace(IMP, method=OneShot(), data=replace(NLI, with_ood=True, vectors="ef")): "b68569afc653fcdd7098",
    CHOSEN: "12a24d86ca7d2fa55872",
    replace(MASKED, of=CHOSEN, method=replace(TRAINED, init="soft", curves=True)): "96e617e0b266be1c83f1",
}


@pytest.mark.parametrize(("experiment", "key"), PINNED.items(), ids=str)
def test_keys_never_change(experiment: Experiment, key: str) -> None:
    """A changed key orphans results that people have: give a new field a default instead, and leave defaults alone."""
    assert experiment.key == key


def test_keys_are_the_same_in_another_process() -> None:
    program = (
        "from srnet.experiments.expressions import *; print(FineTuned(recipe=Recipe(steps=100), seed=1, "
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
        replace(FULL, data=replace(NLI, with_ood=True)),
        replace(FULL, data=replace(NLI, vectors="ef")),
        LONG,
        REGULARISED,
        TICKET,
        replace(TICKET, of=Masked(FULL, IMP)),
        replace(TICKET, of=Masked(BERT, MASKED)),
        IMP,
        IMP.trajectory,
        replace(IMP, method=ITERATIVE),
        replace(IMP, method=replace(ITERATIVE, restart=True)),
        replace(IMP, method=replace(ITERATIVE, rewind_each_round=True)),
        replace(IMP, method=OneShot()),
        replace(IMP, pooler=True),
        EARLY,
        replace(EARLY, of=Checkpoint(LONG, 50)),
        replace(EARLY, method=replace(TRAINED, gradual=Gradual(0.2, ramp=1.0))),
        replace(MASKED, method=replace(TRAINED, init="soft")),
        replace(MASKED, method=replace(TRAINED, curves=True)),
        replace(MASKED, method=replace(TRAINED, interval=5)),
        CHOSEN,
        replace(CHOSEN, interval=20),
        replace(MASKED, loss="reweight"),
        replace(MASKED, loss="reweight-normalised"),
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
    inputs = [Tokenised(BERT, NLI), Bias(NLI)]
    assert closure([MASKED, other, FULL]) == [*inputs, FULL, MASKED, other]
    assert closure([TICKET]) == [*inputs, IMP.trajectory, IMP, TICKET]
    assert closure([EARLY]) == [*inputs, LONG, EARLY]
    assert closure([REGULARISED]) == [*inputs, FULL, Teacher(FULL), REGULARISED]


def test_data_that_differ_in_word_vectors_alone_share_their_token_ids() -> None:
    with_vectors, with_ood = replace(NLI, vectors="ef"), replace(NLI, with_ood=True)
    assert tokenised(replace(FULL, data=with_vectors)) == tokenised(MASKED) == Tokenised(BERT, NLI)
    assert tokenised(replace(FULL, data=with_ood)) == Tokenised(BERT, with_ood) != Tokenised(BERT, NLI)


def test_one_run_of_iterative_pruning_serves_all_its_sparsities_with_and_without_rewinding() -> None:
    fellows = [
        replace(IMP, sparsity=level, method=method) for level in (0.1, 0.9) for method in (IMP.method, ITERATIVE)
    ]
    assert {fellow.trajectory for fellow in fellows} == {IMP.trajectory}


def test_masks_are_chosen_late_in_a_fine_tuned_model_and_anywhere_in_a_raw_one() -> None:
    raw = replace(MASKED, of=BERT)
    assert MASKED.mask_plan.candidates(50) == [40, 50]
    assert raw.mask_plan.candidates(50) == [10, 20, 30, 40, 50]
    assert replace(EARLY, method=TRAINED).mask_plan.candidates(50) == [40, 50]
    assert replace(raw, method=replace(TRAINED, gradual=Gradual(0.2, ramp=0.9))).mask_plan.candidates(50) == [50]


def test_every_model_descends_from_a_pretrained_one() -> None:
    assert {pretrained(model) for model in (BERT, FULL, MASKED, EARLY, IMP, TICKET, Masked(BERT, IMP))} == {BERT}


def test_expressions_read_like_the_paper() -> None:
    assert str(MASKED) == "P^mask_poe(A_std(f(θ_pt))) at 70 %"
    assert str(EARLY) == "P^mask_poe(A^10_std(f(θ_pt))) at 70 %"
    assert str(TICKET) == "A_poe(f(M(P^imp-rewind_std(f(θ_pt)) at 70 %) ⊙ θ_pt))"
    assert (
        str(replace(TICKET, of=Masked(FULL, IMP)))
        == "A_poe(f(M(P^imp-rewind_std(f(θ_pt)) at 70 %) ⊙ θ(A_std(f(θ_pt)))))"
    )
    assert str(Pruned(BERT, NLI, 1, 0.5, OneShot())) == "P^magnitude(f(θ_pt)) at 50 %"
    assert str(Teacher(FULL)) == "p(A_std(f(θ_pt)))"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sparsity": 1.0}, "sparsity is 1.0"),
        ({"sparsity": -0.1}, "sparsity is -0.1"),
        ({"method": "magic"}, "method is 'magic': give MaskTraining, IterativePruning or OneShot"),
        ({"loss": "ce"}, "loss 'ce' is unknown: choose one of std, poe, reweight, confreg, reweight-normalised"),
        ({"method": replace(TRAINED, gradual=Gradual(0.8))}, "from 0.8 to 0.7 falls"),
        ({"loss": "confreg"}, "'confreg' needs a teacher"),
        ({"teacher": Teacher(FULL)}, "no other loss takes one"),
        ({"loss": "confreg", "teacher": Teacher(replace(FULL, data=Data("fact", "abc")))}, "on the same data"),
        ({"method": ITERATIVE, "sparsity": 0.75}, "passes through 0.1, 0.2, ... 0.9"),
        ({"method": OneShot()}, "one-shot pruning trains nothing: it takes no loss 'poe'"),
    ],
)
def test_impossible_experiments(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(MASKED, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("interval", [0, -1])
def test_impossible_intervals(interval: int) -> None:
    for changed in (TRAINED, FULL):
        with pytest.raises(InputError, match=f"interval is {interval}: give a positive number of steps"):
            replace(changed, interval=interval)


def test_an_unknown_initialisation() -> None:
    with pytest.raises(InputError, match="init 'warm' is unknown: choose one of hard, soft"):
        replace(TRAINED, init="warm")


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"lr": 0.0},
        {"lr": float("inf")},
        {"warmup": 11},
        {"clip": -1.0},
        {"batch_size": 0},
        {"weight_decay": float("nan")},
    ],
)
def test_impossible_recipes(changes: dict[str, float]) -> None:
    with pytest.raises(InputError, match="recipe: "):
        Recipe(**{"steps": 10, **changes})  # type: ignore[arg-type]


def test_unknown_task() -> None:
    with pytest.raises(InputError, match="task 'nlu' is unknown: choose one of nli, paraphrase, fact"):
        Data("nlu", "abc")


@pytest.mark.parametrize("checkpoints", [(50, 10), (10, 10), (0,), (100,)])
def test_impossible_checkpoints(checkpoints: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="give rising steps between 0 and 100"):
        replace(FULL, checkpoints=checkpoints)
    with pytest.raises(InputError, match="step 20 is none of the fine-tuning's checkpoints"):
        Checkpoint(LONG, 20)


@pytest.mark.parametrize("ramp", [0.0, 1.1, -1.0])
def test_impossible_ramp(ramp: float) -> None:
    with pytest.raises(InputError, match="ramp is"):
        Gradual(0.2, ramp)


def test_the_readme_s_expressions_read_as_their_comments_say() -> None:
    program = (
        (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split("```python\n")[2].split("```")[0]
    )
    names: dict[str, Experiment] = {}
    exec(program, names)
    for line in re.findall(r"^(\w+) = .*# (.*)$", program, re.MULTILINE):
        shown = re.sub(r"M\(P.* at 70 %\)", "M(...)", str(names[line[0]]).removesuffix(" at 70 %"))
        assert shown == line[1]
