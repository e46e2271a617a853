"""DiffSegmenter's levels, weights and spreading, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inspector.analysis import diffsegmenter
from inspector.trace.self_attention import SelfAttention


def test_levels_are_halvings_of_the_latents_whatever_their_size():
    assert [diffsegmenter.level((side, side), (64, 64)) for side in (64, 32, 16, 8)] == [0, 1, 2, 3]
    assert [diffsegmenter.level((side, side), (32, 32)) for side in (32, 16, 8, 4)] == [0, 1, 2, 3]
    assert diffsegmenter.level((3, 5), (11, 18)) == 2  # 11 x 18, 6 x 9, 3 x 5: rounded up


def test_weights_of_the_paper_by_hand():
    maps = {place: np.array([[0.0, 1.0]], np.float32) for place in range(4)}
    maps[2] = np.array([[8.0, 4.0]], np.float32)  # 16 cells: weight .5, stretched to 1 and 0
    np.testing.assert_allclose(diffsegmenter.combine(maps, (1, 2)), [[0.5, 0.5]], atol=1e-6)
    del maps[3], maps[0]  # .1 and .5 are left: their shares are 1/6 and 5/6
    np.testing.assert_allclose(diffsegmenter.combine(maps, (1, 2)), [[5 / 6, 1 / 6]], atol=1e-6)


def test_layers_of_one_level_are_averaged():
    maps = {"a": np.array([[1.0, 3.0]]), "b": np.array([[3.0, 3.0]]), "c": np.array([[7.0]])}
    found = diffsegmenter.by_level(maps, (1, 2))
    assert {place: map_.tolist() for place, map_ in found.items()} == {0: [[2.0, 3.0]], 1: [[7.0]]}


def test_a_constant_map_stretches_to_nothing():
    assert diffsegmenter.stretch(np.full((1, 2), 3.0)).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("rows", [1, 4])
def test_spreading_is_a_product_with_the_mean_over_heads(rows, monkeypatch):
    """Two heads of one channel; keys of 0 make one head look everywhere alike."""
    module = SimpleNamespace(heads=2, scale=1.0, norm_q=None, norm_k=None)
    query = torch.tensor([[[1.0, 1.0], [0.0, 1.0], [2.0, 1.0], [-1.0, 1.0]]])
    key = torch.tensor([[[0.0, 0.0], [np.log(2), 0.0], [np.log(3), 0.0], [0.0, 0.0]]])
    layer = SelfAttention("a", module, query, key, (2, 2))
    monkeypatch.setattr(diffsegmenter.memory, "BUDGET", rows * 8 * layer.row_bytes())
    found = diffsegmenter.spread(np.array([[0.0, 7.0], [0.0, 0.0]]), [layer])
    # Of the first head's softmax over 1, 2^q, 3^q, 1 the second entry, and of the other's a quarter.
    weights = [2**q / (2 + 2**q + 3**q) for q in (1.0, 0.0, 2.0, -1.0)]
    np.testing.assert_allclose(found.ravel(), [7 * (weight + 0.25) / 2 for weight in weights], rtol=1e-5)
