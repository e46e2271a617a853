"""Mask proposals and what they are called, turned into scores, labels and segments.

Of q proposals, k classes: masks float32 (q, h, w) in [0, 1]; named float32 (q, k), what each is called. Regions are
proposals that do not overlap and cover all cells; masks that a trained head proposes may do both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspector.results import OVERLAP, SURE, resize_maps

MOST = 255  # segments, which 8 bits can tell from nothing


@dataclass(frozen=True)
class Proposals:
    """masks: float32 (proposal, gh, gw) in [0, 1]; scores: float32 (proposal, class) in [0, 1]."""

    masks: np.ndarray
    scores: np.ndarray

    def dense(self) -> np.ndarray:
        """float32 (class, gh, gw) in [0, 1], as `class_scores`."""
        return class_scores(self.masks, self.scores)


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


def class_scores(masks: np.ndarray, named: np.ndarray) -> np.ndarray:
    """float32 (k, h, w) in [0, 1]: sum over proposals of name times mask (Cheng et al. 2021, semantic inference).

    Where a sum exceeds 1 all are divided by the largest, so that their order stays.
    """
    scores = np.einsum("qk,qhw->khw", named, masks, optimize=True)
    return (scores / max(1.0, float(scores.max(initial=0.0)))).astype(np.float32)


@dataclass(frozen=True)
class Found:
    """One panoptic segment. index: of its class, from 0. proposal: which it is, the best of a joined stuff class."""

    index: int
    proposal: int
    score: float


def panoptic(
    masks: np.ndarray | Sequence[np.ndarray],
    named: np.ndarray,
    things: Sequence[bool],
    sure: float = SURE,
    overlap: float = OVERLAP,
) -> tuple[np.ndarray, tuple[Found, ...]]:
    """int32 (h, w), 0 is nothing and i is the i-th segment, and the segments (Cheng et al. 2021, panoptic inference).

    A pixel goes to the proposal with the most name times mask there; a proposal of which less than `overlap` is left,
    or less sure than `sure`, is dropped; proposals of one class that is no thing are one segment. Of more than MOST
    that are sure the surest stay, which 8 bits can tell apart. masks: at least one, each (h, w), taken one by one.
    """
    index, score = named.argmax(1), named.max(1)
    order = np.argsort(-score, kind="stable")[:MOST]
    kept = np.sort(order[score[order] >= sure])
    ids = np.zeros(masks[0].shape, np.int32)
    if not len(kept):
        return ids, ()
    owner, most = np.full(ids.shape, kept[0]), score[kept[0]] * masks[kept[0]]
    for proposal in kept[1:]:
        own = score[proposal] * masks[proposal]
        better = own > most
        owner[better], most[better] = proposal, own[better]
    found: list[Found] = []
    stuff: dict[int, int] = {}
    for proposal in kept[np.argsort(-score[kept], kind="stable")]:
        inside = masks[proposal] >= 0.5
        place = (owner == proposal) & inside
        if not place.any() or place.sum() / inside.sum() < overlap:
            continue
        name = int(index[proposal])
        if not things[name] and name in stuff:
            ids[place] = stuff[name]
            continue
        found.append(Found(name, int(proposal), float(score[proposal])))
        ids[place] = len(found)
        if not things[name]:
            stuff[name] = len(found)
    return ids, tuple(found)
