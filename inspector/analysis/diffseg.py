"""DiffSeg (Tian et al., CVPR 2024): regions without names, by merging where the cells of a picture look.

Every cell's self-attention is a distribution over the picture. Those of all layers are brought to one grid and averaged
(section 3.1), those around a grid of anchors are merged while they are near in Kullback-Leibler divergence (3.2), and
each cell goes to the merged distribution that is highest there (3.3). It has no parameter that was trained.

The paper's threshold is Stable Diffusion's. Rows of the embedded models are flatter and so nearer to each other: on
eight drawn scenes 0.9 left one region, 0.05 left ten to the taught model, which then named them with 0.45 mIoU, and one
to the plain model.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inspector.analysis import memory
from inspector.trace.self_attention import SelfAttention, largest

THRESHOLD = 0.9  # of the symmetric divergence over 2, in nats; the paper takes 0.9 to 1.1
ROUNDS = 3
SPACING = 4  # cells from anchor to anchor: Stable Diffusion's 64 cells have the paper's 16 x 16 anchors
_LEAST = 1e-20  # of a probability, before its logarithm


def aggregate(layers: Sequence[SelfAttention], room: float = memory.BUDGET) -> tuple[torch.Tensor, tuple[int, int]]:
    """float32 (cell, cell) on the CPU, rows summing to 1, and the grid (h, w) of the cells.

    A layer's weight is proportional to its grid's height, as in the paper. Rows of coarser layers are enlarged
    bilinearly, their cells' rows repeated. The grid is the finest layer's; of one too large for `room` bytes the cells
    are averaged two by two.
    """
    grid = largest(layers)
    while 4 * (grid[0] * grid[1]) ** 2 > room and min(grid) > 1:
        grid = (-(-grid[0] // 2), -(-grid[1] // 2))
    total = torch.zeros(grid[0] * grid[1], grid[0] * grid[1])
    shares = sum(one.grid[0] for one in layers)
    for one in layers:
        _add(total, one, grid, one.grid[0] / shares)
    return total, grid


def _add(total: torch.Tensor, one: SelfAttention, grid: tuple[int, int], weight: float) -> None:
    """Add a layer's maps, brought to `grid`, to total (cell, cell)."""
    cells, own = len(total), one.grid[0] * one.grid[1]
    if own <= cells:  # each cell looks where the layer's cell that it lies in looks
        targets, sources = torch.arange(cells), _nearest(grid, one.grid)
    else:  # each cell is the mean of the layer's cells that lie in it
        targets, sources = _nearest(one.grid, grid), torch.arange(own)
    shares = weight / torch.bincount(targets, minlength=cells)[targets].float()
    for places in memory.blocks(own, memory.fitting(own, max(one.row_bytes(), 8 * cells), memory.BUDGET / 8)):
        maps = one.rows(places).reshape(-1, 1, *one.grid)
        # Enlarging is bilinear; a smaller grid sums what lies in each cell, so that no weight falls between.
        brought = F.interpolate(maps, grid, mode="bilinear") if own <= cells else F.adaptive_avg_pool2d(maps, grid)
        brought = brought.flatten(1).cpu()
        brought /= brought.sum(1, keepdim=True)
        chosen = (sources >= places.start) & (sources < places.stop)
        for part in torch.nonzero(chosen).flatten().split(max(1, int(memory.BUDGET / 32 / cells))):
            values = brought[sources[part] - places.start] * shares[part, None]
            total.index_add_(0, targets[part], values)


def _nearest(grid: tuple[int, int], other: tuple[int, int]) -> torch.Tensor:
    """int64 (cells of grid,): the cell of `other` in which each one's middle lies."""
    down, right = (
        ((torch.arange(count) + 0.5) * others / count).long().clamp(max=others - 1)
        for count, others in zip(grid, other, strict=True)
    )
    return (down[:, None] * other[1] + right).flatten()


def anchors(grid: tuple[int, int], spacing: int = SPACING) -> torch.Tensor:
    """Flat indices of cells on a regular grid, one for each `spacing` x `spacing` cells, at least one a side."""
    down, right = (
        ((torch.arange(max(1, count // spacing)) + 0.5) * count / max(1, count // spacing)).long() for count in grid
    )
    return (down[:, None] * grid[1] + right).flatten()


def divergence(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """(KL(l || r) + KL(r || l)) / 2 in nats, (a, b), of distributions (a, cell) and (b, cell)."""
    logs, others = left.clamp(min=_LEAST).log(), right.clamp(min=_LEAST).log()
    own = (left * logs).sum(1, keepdim=True) + (right * others).sum(1)
    return ((own - left @ others.T - logs @ right.T) / 2).clamp(min=0)


def merge(maps: torch.Tensor, chosen: torch.Tensor, threshold: float = THRESHOLD, rounds: int = ROUNDS) -> torch.Tensor:
    """float32 (region, cell): distributions that are left after merging maps (cell, cell).

    First each anchor of `chosen` becomes the mean of all maps nearer than `threshold`; then, in the other rounds, each
    of these that is not taken yet takes those that are near to it, and becomes their mean.
    """
    near = torch.cat([divergence(maps[chosen], part) for part in maps.split(_block(maps))], 1) < threshold
    near[torch.arange(len(chosen)), chosen] = True  # itself, whatever the threshold
    found = (near.float() @ maps) / near.sum(1, keepdim=True)
    for _ in range(rounds - 1):
        close = (divergence(found, found) < threshold).fill_diagonal_(True)
        free = torch.ones(len(found), dtype=torch.bool)
        kept = []
        for index in range(len(found)):
            if free[index]:
                kept.append(found[close[index]].mean(0))
                free &= ~close[index]
        found = torch.stack(kept)
    return found


def _block(maps: torch.Tensor) -> int:
    """How many rows of maps have logarithms and products within the budget."""
    return memory.fitting(len(maps), 8 * maps.shape[1], memory.BUDGET / 8)


def regions(found: torch.Tensor, grid: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """int32 (h, w) of `size`, numbered from 0: the distribution of `found` (region, cell) that is highest, bilinear."""
    best, labels = np.full(size, -np.inf, np.float32), np.zeros(size, np.int32)
    for index, map_ in enumerate(found.numpy()):
        enlarged = cv2.resize(map_.reshape(grid), size[::-1], interpolation=cv2.INTER_LINEAR)
        labels[enlarged > best] = index
        np.maximum(best, enlarged, out=best)
    return np.unique(labels, return_inverse=True)[1].reshape(size).astype(np.int32)
