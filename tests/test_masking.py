"""Masks: exact counts, ties, files, and refusing what does not fit."""

from math import floor, log2
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from srnet.errors import InputError
from srnet.masking import Mask, count_zeros, solve, threshold
from srnet.pruning.magnitude import magnitude_mask

hundredths = st.integers(0, 99)


@st.composite
def scores(draw: st.DrawFn) -> Tensor:
    """Matrices with many ties, or with none."""
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    if draw(st.booleans()):
        return torch.randint(-1, 2, shape, generator=generator).float()
    return torch.randn(shape, generator=generator)


def keep_largest(matrix: Tensor, sparsity: float) -> Tensor:
    ((_, keep),) = solve({"w": matrix}, sparsity).values()
    return keep


@given(percent=hundredths, size=st.integers(1, 10_000_000))
def test_count_is_exact(percent: int, size: int) -> None:
    assert count_zeros(percent / 100, size) == percent * size // 100


def test_count_where_floating_point_fails() -> None:
    assert floor(0.29 * 100) == 28  # what the decimal form avoids
    assert count_zeros(0.29, 100) == 29


@pytest.mark.parametrize("sparsity", [-0.01, 1.0, 1.5, float("nan"), float("inf")])
def test_sparsity_out_of_range(sparsity: float) -> None:
    with pytest.raises(InputError, match="sparsity is"):
        count_zeros(sparsity, 10)


@settings(deadline=None)
@given(matrix=scores(), percent=hundredths)
def test_exactly_the_smallest_fall_and_ties_fall_by_index(matrix: Tensor, percent: int) -> None:
    keep = keep_largest(matrix, percent / 100).flatten().numpy()
    k = percent * matrix.numel() // 100
    expected = np.ones(matrix.numel(), dtype=bool)
    expected[np.argsort(matrix.flatten().numpy(), kind="stable")[:k]] = False
    np.testing.assert_array_equal(keep, expected)


@settings(deadline=None)
@given(matrix=scores(), percent=hundredths)
def test_threshold_separates_what_falls_from_what_stays(matrix: Tensor, percent: int) -> None:
    keep, cut = keep_largest(matrix, percent / 100), threshold(matrix, percent / 100)
    assert (matrix[~keep] <= cut).all()
    assert (matrix[keep] >= cut).all()
    if len(matrix.unique()) == matrix.numel():
        assert torch.equal(matrix > cut, keep)


@settings(deadline=None)
@given(matrix=scores(), low=hundredths, high=hundredths)
def test_masks_are_nested(matrix: Tensor, low: int, high: int) -> None:
    low, high = sorted((low, high))
    assert not (keep_largest(matrix, high / 100) & ~keep_largest(matrix, low / 100)).any()


def test_scores_that_are_not_numbers() -> None:
    with pytest.raises(InputError, match="not a number"):
        keep_largest(torch.tensor([1.0, float("nan")]), 0.5)


networks = st.lists(scores(), min_size=1, max_size=4).map(lambda matrices: dict(zip("dbca", matrices, strict=False)))


@settings(deadline=None)
@given(network=networks, percent=hundredths)
def test_a_solution_is_that_of_each_matrix(network: dict[str, Tensor], percent: int) -> None:
    solution = solve(network, percent / 100)
    assert list(solution) == list(network)
    for name, (cut, keep) in solution.items():
        assert torch.equal(keep, keep_largest(network[name], percent / 100))
        assert torch.equal(cut, threshold(network[name], percent / 100))
        assert (~keep).sum() == percent * keep.numel() // 100


@settings(deadline=None)
@given(network=networks, percent=hundredths)
def test_thresholds_agree_with_the_masks(network: dict[str, Tensor], percent: int) -> None:
    solution = solve(network, percent / 100)
    for name, (cut, keep) in solution.items():
        matrix = network[name]
        assert cut.shape == ()
        assert cut.dtype == matrix.dtype
        assert (matrix[~keep] <= cut).all()
        assert (matrix[keep] >= cut).all()
        if len(matrix.unique()) == matrix.numel():
            assert torch.equal(matrix > cut, keep)


def test_of_ties_the_first_of_each_matrix_fall() -> None:
    ones = {"b": torch.ones(2, 2), "a": torch.ones(3, 2)}  # in the order given, not that of the names
    kept = {name: keep.int().tolist() for name, (_, keep) in solve(ones, 0.5).items()}
    assert kept == {"b": [[0, 0], [1, 1]], "a": [[0, 0], [0, 1], [1, 1]]}


def test_solutions_leave_parameters_alone_and_carry_no_gradient() -> None:
    scores = nn.Parameter(torch.randn(4, 5, generator=torch.Generator().manual_seed(0)))
    before = scores.detach().clone()
    ((cut, keep),) = solve({"w": scores}, 0.3).values()
    assert not cut.requires_grad
    assert keep.dtype == torch.bool
    assert torch.equal(scores, before)
    ((_, of_the_transposed),) = solve({"w": scores.T}, 0.3).values()
    assert torch.equal(of_the_transposed.T, keep)


def test_what_cannot_be_solved() -> None:
    network = {"a": torch.ones(2, 2), "b": torch.tensor([1.0, float("nan")])}
    with pytest.raises(InputError, match="not a number"):
        solve(network, 0.5)
    with pytest.raises(InputError, match="sparsity is 1"):
        solve({"a": torch.ones(2, 2)}, 1.0)


def test_the_smallest_magnitudes_fall() -> None:
    weights = {"small": torch.tensor([[0.1, -0.2], [0.3, -0.4]]), "large": torch.tensor([[-1.0, 2.0]])}
    assert magnitude_mask(weights, 0.5) == Mask(
        {"small": torch.tensor([[False, False], [True, True]]), "large": torch.tensor([[False, True]])}
    )


@pytest.fixture
def mask() -> Mask:
    generator = torch.Generator().manual_seed(0)
    weights = {"0.weight": torch.randn(5, 7, generator=generator), "1.weight": torch.randn(3, 5, generator=generator)}
    mask = magnitude_mask(weights, 0.5)
    return Mask(mask, plm="tiny", fingerprint="abc")


def test_sparsity_overall_and_per_matrix(mask: Mask) -> None:
    assert mask.zeros() == {"0.weight": (17, 35), "1.weight": (7, 15)}
    assert mask.sparsity == pytest.approx(24 / 50)


@settings(deadline=None)
@given(matrix=scores(), percent=hundredths, compressed=st.booleans())
def test_file_round_trip(
    matrix: Tensor, percent: int, compressed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    mask = Mask({"w": keep_largest(matrix, percent / 100)}, "tiny", "abc")
    mask.save(path, compressed)
    read = Mask.load(path)
    assert torch.equal(read["w"], mask["w"])
    assert (read.plm, read.fingerprint) == ("tiny", "abc")


def test_equal_masks_make_equal_files_of_one_bit_a_weight(mask: Mask, tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.safetensors" for i in range(8)]
    for file in files:
        mask.save(file)
    assert len({file.read_bytes() for file in files}) == 1
    large = Mask({"w": torch.ones(1000, 1000, dtype=torch.bool)})
    large.save(tmp_path / "large")
    assert (tmp_path / "large").stat().st_size < 1000 * 1000 / 8 + 500


@pytest.mark.parametrize("sparsity", [0.2, 0.5, 0.7, 0.9])
def test_a_compressed_file_is_near_the_entropy_of_the_mask(sparsity: float, tmp_path: Path) -> None:
    weights = {"w": torch.randn(768, 768, generator=torch.Generator().manual_seed(0))}
    Mask(magnitude_mask(weights, sparsity)).save(tmp_path / "mask", compressed=True)
    entropy = -(sparsity * log2(sparsity) + (1 - sparsity) * log2(1 - sparsity))
    assert (tmp_path / "mask").stat().st_size * 8 / 768**2 < 1.03 * entropy


def test_apply_zeroes_exactly_what_the_mask_removes(mask: Mask) -> None:
    model = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    mask.apply_to(model)
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name] * mask[name] if name in mask else before[name])


def test_apply_to_a_model_of_another_shape_names_the_first_mismatch_and_changes_nothing(mask: Mask) -> None:
    model = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 4))
    before = model.get_parameter("0.weight").detach().clone()
    with pytest.raises(InputError, match=r"'1\.weight' is \[3, 5\] in the mask and \[4, 5\] in the model"):
        mask.apply_to(model)
    assert torch.equal(model.get_parameter("0.weight"), before)
    with pytest.raises(InputError, match=r"no weight '1\.weight'"):
        mask.apply_to(nn.Sequential(nn.Linear(7, 5)))


@pytest.mark.parametrize("matrices", [{}, {"w": torch.ones(2, 2)}, {"w": torch.ones(0, dtype=torch.bool)}])
def test_not_a_mask(matrices: dict[str, Tensor]) -> None:
    with pytest.raises(InputError):
        Mask(matrices)


def test_unreadable_files(mask: Mask, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such mask file"):
        Mask.load(tmp_path / "missing")
    (tmp_path / "text").write_text("not a mask")
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Mask.load(tmp_path / "text")
    mask.save(tmp_path / "wrong", compressed=True)
    content = bytearray((tmp_path / "wrong").read_bytes())
    content[-1] ^= 1
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Mask.load(tmp_path / "wrong")
    mask.save(tmp_path / "cut")
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-1])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Mask.load(tmp_path / "cut")
