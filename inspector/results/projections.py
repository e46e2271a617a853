"""Projections: queries and keys that a run kept, and where a region of the picture looks by its self-attention.

A row of self-attention, softmax(q K^T) of one place's query against every place's key, says from where that place
takes what it becomes. Rows are of the conditional image, mean over heads, and sum to 1 over the grid.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from inspector.errors import ChoiceError
from inspector.results.checks import check_choice, check_number
from inspector.results.common import resize_maps
from inspector.results.layers import Layer, chosen_layers
from inspector.results.recorded import check_array, check_mapping, misfit
from inspector.results.regions import Region

LAST, EVERY_STEP = "last", "every"
KEPT_STEPS = (LAST, EVERY_STEP)
CROSS, OWN = "attn2", "attn1"  # what a module of cross-attention, and of self-attention, is called last
MOST_HEADS = 256
AT_ONCE = 2**24  # numbers of rows, of all heads, that are formed at once
Kept = Mapping[str, Mapping[str, np.ndarray]]  # arm -> module -> what it projected


def check_projections(
    name: str, kept: Any, parts: tuple[int, ...], steps: Mapping[str, tuple[int, ...]], heads: Mapping[str, int]
) -> None:
    """Raise ChoiceError unless `kept` is arm -> module -> float16 (step, *parts, channel, h, w).

    steps: arm -> its timesteps, of which all or the last alone are kept. heads: module -> number of its heads, which
    divides its channels.
    """
    check_mapping(name, kept, len(steps))
    for arm, layers in kept.items():
        check_choice(f"arm of {name}", arm, tuple(steps))
        check_mapping(f"{name} of {arm}", layers, 200)
        for layer, item in layers.items():
            count = len(item) if isinstance(item, np.ndarray) and item.ndim else 0
            check_array(layer, item, np.float16, (count, *parts, None, None, None))
            if count not in (1, len(steps[arm])):
                raise misfit(f"{name} of {arm} has {count} steps; 1 or {len(steps[arm])} is expected")
            own = heads.get(layer)
            check_number(f"the heads of {layer}", own, 1, MOST_HEADS, whole=True)
            if item.shape[-3] % int(own or 1):
                raise misfit(f"{layer} has {item.shape[-3]} channels, which {own} heads do not share alike")


def kept_at(kept: np.ndarray, step: int, steps: int, what: str) -> np.ndarray:
    """Of what a module projected (step, ...), that of a step. Raises ChoiceError for one that was not kept."""
    check_number("step", step, -steps, steps - 1, whole=True)
    if len(kept) == steps:
        return kept[step]
    if step % steps != steps - 1:
        raise ChoiceError(f"{what} was kept of the last step alone; ask for it, or run again and keep every step.")
    return kept[0]


def cells_of(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """bool (h, w): the cells of a grid that a mask (H, W) covers by half, or the one that it covers most.

    Raises ChoiceError for an empty mask.
    """
    covered = cv2.resize(np.asarray(mask, np.float32), grid[::-1], interpolation=cv2.INTER_AREA)
    if covered.max() <= 0:
        raise ChoiceError("The region is empty; point at a pixel or draw one.")
    return covered >= min(0.5, float(covered.max()))


def row(projected: np.ndarray, heads: int, cells: np.ndarray) -> np.ndarray:
    """float32 (h, w): where `cells`, bool (h, w), look on the mean, over heads and cells; sums to 1.

    projected: (2, channel, h, w), the query times its scale, and the key.
    """
    query, key = (part.reshape(heads, -1, cells.size).astype(np.float32) for part in projected)
    query = query[..., cells.ravel()]
    total, step = np.zeros(cells.size, np.float64), max(1, AT_ONCE // (heads * cells.size))
    for first in range(0, query.shape[-1], step):
        scores = np.einsum("hcq,hck->hqk", query[..., first : first + step], key, optimize=True)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        total += (weights / weights.sum(-1, keepdims=True)).sum((0, 1))
    return (total / (heads * query.shape[-1])).reshape(cells.shape).astype(np.float32)


def look_from(result: Any, region: Region | np.ndarray, arm: str, step: int = -1, layer: Layer = None) -> np.ndarray:
    """float32 (h, w): where a region or mask bool (H, W) looks, in an arm's step, by layers as `chosen_layers`.

    result: an AttentionResult whose request kept self-attention; layers have the names of cross-attention beside them.
    Several layers are averaged, enlarged bilinearly to the largest grid. Raises ChoiceError for what was not kept.
    """
    if arm not in result.self_attention:
        raise ChoiceError(
            f"No self-attention of {arm} was kept; run with self_attention (--self-attention), on an arm that is a "
            "run of its own."
        )
    kept = {layer.removesuffix(OWN) + CROSS: (layer, item) for layer, item in result.self_attention[arm].items()}
    weights = chosen_layers({name: item.shape[-2:] for name, (_, item) in kept.items()}, layer)
    side = max((kept[name][1].shape[-2:] for name in weights), key=lambda size: size[0])
    total = np.zeros(side, np.float32)
    for name, weight in weights.items():
        own, item = kept[name]
        at = kept_at(item, step, len(result.steps[arm]), "Self-attention")
        grid = item.shape[-2:]
        cells = region.cells(grid) if isinstance(region, Region) else cells_of(region, grid)
        found = row(at, result.head_counts[own], cells)
        # A share of the grid's whole, which stays one when a coarse grid is enlarged.
        total += weight * resize_maps(found, side) * (found.size / total.size)
    return total
