"""Urgency, critical path and makespan on random graphs, against what no or every list schedule can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnet.experiments import Experiment
from srnet.schedule import critical_path, makespan, urgency


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


def total(jobs: list[Job]) -> int:
    return sum(job.seconds for job in jobs)


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
def test_urgency_is_the_longest_chain_from_an_experiment_on(jobs: list[Job]) -> None:
    assert urgency(jobs, seconds) == {job: chains(job, jobs) for job in jobs}
    assert critical_path(jobs, seconds) == max(chains(job, jobs) for job in jobs)


@given(graphs(), st.integers(1, 5), st.booleans())
def test_makespan_is_between_what_none_and_what_every_list_schedule_reaches(
    jobs: list[Job], workers: int, first_come: bool
) -> None:
    priority: dict[Experiment, float] | None = {job: -job.number for job in jobs} if first_come else None
    found, longest = makespan(jobs, seconds, workers, priority), critical_path(jobs, seconds)
    assert found >= max(longest, total(jobs) / workers)
    assert found <= total(jobs) / workers + (1 - 1 / workers) * longest + 1e-9


@given(graphs())
def test_one_worker_takes_the_total_and_without_limit_the_critical_path(jobs: list[Job]) -> None:
    assert makespan(jobs, seconds, 1) == total(jobs)
    assert makespan(jobs, seconds, inf) == makespan(jobs, seconds, len(jobs)) == critical_path(jobs, seconds)


def simulated(jobs: list[Job], workers: int, rank: Mapping[Experiment, float]) -> int:
    """The length of a list schedule, second by second."""
    waiting, running, done, now = (
        sorted(jobs, key=lambda job: (-rank[job], job.number)),
        dict[Job, int](),
        set[Job](),
        0,
    )
    while waiting or running:
        for job in [job for job in waiting if done.issuperset(job.needs)][: workers - len(running)]:
            waiting.remove(job)
            running[job] = now + job.seconds
        ended = [job for job, end in running.items() if end == now]
        for job in ended:
            del running[job]
            done.add(job)
        if not ended:
            now += 1
    return now


@given(graphs(), st.integers(1, 4), st.booleans())
def test_makespan_is_that_of_a_schedule_simulated_second_by_second(
    jobs: list[Job], workers: int, first_come: bool
) -> None:
    order: dict[Experiment, float] = {job: -job.number for job in jobs}
    rank = order if first_come else urgency(jobs, seconds)
    assert makespan(jobs, seconds, workers, order if first_come else None) == simulated(jobs, workers, rank)


def test_a_long_chain_goes_first() -> None:
    start = Job(0, 1)
    short = [Job(number, 2) for number in range(1, 5)]
    chain = Job(5, 4, (start,))
    jobs = [*short, start, chain]
    assert makespan(jobs, seconds, 2) == 7  # (start, chain, short) beside (short, short, short)
    first_come: dict[Experiment, float] = {job: -index for index, job in enumerate(jobs)}
    assert makespan(jobs, seconds, 2, first_come) == 9


def test_operands_that_are_not_given_are_done() -> None:
    there = Job(0, 100)
    assert makespan([Job(1, 3, (there,))], seconds, 1) == critical_path([Job(1, 3, (there,))], seconds) == 3


def test_nothing_takes_no_time() -> None:
    assert makespan([], seconds, 4) == critical_path([], seconds) == 0
    assert urgency([], seconds) == {}


def test_an_experiment_whose_operand_comes_later_is_refused() -> None:
    late = Job(0, 1)
    with pytest.raises(ValueError, match="operands first"):
        makespan([Job(1, 1, (late,)), late], seconds, 1)
