"""Which records say the same."""

from typing import Any

import pytest

from srnet.store.records import LIBRARIES, same_results, same_setup

RECORD: dict[str, Any] = {
    "key": "abc",
    "title": "a mask",
    "software": {"srnet": "1", "python": "3.11", **dict.fromkeys(LIBRARIES, "2")},
    "metrics": {"hans": {"accuracy": 0.1 + 0.2, "bias": float("nan")}},
    "files": {"mask": {"sha256": "aa", "bytes": 3}, "logits": {"sha256": "bb", "bytes": 3}},
    "seconds": 1.5,
    "finished": "2026-01-01T00:00:00Z",
    "resumed": 0,
    "machine": {"device": "cpu", "processor": "EPYC", "threads": 1, "process": 7},
}


def test_what_may_differ_between_equal_runs_and_what_only_one_has() -> None:
    again = RECORD | {"seconds": 2.5, "resumed": 1, "finished": "", "machine": {"device": "H100"}, "title": "mask"}
    again |= {"software": {}, "metrics": {"hans": {"bias": float("nan"), "accuracy": 0.1 + 0.2}}}
    assert same_results(RECORD, again)
    without = {name: again[name] for name in again if name != "files"}
    assert same_results(RECORD, without)
    assert same_results(without, RECORD | {"zeros": 3})
    assert same_results(RECORD, again | {"files": {"mask": {"sha256": "aa", "bytes": 3}}})


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"hans": {"accuracy": 0.3, "bias": float("nan")}}},  # another number in its last bit
        {"files": {"mask": {"sha256": "ab", "bytes": 3}}},
        {"key": "abd"},
    ],
)
def test_a_bit_is_noticed(change: dict[str, Any]) -> None:
    assert not same_results(RECORD, RECORD | change)


def test_the_same_setup_is_libraries_device_and_processor() -> None:
    machine = RECORD["machine"]
    assert same_setup(RECORD, RECORD | {"machine": machine | {"process": 8}})
    assert same_setup(RECORD, RECORD | {"software": RECORD["software"] | {"srnet": "2"}})
    assert not same_setup(RECORD, RECORD | {"software": RECORD["software"] | {"torch": "3"}})
    assert not same_setup(RECORD, RECORD | {"machine": machine | {"device": "H100"}})
    assert not same_setup(RECORD, RECORD | {"machine": machine | {"processor": "Xeon"}})
    silent = {"key": "abc"}
    assert not same_setup(silent, silent)
