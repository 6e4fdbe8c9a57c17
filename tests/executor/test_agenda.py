"""What is computed in which order, and what becomes of the rest when something goes wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from srnet import Recipe
from srnet.executor.agenda import Agenda, Outcome
from srnet.experiments.expressions import Bias, Data, Experiment, FineTuned, Pretrained, Pruned, Tokenised
from srnet.experiments.methods import MaskTraining
from srnet.store.store import Store

PLM, DATA = Pretrained("bert-base-uncased"), Data("nli", "abc")
TOKENS, BIAS = Tokenised(PLM, DATA), Bias(DATA)
FULL = FineTuned(PLM, DATA, seed=1, recipe=Recipe(steps=100))
OTHER = replace(FULL, seed=2)
MASK = Pruned(FULL, DATA, 1, 0.7, MaskTraining(Recipe(steps=50), interval=10))
FINER = replace(MASK, sparsity=0.5)
COMPUTED, BUSY = Outcome("computed"), Outcome("busy")


def write(store: Store, experiment: Experiment) -> None:
    with store.writing(experiment) as entry:
        assert entry is not None


def steps(experiment: Experiment) -> float:
    recipe = getattr(experiment, "recipe", None)
    return recipe.steps if recipe else 1


@pytest.fixture
def agenda(tmp_path: Path) -> Agenda:
    store = Store(tmp_path)
    write(store, TOKENS)
    write(store, BIAS)
    return Agenda([OTHER, MASK, FINER], store, steps)


def end(agenda: Agenda, experiment: Experiment, outcome: Outcome = COMPUTED) -> list[Experiment]:
    if outcome == COMPUTED:
        write(agenda.store, experiment)
    return agenda.end(experiment, outcome)


def test_an_earlier_stage_goes_first_with_all_that_it_needs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(store, TOKENS)
    write(store, BIAS)
    agenda = Agenda([OTHER, MASK, FINER], store, steps, [[OTHER], [FINER], [MASK]])
    assert agenda.take() == [OTHER, FULL]  # though the chain of the second is longer
    end(agenda, FULL)
    assert agenda.take() == [FINER, MASK]


def test_long_chains_go_first_and_operands_are_waited_for(agenda: Agenda) -> None:
    assert agenda.todo == [OTHER, FULL, MASK, FINER]
    with pytest.raises(KeyError):
        agenda.priority(TOKENS)  # what is there already is not ranked
    assert agenda.take(1) == [FULL]  # with a mask after it, it is the longer chain
    assert agenda.take() == [OTHER]
    assert agenda.take() == []
    assert end(agenda, FULL) == [FULL]
    assert agenda.take() == [MASK, FINER]
    assert not agenda.is_over
    for experiment in (MASK, FINER, OTHER):
        end(agenda, experiment)
    assert agenda.is_over
    assert agenda.report.computed == [FULL, MASK, FINER, OTHER]


def test_what_needs_a_failed_experiment_is_skipped_and_the_rest_goes_on(agenda: Agenda) -> None:
    agenda.take(1)
    assert end(agenda, FULL, Outcome("failed", "no room")) == [FULL, MASK, FINER]
    assert agenda.take() == [OTHER]
    end(agenda, OTHER)
    assert agenda.is_over
    assert agenda.report.failed == {FULL: "no room"}
    assert agenda.report.skipped == [MASK, FINER]


def test_what_another_process_computes_is_looked_at_again(agenda: Agenda, monkeypatch: pytest.MonkeyPatch) -> None:
    agenda.take(1)
    assert end(agenda, FULL, BUSY) == []
    assert agenda.look_again() == []
    assert agenda.take() == [OTHER]
    write(agenda.store, FULL)
    assert agenda.look_again() == [FULL]
    assert agenda.report.elsewhere == [FULL]
    assert agenda.take(1) == [MASK]
    end(agenda, MASK, BUSY)
    monkeypatch.setattr("srnet.executor.agenda.LOOK_AGAIN", 0.0)
    assert agenda.look_again() == []
    assert agenda.take() == [FINER, MASK]  # the other process has given it up


def test_a_damaged_operand_is_computed_anew_and_the_experiment_tried_again(agenda: Agenda) -> None:
    agenda.take()
    end(agenda, FULL)
    assert agenda.take(1) == [MASK]
    (agenda.store.folder(FULL) / "record.json").write_text("{}")
    assert end(agenda, MASK, Outcome("damaged", FULL.key)) == []
    assert agenda.take() == [FULL]
    assert "record.json" in agenda.report.damaged[0]
    end(agenda, FULL)
    assert agenda.take() == [FINER, MASK]
    assert agenda.report.computed == [FULL, FULL]


def test_an_operand_that_others_have_set_aside_meanwhile_is_waited_for(agenda: Agenda) -> None:
    agenda.take()
    end(agenda, FULL)
    assert agenda.take() == [MASK, FINER]
    (agenda.store.folder(FULL) / "record.json").write_text("{}")
    for experiment in (MASK, FINER):  # the second finds nothing where the first has found damage
        assert end(agenda, experiment, Outcome("damaged", FULL.key)) == []
    assert agenda.take() == [FULL]
    assert len(agenda.report.damaged) == 1
    end(agenda, FULL)
    assert agenda.take() == [MASK, FINER]
    assert not agenda.report.failed


def test_what_is_damaged_again_and_again_fails(agenda: Agenda) -> None:
    agenda.take()
    for _ in range(2):
        end(agenda, FULL)
        agenda.take(1)
        (agenda.store.folder(FULL) / "record.json").write_text("{}")
        ended = end(agenda, MASK, Outcome("damaged", FULL.key))
        agenda.take(1)
    assert ended == [MASK]
    assert list(agenda.report.failed) == [MASK]


def test_a_full_disk_stops_the_run(agenda: Agenda) -> None:
    agenda.take()
    end(agenda, OTHER, Outcome("full", "No space left on device"))
    assert agenda.report.stopped == "No space left on device"
    assert agenda.report.not_tried == [MASK, FINER]
    assert not agenda.is_over  # one experiment still runs
    end(agenda, FULL)
    assert agenda.is_over


def test_a_run_that_has_lost_its_workers_stops_with_what_had_begun(agenda: Agenda) -> None:
    agenda.take()
    agenda.stop("the scheduler is gone")
    assert agenda.is_over
    assert agenda.report.not_tried == [OTHER, FULL, MASK, FINER]
    assert not agenda.report.failed


def test_what_is_not_whole_is_set_aside_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for experiment in (TOKENS, BIAS, OTHER):
        write(store, experiment)
    (store.folder(OTHER) / "record.json").unlink()
    agenda = Agenda([OTHER], store, steps)
    assert agenda.todo == [OTHER]
    assert "the record is missing" in agenda.report.damaged[0]
    assert len(store.aside()) == 1
