"""CAA on matrices and maps small enough to work out by hand, and its attention against a block's own."""

import numpy as np
import pytest
import torch

from inspector.analysis import caa, last_block
from inspector.errors import ModelMemoryError
from tests.toy_clip import ToyClip


def test_affinity_is_symmetric_and_doubly_stochastic_where_sinkhorn_converges():
    attention = torch.tensor([[4.0, 1.0], [1.0, 4.0]])
    torch.testing.assert_close(caa.affinity(attention.clone()), attention / 5)
    uneven = torch.rand(9, 9, generator=torch.Generator().manual_seed(0)) + 0.1
    found = caa.affinity(uneven.clone())
    torch.testing.assert_close(found, found.T)
    torch.testing.assert_close(found.sum(1), torch.ones(9), atol=2e-3, rtol=0)


def test_the_mirror_is_right_in_blocks_too(monkeypatch):
    attention = torch.rand(7, 7, generator=torch.Generator().manual_seed(1)) + 0.1
    whole = caa.affinity(attention.clone())
    monkeypatch.setattr(caa.memory, "BUDGET", 8 * 4 * 7 * 2)  # two rows at a time
    torch.testing.assert_close(caa.affinity(attention.clone()), whole)


def test_boxes_enclose_each_strong_part_and_touch_no_other():
    map_ = np.zeros((5, 6), np.float32)
    map_[0, 0], map_[1, 1] = 1.0, 0.5  # joined at a corner
    map_[4, 5], map_[3, 3] = 0.41, 0.4  # 0.4 of the maximum is not above it
    expected = np.zeros((5, 6), bool)
    expected[:2, :2] = expected[4, 5] = True
    np.testing.assert_array_equal(caa.box_mask(map_), expected)
    assert not caa.box_mask(-map_).any()


def test_refine_multiplies_twice_and_leaves_out_what_lies_in_no_box():
    affine = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    map_ = np.array([[[1.0, 0.2, 0.0]]], np.float32)  # 0.2 is weak, and no neighbour's box covers it
    # [1, 0, 0] once: [.5, .5, 0]; twice: [.5, .25, .25].
    np.testing.assert_allclose(caa.refine(map_, affine), [[[0.5, 0.25, 0.25]]], atol=1e-6)


def test_attention_is_the_blocks_own():
    """Of torch's own multi-head attention, averaged over heads and blocks, without the class token and registers."""
    model = ToyClip(torch.float32, registers=1)
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    trunk, found = caa.attentive_trunk(model, model.pixels(image))
    assert torch.equal(trunk.tokens, model.trunk(model.pixels(image)).tokens)
    inputs = []
    handles = [block.register_forward_pre_hook(lambda _, args: inputs.append(args[0])) for block in model.blocks[:-1]]
    inputs.append(model.trunk(model.pixels(image)).tokens)
    for handle in handles:
        handle.remove()
    with torch.no_grad():
        normed = [block.ln_1(tokens) for block, tokens in zip(model.blocks, inputs, strict=True)]
        own = [block.attn(item, item, item)[1][0, 2:, 2:] for block, item in zip(model.blocks, normed, strict=True)]
    torch.testing.assert_close(found, torch.stack(own).mean(0), atol=1e-5, rtol=1e-4)
    assert last_block.check_block(model.blocks[0])


def test_too_many_patches_are_refused_before_the_matrix_is_made(monkeypatch):
    monkeypatch.setattr(caa, "MOST_PATCHES", 35)
    model = ToyClip(torch.float32)
    with pytest.raises(ModelMemoryError, match="all 36 patches, and at most 35 fit"):
        caa.attentive_trunk(model, model.pixels(np.zeros((48, 48, 3), np.uint8)))
