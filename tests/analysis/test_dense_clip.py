"""Each variant against its definition written out head by head, and the numbers that tell them apart."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from inspector.analysis.dense_clip import VARIANTS, dense_embeddings, dense_scores, patch_gaussian
from inspector.errors import ChoiceError
from inspector.models.protocols import Trunk
from tests.toy_clip import EMBED, WIDTH, ToyClip


def toy(**options):
    model = ToyClip(**options)
    image = np.random.default_rng(2).integers(0, 256, (40, 72, 3), dtype=np.uint8)
    return model, model.trunk(model.pixels(image))


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def attended_by_hand(model, trunk, weigh) -> torch.Tensor:
    """Attention output (1, n, width) where `weigh(q, k)` gives a head's weights (n, n) from numpy (n, head_dim)."""
    attention = model.last_block.attn
    normed = model.last_block.ln_1(trunk.tokens)[0].detach().numpy()
    weight, bias = attention.in_proj_weight.detach().numpy(), attention.in_proj_bias.detach().numpy()
    width = WIDTH // model.heads
    joined = []
    for head in range(model.heads):
        rows = [slice(part * WIDTH + head * width, part * WIDTH + (head + 1) * width) for part in range(3)]
        query, key, value = (normed @ weight[item].T + bias[item] for item in rows)
        joined.append(weigh(query, key) @ value)
    return attention.out_proj(torch.from_numpy(np.concatenate(joined, -1))[None])


def dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left @ right.T / math.sqrt(left.shape[-1])


def gaussian_by_loop(trunk: Trunk, sigma: float) -> np.ndarray:
    height, width = trunk.grid
    out = np.zeros((trunk.prefix + height * width,) * 2)
    for first in range(height * width):
        for second in range(height * width):
            down, right = first // width - second // width, first % width - second % width
            near = math.exp(-(down**2 + right**2) / (2 * sigma**2))
            out[trunk.prefix + first, trunk.prefix + second] = near
    return out


@pytest.mark.parametrize("registers", [0, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_is_its_definition(variant, registers):
    model, trunk = toy(registers=registers, ls_init_value=0.5)
    block = model.last_block
    near = gaussian_by_loop(trunk, 5.0)
    weigh = {
        "clip": lambda q, k: softmax(dot(q, k)),
        "maskclip": lambda q, k: np.eye(len(q)),
        "sclip": lambda q, k: softmax(dot(q, q)) + softmax(dot(k, k)),
        "clearclip": lambda q, k: softmax(dot(q, q)),
        "naclip": lambda q, k: softmax(dot(k, k) + near),
    }[variant]
    out = block.ls_1(attended_by_hand(model, trunk, weigh))
    if variant in ("clip", "maskclip", "sclip"):
        out = trunk.tokens + out
        out = out + block.ls_2(block.mlp(block.ln_2(out)))
    expected = model.dense(out, trunk)[0]
    found = dense_embeddings(model, trunk, variant)
    assert found.shape == (6 * 11, EMBED)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)  # the Gaussian is float32


def test_clip_is_the_model_itself():
    model, trunk = toy()
    expected = model.dense(model.last_block(trunk.tokens), trunk)[0]
    torch.testing.assert_close(dense_embeddings(model, trunk, "clip"), expected, atol=1e-12, rtol=1e-12)


def test_gaussian_of_two_by_three_patches():
    trunk = Trunk(tokens=torch.zeros(1, 7, 1), grid=(2, 3), prefix=1)
    near = patch_gaussian(trunk, 5.0)
    assert near.shape == (7, 7)
    assert near[0].abs().sum() == near[:, 0].abs().sum() == 0
    assert near[1, 1] == 1
    assert float(near[1, 6]) == pytest.approx(math.exp(-(1 + 4) / 50))  # one row down, two columns right
    assert float(near[3, 4]) == pytest.approx(math.exp(-(1 + 4) / 50))  # neighbours in the list, far on the grid


def test_scores_are_cosines_on_the_grid():
    model, trunk = toy()
    embeddings = dense_embeddings(model, trunk, "maskclip")
    texts = torch.stack([embeddings[14] * 3, -embeddings[14]])
    scores = dense_scores(model, trunk, texts, "maskclip")
    assert scores.shape == (2, 6, 11)
    assert float(scores[0, 1, 3]) == pytest.approx(1)  # patch 14 is row 1, column 3 of 11
    assert float(scores[1, 1, 3]) == pytest.approx(-1)
    expected = F.cosine_similarity(embeddings, texts[:1]).reshape(6, 11).float()
    torch.testing.assert_close(scores[0], expected)


def test_unknown_variant_lists_the_valid_ones():
    model, trunk = toy()
    with pytest.raises(ChoiceError, match="clip, maskclip, sclip, clearclip, naclip"):
        dense_scores(model, trunk, model.text(["car"]), "gem")
