"""DiffSeg on distributions that can be worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inspector.analysis import diffseg
from inspector.trace.self_attention import SelfAttention


class Known(SelfAttention):
    """A layer whose rows are given."""

    def rows(self, places: slice, image: int = 0) -> torch.Tensor:
        return self.query[places]


def layer(rows: list[list[float]] | torch.Tensor, grid: tuple[int, int]) -> Known:
    return Known("layer", SimpleNamespace(heads=1), torch.as_tensor(rows), torch.empty(0), grid)


def test_divergence_by_hand():
    left, right = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.9, 0.1], [0.5, 0.5]])
    # (KL + KL') / 2 = sum (a - b) (log a - log b) / 2 = (.4 log(.9/.5) + .4 log(.5/.1)) / 2
    expected = (0.4 * np.log(9 / 5) + 0.4 * np.log(5)) / 2
    torch.testing.assert_close(diffseg.divergence(left, right), torch.tensor([[expected, 0.0]], dtype=torch.float32))
    torch.testing.assert_close(diffseg.divergence(right[:1], left), torch.tensor([[expected]], dtype=torch.float32))


def halves(strength: float) -> torch.Tensor:
    """Maps of 4 x 4 cells: those of the left half look left with this probability, those of the right half right."""
    left = torch.zeros(4, 4)
    left[:, :2], left[:, 2:] = strength / 8, (1 - strength) / 8
    return torch.stack([left.flatten() if cell % 4 < 2 else left.flip(1).flatten() for cell in range(16)])


@pytest.mark.parametrize(("strength", "count"), [(0.9, 2), (0.6, 1)])
def test_two_blocks_stay_two_where_they_are_farther_than_the_threshold(strength, count):
    """Their distance is (2s - 1) log(s / (1 - s)): 1.76 nats at .9, 0.08 at .6."""
    maps = halves(strength)
    distance = (2 * strength - 1) * np.log(strength / (1 - strength))
    assert float(diffseg.divergence(maps[:1], maps[-1:])) == pytest.approx(distance, rel=1e-4)
    found = diffseg.merge(maps, diffseg.anchors((4, 4), 2))
    assert len(found) == count
    torch.testing.assert_close(found.sum(1), torch.ones(count))
    labels = diffseg.regions(found, (4, 4), (8, 8))
    assert labels.max() + 1 == count
    if count == 2:
        assert (labels[:, :4] == labels[0, 0]).all()
        assert (labels[:, 4:] == labels[0, 7]).all()


def test_merging_goes_on_with_the_merged_means():
    """Three in a row: the middle one is near both, which are far from each other; one round merges greedily."""
    share = [0.5, 0.7, 0.9]
    maps = torch.tensor([[value, 1 - value] for value in share])
    near = float(diffseg.divergence(maps[:1], maps[1:2]))
    far = float(diffseg.divergence(maps[:1], maps[2:]))
    threshold = 0.9 * float(diffseg.divergence(maps[1:2], maps[2:]))
    assert near < threshold < far
    found = diffseg.merge(maps, torch.arange(3), threshold, rounds=2)
    # First each becomes the mean of what is near: (.6, .6, .9); then the equal ones are one.
    torch.testing.assert_close(found[:, 0], torch.tensor([0.6, 0.9]))


def test_layers_are_averaged_by_their_height_and_rows_sum_to_one():
    coarse = layer([[1.0]], (1, 1))  # looks everywhere alike: a quarter each
    fine = layer(torch.eye(4), (2, 2))
    total, grid = diffseg.aggregate([coarse, fine])
    assert grid == (2, 2)
    torch.testing.assert_close(total, torch.full((4, 4), 0.25) / 3 + torch.eye(4) * 2 / 3)


def test_coarse_rows_are_repeated_for_the_cells_that_lie_in_them():
    coarse = layer([[0.8, 0.2], [0.3, 0.7]], (1, 2))
    total, _ = diffseg.aggregate([coarse, layer(torch.eye(8), (2, 4))])
    own = (total - torch.eye(8) * 2 / 3) * 3
    torch.testing.assert_close(own.sum(1), torch.ones(8))
    torch.testing.assert_close(own[0], own[5])  # left cells, of either row
    torch.testing.assert_close(own[2], own[7])
    assert float(own[0, 0]) == pytest.approx(0.8 / 4, rel=1e-4)  # a quarter of the cells at the left edge are its own


def test_a_grid_too_large_is_averaged_two_by_two():
    rows = torch.rand(16, 16, generator=torch.Generator().manual_seed(2))
    rows /= rows.sum(1, keepdim=True)
    total, grid = diffseg.aggregate([layer(rows, (4, 4))], room=4 * 4 * 4)
    assert grid == (2, 2)
    cells = rows.reshape(2, 2, 2, 2, 2, 2, 2, 2)  # down, its half, right, its half; of the row, then of where it looks
    torch.testing.assert_close(total, cells.mean((1, 3)).sum((3, 5)).reshape(4, 4))


def test_anchors_are_sixteen_a_side_of_stable_diffusion():
    found = diffseg.anchors((64, 64))
    assert len(found) == 256
    assert found[:2].tolist() == [2 * 64 + 2, 2 * 64 + 6]
    assert diffseg.anchors((2, 3)).tolist() == [1 * 3 + 1]
