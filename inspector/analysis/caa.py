"""Class-aware attention-based affinity (CLIP-ES, Lin et al., CVPR 2023, section 3.3): a map spread along attention.

The affinity is the mean of the last blocks' self-attention between patches, made doubly stochastic (Sinkhorn),
symmetric, and applied twice. Of a class's map only what lies in the boxes around its strong parts is spread.

Unusual: the affinity's square is never formed. Since a map is all that it is multiplied with, two products of a matrix
with a vector do, and one matrix of patches by patches is all that is held.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from inspector.analysis import last_block, memory
from inspector.errors import ModelMemoryError
from inspector.models.protocols import ClipModel, Trunk
from inspector.trace.hooks import capture

LAST_BLOCKS = 8  # CLIP-ES's own; a model with fewer gives all that it has
ROUNDS = 3  # of normalising columns, then rows
BOX_THRESHOLD = 0.4  # of a map's maximum: what lies above it gets boxes
MOST_PATCHES = int((memory.BUDGET / 4) ** 0.5)  # of which the affinity, float32, fits into the budget


def attentive_trunk(model: ClipModel, pixels: torch.Tensor) -> tuple[Trunk, torch.Tensor]:
    """The trunk of one pass, and the mean attention (patch, patch) of the last blocks in it, float32 on the CPU.

    A row says where a patch looks; the class token is left out, so that rows need not sum to 1. Raises ModelMemoryError
    for more than `MOST_PATCHES` patches, UnsupportedModelError for another kind of block.
    """
    blocks = torch.nn.ModuleList(model.blocks)
    chosen = range(max(0, len(blocks) - LAST_BLOCKS), len(blocks))
    names = [f"{index}.ln_1" for index in chosen[:-1]]  # a trunk ends before the last block
    with capture(blocks, names, stop_after_last=False) as normed:
        trunk = model.trunk(pixels)
    if (count := trunk.grid[0] * trunk.grid[1]) > MOST_PATCHES:
        raise ModelMemoryError(
            f"CLIP-ES needs the attention between all {count:,} patches, and at most {MOST_PATCHES:,} fit into its "
            "memory; choose a smaller side."
        )
    with torch.no_grad():
        inputs = [*(normed[name] for name in names), last_block.check_block(model.last_block).ln_1(trunk.tokens)]
        return trunk, mean_attention([blocks[index] for index in chosen], inputs, trunk.prefix)


@torch.no_grad()
def mean_attention(blocks: Sequence[torch.nn.Module], normed: Sequence[torch.Tensor], prefix: int) -> torch.Tensor:
    """float32 (patch, patch) on the CPU: softmax(q k) averaged over heads and blocks, its first `prefix` tokens cut.

    normed: each block's input after its `ln_1`, (1, prefix + patch, width).
    """
    count = normed[0].shape[1] - prefix
    total = torch.zeros(count, count)
    for block, tokens in zip(blocks, normed, strict=True):
        checked = last_block.check_block(block)
        query, key, _ = last_block.split_heads(checked, last_block.project(checked, tokens))
        each = 2 * query.shape[1] * key.shape[2] * 4
        for rows in memory.blocks(count, memory.fitting(count, each, memory.BUDGET / 8)):
            places = slice(rows.start + prefix, rows.stop + prefix)
            weights = last_block.scores(query[:, :, places], key).float().softmax(-1)
            total[rows] += weights.mean(1)[0, :, prefix:].cpu()
    return total / len(blocks)


def affinity(attention: torch.Tensor) -> torch.Tensor:
    """Symmetric, nearly doubly stochastic (patch, patch) of attention (patch, patch), in its place."""
    for _ in range(ROUNDS):
        attention /= attention.sum(0, keepdim=True)
        attention /= attention.sum(1, keepdim=True)
    for rows in memory.blocks(len(attention), memory.fitting(len(attention), 4 * len(attention), memory.BUDGET / 8)):
        # The triangle up to these rows: an entry and its mirror are read together, then both are written.
        mean = (attention[rows, : rows.stop] + attention[: rows.stop, rows].T) / 2
        attention[rows, : rows.stop] = mean
        attention[: rows.stop, rows] = mean.T
    return attention


def refine(maps: np.ndarray, affine: torch.Tensor) -> np.ndarray:
    """float32 (class, h, w): each map inside its `box_mask`, multiplied by the affinity (patch, patch) twice."""
    boxed = np.stack([np.where(box_mask(map_), map_, 0) for map_ in maps]).astype(np.float32)
    columns = torch.from_numpy(boxed.reshape(len(maps), -1).T.copy())
    return (affine @ (affine @ columns)).T.reshape(maps.shape).numpy()


def box_mask(map_: np.ndarray, threshold: float = BOX_THRESHOLD) -> np.ndarray:
    """bool (h, w): inside the bounding box of any connected part (8 neighbours) of `map_ > threshold * maximum`.

    Nothing for a map without a positive value.
    """
    inside = np.zeros(map_.shape, bool)
    if not map_.max() > 0:
        return inside
    strong = (map_ > threshold * map_.max()).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    for x, y, width, height in boxes[1:, :4]:  # 0 is everything else
        inside[y : y + height, x : x + width] = True
    return inside
