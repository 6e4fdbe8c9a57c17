"""Which weights a training leaves."""

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from srnet.training.selection import Best, is_due, times_due
from srnet.training.snapshots import Snapshot


@given(interval=st.integers(1, 60), steps=st.integers(1, 200))
def test_evaluations_come_every_interval_and_at_the_end(interval: int, steps: int) -> None:
    due = [step for step in range(1, steps + 1) if is_due(step, interval, steps)]
    assert due == sorted({*range(interval, steps + 1, interval), steps})
    assert len(due) == times_due(interval, steps)


@given(scores=st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=1, max_size=8))
def test_a_copy_of_the_earliest_best_is_kept(scores: list[float]) -> None:
    best, weights = Best(), {"w": torch.zeros(1)}
    for step, score in enumerate(scores, start=1):
        weights["w"].fill_(step)
        best.see(step, score, weights)
    assert best.step == best.kept["w"].item() == scores.index(max(scores)) + 1
    assert best.selection == list(enumerate(scores, start=1))


def test_what_an_interrupted_run_had_seen_is_taken_up(tmp_path: Path) -> None:
    first = Snapshot(tmp_path, every=0, about={})
    Best(first).see(3, 0.75, {"w": torch.ones(2)})
    first.tick()
    again = Best(Snapshot(tmp_path, every=0, about={}))
    again.see(6, 0.75, {"w": torch.zeros(2)})
    assert (again.step, again.selection) == (3, [(3, 0.75), (6, 0.75)])
    assert torch.equal(again.kept["w"], torch.ones(2))
