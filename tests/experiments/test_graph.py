"""Urgency and critical path on random graphs."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnet.experiments.expressions import Experiment
from srnet.experiments.graph import critical_path, priorities


@dataclass(frozen=True)
class Job(Experiment):
    """An experiment of which the schedule knows only what it needs and how long it takes."""

    number: int
    seconds: int
    needs: "tuple[Job, ...]" = ()

    @property
    def operands(self) -> tuple[Experiment, ...]:
        return self.needs


def seconds(job: Experiment) -> float:
    assert isinstance(job, Job)
    return job.seconds


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    jobs: list[Job] = []
    for number in range(draw(st.integers(1, 12))):
        needs = draw(st.lists(st.sampled_from(jobs), unique=True, max_size=3)) if jobs else []
        jobs.append(Job(number, draw(st.integers(0, 9)), tuple(needs)))
    return jobs


def chains(job: Job, jobs: list[Job]) -> int:
    """The longest chain from a job on, by walking all of them."""
    return job.seconds + max((chains(user, jobs) for user in jobs if job in user.needs), default=0)


@given(graphs())
def test_priority_is_the_longest_chain_from_an_experiment_on(jobs: list[Job]) -> None:
    assert priorities(jobs, seconds) == {job: chains(job, jobs) for job in jobs}
    assert critical_path(jobs, seconds) == max(chains(job, jobs) for job in jobs)


def test_operands_that_are_not_given_are_done() -> None:
    there = Job(0, 100)
    assert priorities([Job(1, 3, (there,))], seconds) == {Job(1, 3, (there,)): 3}


def test_nothing_takes_no_time() -> None:
    assert critical_path([], seconds) == 0
    assert priorities([], seconds) == {}


def test_an_experiment_whose_operand_comes_later_is_refused() -> None:
    late = Job(0, 1)
    with pytest.raises(ValueError, match="operands first"):
        priorities([Job(1, 1, (late,)), late], seconds)
