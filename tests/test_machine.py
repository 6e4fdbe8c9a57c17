"""How many experiments run at once, and where."""

import os

import pytest
import torch

from srnet.machine import cores, machine, one_thread, place, places, processor


def test_one_experiment_for_each_gpu_or_else_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert (place(""), places("")) == ("cpu", cores())
    assert 1 <= cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert (place(""), places("")) == ("cuda", 4)
    assert (place("cuda:2"), places("cuda:2")) == ("cuda:2", 1)
    assert (place("cpu"), places("cpu")) == ("cpu", cores())


def test_a_processor_has_a_name() -> None:
    assert processor()
    assert processor() == processor().strip()
    assert machine("cpu")["processor"] == processor()


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (
            "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Some CPU\nstepping\t: 8\n\nprocessor\t: 1\n"
            "model\t\t: 1\n",
            "Some CPU, family 6, model 143, stepping 8",
        ),
        ("processor\t: 0\nmodel name\t: Some CPU\n", "Some CPU"),
        ("processor\t: 0\nCPU part\t: 0xd40\n", "of the platform"),
    ],
    ids=["numbers", "no numbers", "no name"],
)
def test_generations_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch, cpuinfo: str, name: str) -> None:
    monkeypatch.setattr("pathlib.Path.read_text", lambda _: cpuinfo)
    monkeypatch.setattr("platform.processor", lambda: "of the platform")
    assert processor.__wrapped__() == name


def test_threads_are_given_back_after_an_error() -> None:
    def fails() -> None:
        with one_thread():
            assert torch.get_num_threads() == 1
            raise ValueError("failed")

    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="failed"):
            fails()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
