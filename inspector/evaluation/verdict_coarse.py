"""Coarse to fine: how a word's maps change along t, and which layer shows the word best at each.

Of a generated picture a layer is good where its map agrees with the mean map of generation's last step; of a given one,
along inversion, where it finds the mask.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inspector.analysis.attention import MEAN
from inspector.analysis.coarseness import excess, spectral_centroid
from inspector.evaluation.verdict_columns import Columns

METRICS = ("score", "centroid", "excess")


def measured(layers: Mapping[str, np.ndarray], score: Callable[[np.ndarray], float]) -> list[list[float]]:
    """METRICS of each label's map of one word; score: of a map (h, w) of any size."""
    return [[score(map_), spectral_centroid(map_), excess(map_)] for map_ in layers.values()]


def rows(columns: Columns, layers: tuple[str, ...], score: str) -> list[dict[str, Any]]:
    """A row per t: {timestep, `score`, centroid, shares, sizes, layers, best}.

    `score` and centroid (cycles per picture): of the mean of all layers, with bands. shares: resolution -> its share of
    the attention above uniform (`excess`) of all resolutions' averages. sizes: resolution -> its average's `score`.
    layers: layer -> score, over words; best: the layer with the highest.
    """
    sizes = [label for label in columns.labels if label not in layers and label != MEAN]
    found = []
    for cell in columns.cells:
        over = {layer: columns.band(columns.column(cell, layer, "score"))["mean"] for layer in layers}
        above = np.stack([columns.column(cell, size, "excess") for size in sizes])
        shares = above / np.maximum(above.sum(0), 1e-12)
        known = {layer: value for layer, value in over.items() if value is not None}
        found.append(
            {
                "timestep": cell[1],
                score: columns.band(columns.column(cell, MEAN, "score")),
                "centroid": columns.band(columns.column(cell, MEAN, "centroid")),
                "shares": {size: columns.band(row) for size, row in zip(sizes, shares, strict=True)},
                "sizes": {size: columns.band(columns.column(cell, size, "score")) for size in sizes},
                "layers": over,
                "best": max(known, key=known.__getitem__) if known else None,
            }
        )
    return found
