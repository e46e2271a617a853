"""DiffSegmenter (Wang et al., TIP 2025): cross-attention of all sizes, spread along the finest self-attention.

The sizes are weighted as its authors' code has them, for layers of 8, 16, 32 and 64 cells a side of Stable Diffusion at
512 px. Other models and pictures have other sizes; what counts is a layer's level, how often it halves the latents:

| level | 0 | 1 | 2 | 3 |
|---|---|---|---|---|
| Stable Diffusion at 512 px | 64 | 32 | 16 | 8 |
| the embedded UNet at 128 px | 32 | 16 | 8 | 4 |
| weight | 0.1 | 0.1 | 0.5 | 0.3 |

Left out is the caption that a captioner adds to the prompt: it would need a third model.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from inspector.analysis import memory
from inspector.results import resize_maps
from inspector.trace.self_attention import SelfAttention

TEMPLATE = "a photograph of {}"
WEIGHTS: Mapping[int, float] = {0: 0.1, 1: 0.1, 2: 0.5, 3: 0.3}


def level(grid: tuple[int, int], sample: tuple[int, int]) -> int:
    """How often the latents' (h, w) are halved, rounding up, to give a layer's grid."""
    halvings = 0
    while sample[0] * sample[1] > grid[0] * grid[1]:
        sample, halvings = (-(-sample[0] // 2), -(-sample[1] // 2)), halvings + 1
    return halvings


def by_level(maps: Mapping[str, np.ndarray], sample: tuple[int, int]) -> dict[int, np.ndarray]:
    """Level -> float32 (h, w), the mean of the layers of one level; maps: layer -> (h, w)."""
    groups: dict[int, list[np.ndarray]] = {}
    for map_ in maps.values():
        groups.setdefault(level(map_.shape, sample), []).append(map_)
    return {place: np.stack(group).mean(0, dtype=np.float32) for place, group in sorted(groups.items())}


def combine(levels: Mapping[int, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """float32 (h, w) of `size`: each level enlarged, stretched from 0 to 1, and weighted.

    Levels without a weight are left out, and the weights of those that are there sum to 1.
    """
    known = {place: map_ for place, map_ in levels.items() if place in WEIGHTS}
    total = sum(WEIGHTS[place] for place in known)
    found = np.zeros(size, np.float32)
    for place, map_ in known.items():
        found += WEIGHTS[place] / total * stretch(resize_maps(map_, size))
    return found


def stretch(map_: np.ndarray) -> np.ndarray:
    """float32 from 0 at the least to 1 at the highest value; a constant map is 0."""
    low, high = map_.min(), map_.max()
    return ((map_ - low) / (high - low if high > low else 1)).astype(np.float32)


def spread(map_: np.ndarray, layers: Sequence[SelfAttention], image: int = 0) -> np.ndarray:
    """float32 (h, w): at each cell the mean of the map where the cell looks, over layers of the map's own grid."""
    column = torch.from_numpy(np.ascontiguousarray(map_, np.float32)).flatten()
    count = len(column)
    total = torch.zeros(count)
    for one in layers:
        values = column.to(one.query.device)
        for places in memory.blocks(count, memory.fitting(count, one.row_bytes(), memory.BUDGET / 8)):
            total[places] += (one.rows(places, image) @ values).cpu()
    return (total / len(layers)).reshape(map_.shape).numpy()
