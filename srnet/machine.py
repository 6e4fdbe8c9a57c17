"""The machine that computes: its cores and GPUs, one thread for each process, and what a record says of it."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT_MEMORY, LARGEST_KEPT = 2**29, 2**25  # bytes in all, and of one tensor; glibc takes no more for the latter
PROCESSOR_NUMBERS = {"family": "cpu family", "model": "model", "stepping": "stepping"}  # in /proc/cpuinfo


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def place(device: str) -> str:
    """Return the torch device that this process computes on: the one asked for, else a GPU if there is one."""
    return device or ("cuda" if torch.cuda.is_available() else "cpu")


def places(device: str) -> int:
    """Return how many experiments run best at once: one per GPU, or one per core that this process may use.

    Args:
        device: the torch device asked for, if any.
    """
    if place(device).startswith("cuda"):
        return 1 if device else torch.cuda.device_count()
    return cores()


def own_gpu(device: str, worker: object) -> str:
    """Return the device of the worker of that name; workers of this machine are numbered, and each has its own GPU."""
    gpus = torch.cuda.device_count()
    return f"cuda:{worker % gpus}" if not device and gpus > 1 and isinstance(worker, int) else device


def machine(device: str) -> dict[str, object]:
    """Return what computes in this process.

    Args:
        device: torch device that experiments run on.
    """
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return {"device": name, "processor": processor(), "threads": torch.get_num_threads(), "process": os.getpid()}


@cache
def processor() -> str:
    """Return the name of this machine's processor; on another one, sums of floats may differ in their last bits.

    Where several generations share a name, as virtual machines' do, family, model and stepping tell them apart.
    """
    about: dict[str, str] = {}
    with suppress(OSError):  # Linux alone has this file, and Arm processors no name in it
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]  # the first core
        about = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    if "model name" not in about:
        return platform.processor() or platform.machine()
    numbers = [f"{name} {about[key]}" for name, key in PROCESSOR_NUMBERS.items() if key in about]
    return ", ".join([about["model name"], *numbers])


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device; a GPU goes on computing meanwhile, and the CPU does not wait for it."""
    if device.type == "cuda":  # only from pinned memory is a copy made while the GPU computes
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has computed what it was given; only then does a clock tell how long that took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def emulates_bfloat16(device: str) -> bool:
    """Tell whether a device has no instructions for bfloat16, so that training in it takes longer than in float32.

    Args:
        device: torch device that experiments run on.
    """
    if device.startswith("cuda"):
        return not torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return not any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # the last is Arm's


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, so that a result does not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_memory() -> None:
    """Have glibc keep the memory that a training step frees for the next one, and not give it back to the system.

    Dask has its workers give back all they can, and then a fifth of their time goes into getting it again.
    """
    with suppress(OSError, AttributeError):  # where there is no glibc, there is nothing to do
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY)
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
