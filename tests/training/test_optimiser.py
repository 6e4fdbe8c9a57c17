"""The buffer that all trained tensors lie in, and AdamW on it."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from srnet.errors import InputError
from srnet.training.flat import Flat
from srnet.training.optimiser import Optimiser
from srnet.training.recipe import Recipe


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def test_parameters_lie_in_the_buffer_while_they_are_lent() -> None:
    model = layers()
    parameters, before = list(model.parameters()), [parameter.detach().clone() for parameter in model.parameters()]
    flat = Flat(parameters)
    assert len(flat.whole) == sum(parameter.numel() for parameter in parameters)
    flat.lend(parameters)
    flat.whole.mul_(2)
    assert all(torch.equal(parameter, 2 * old) for parameter, old in zip(parameters, before, strict=True))
    with torch.no_grad():
        parameters[1].fill_(9.0)
    assert (flat.parts(flat.whole)[1] == 9).all()
    flat.release()
    flat.whole.zero_()
    assert torch.equal(parameters[0], 2 * before[0])
    assert all(parameter.untyped_storage().nbytes() == parameter.nbytes for parameter in parameters)


def test_tensors_that_cannot_lie_together_are_refused() -> None:
    with pytest.raises(InputError, match=r"torch\.float32 on cpu and torch\.float64 on cpu"):
        Flat([torch.ones(2), torch.ones(2, dtype=torch.float64)])
    with pytest.raises(InputError, match="one device: none"):
        Flat([])


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_steps_as_torch_does(each: bool, decay: float) -> None:
    """Held against AdamW over a list of tensors, and torch's own clipping."""
    mine = layers()
    theirs = deepcopy(mine)
    optimiser = Optimiser(list(mine.parameters()), Recipe(8, lr=1e-2, weight_decay=decay, clip=0.1, clip_each=each))
    adam = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=decay)
    for step in range(8):
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        for model in (mine, theirs):
            torch.sum(model(x) ** 2).backward()
        for clipped in [[parameter] for parameter in theirs.parameters()] if each else [list(theirs.parameters())]:
            torch.nn.utils.clip_grad_norm_(clipped, 0.1)
        adam.param_groups[0]["lr"] = 1e-2 * (8 - step) / 8
        optimiser.step()
        adam.step()
        adam.zero_grad()
        assert all(parameter.grad is None for parameter in mine.parameters())
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_parameter_that_the_loss_does_not_depend_on_stays() -> None:
    model, unused = nn.Linear(5, 3), nn.Parameter(torch.ones(3))
    optimiser = Optimiser([unused, *model.parameters()], Recipe(2, lr=1e-2))
    before = model.weight.detach().clone()
    model(torch.ones(1, 5)).sum().backward()
    optimiser.step()
    assert torch.equal(unused, torch.ones(3))
    assert not torch.equal(model.weight, before)
