"""The plain model within what a user has, and leaving it as it was found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from srnet.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def plain(model: object) -> "PreTrainedModel":
    """Return the model of transformers that is meant, out of `DataParallel` or `torch.compile`; masks have its names.

    Args:
        model: a model of transformers, or one that is wrapped for several devices or compiled.

    Raises:
        InputError: if there is none, or parts of it are not plain: adapters of PEFT, or parts compiled in place.
    """
    from transformers import PreTrainedModel

    if _is_peft(model):
        raise InputError(f"{type(model).__name__}: {MERGE}")
    inner = model
    while not isinstance(inner, PreTrainedModel):
        if isinstance(inner, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = inner.module
        elif isinstance(inner, nn.Module) and "_orig_mod" in inner._modules:  # of torch.compile
            inner = inner._orig_mod
        else:
            held = f"{type(inner).__name__}: not a model of transformers"
            raise InputError(f"{held}; give one that AutoModelForSequenceClassification loads")
    for name, module in inner.named_modules():
        if _is_peft(module):
            raise InputError(f"{type(inner).__name__}: {name or 'the model'} is of PEFT: {MERGE}")
        if "_orig_mod" in module._modules or module._compiled_call_impl is not None:
            part = f"its part {name!r}" if name else "it"
            raise InputError(
                f"{type(inner).__name__}: {part} is compiled in place: load the model anew, and compile it afterwards"
            )
    return inner


MERGE = "merge its adapters into the weights first (model.merge_and_unload()), and give what that returns"


def _is_peft(module: object) -> bool:
    return any(kind.__module__.split(".")[0] == "peft" for kind in type(module).__mro__)


@contextmanager
def as_found(model: "PreTrainedModel") -> Iterator[None]:
    """Have `model` compute in float32 while the context lasts; then give it back its own tensors, and its modes.

    So what is found does not depend on the precision that the weights are stored in. What is done to weights of another
    precision is lost at the end.

    Raises:
        InputError: if the weights are not in memory.
    """
    tensors = [*model.parameters(), *model.buffers()]
    if any(tensor.is_meta for tensor in tensors):
        raise InputError(f"{type(model).__name__}: its weights are not in memory (device 'meta'): load all of it")
    modes = {module: module.training for module in model.modules()}
    others = [(tensor, tensor.data) for tensor in tensors if tensor.is_floating_point() and tensor.dtype != torch.float]
    for tensor, stored in others:
        tensor.data = stored.float()
    try:
        yield
    finally:
        for tensor, stored in others:
            tensor.data = stored
        for module, training in modes.items():
            module.training = training


def trainable(model: "PreTrainedModel") -> list[nn.Parameter]:
    """Return the parameters that training may move; frozen ones (``requires_grad`` is False) stay as they are.

    Raises:
        InputError: if there are none, or they are not float32: steps are smaller than coarser numbers can tell.
    """
    moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not moved:
        raise InputError(f"{type(model).__name__}: all its weights are frozen: set requires_grad of those to train")
    for parameter in moved:
        if parameter.dtype != torch.float:
            raise InputError(f"{type(model).__name__}: its weights are {parameter.dtype}: train it as model.float()")
    return moved
