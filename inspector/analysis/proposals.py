"""Proposals: masks without names that have a score for each class, and what that scores each cell.

Regions are proposals that do not overlap and cover all cells; masks that a trained head proposes may do both.
"""

from dataclasses import dataclass

import numpy as np

from inspector.results import resize_maps


@dataclass(frozen=True)
class Proposals:
    """masks: float32 (proposal, gh, gw) in [0, 1]; scores: float32 (proposal, class) in [0, 1]."""

    masks: np.ndarray
    scores: np.ndarray

    def dense(self) -> np.ndarray:
        """float32 (class, gh, gw) in [0, 1]: sum over proposals of mask times score (MaskFormer, Cheng et al. 2021)."""
        return np.minimum(np.einsum("pc,phw->chw", self.scores, self.masks, dtype=np.float32, optimize=True), 1)


def named_regions(labels: np.ndarray, maps: np.ndarray) -> Proposals:
    """Each region with the mean over its cells of each class's map.

    labels: int (gh, gw), numbered from 0; maps: float32 (class, h, w) in [0, 1], enlarged to the labels' grid.
    """
    count = int(labels.max()) + 1
    places = labels.ravel()
    sizes = np.bincount(places, minlength=count)
    sums = [np.bincount(places, resize_maps(map_, labels.shape).ravel(), minlength=count) for map_ in maps]
    masks = (labels == np.arange(count)[:, None, None]).astype(np.float32)
    return Proposals(masks, (np.stack(sums, 1) / sizes[:, None]).astype(np.float32))
