"""Mask proposals and what they are called, turned into scores, labels and segments.

Of q proposals, k classes: masks float32 (q, h, w) in [0, 1]; named float32 (q, k), what each is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEEN_WEIGHT, UNSEEN_WEIGHT = 0.3, 0.7  # ODISE's, of CLIP's opinion
OVERLAP = 0.8  # share of a proposal that must be left after better ones took theirs; Mask2Former's
SURE = 0.4  # least product of name and presence of a proposal that becomes a segment; ours for few queries


def ensemble(
    head: np.ndarray,
    clip: np.ndarray,
    null: np.ndarray,
    seen: np.ndarray,
    weights: tuple[float, float],
    shares: bool = False,
) -> np.ndarray:
    """float32 (q, k): head^(1 - w) clip^w (1 - null), w of seen or of unseen classes (Xu et al. 2023, equation 7).

    head: (q, k) probabilities of the mask head among classes, without its null. clip: (q, k) probabilities. null: (q,).
    seen: bool (k,), whether a class was in training. weights: of CLIP for seen and unseen classes, each in [0, 1].
    shares: whether the blend is divided by its sum over the classes, so that what is left of a proposal beside its null
    is all given out, which the equation leaves out and ODISE's code does.
    """
    weight = np.where(seen, *weights)
    blended = np.maximum(head, 1e-12) ** (1 - weight) * np.maximum(clip, 1e-12) ** weight
    if shares:
        blended = blended / blended.sum(1, keepdims=True)
    return ((1 - null)[:, None] * blended).astype(np.float32)


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
    masks: np.ndarray, named: np.ndarray, things: Sequence[bool], sure: float = SURE, overlap: float = OVERLAP
) -> tuple[np.ndarray, tuple[Found, ...]]:
    """int32 (h, w), 0 is nothing and i is the i-th segment, and the segments (Cheng et al. 2021, panoptic inference).

    A pixel goes to the proposal with the most name times mask there; a proposal of which less than `overlap` is left,
    or less sure than `sure`, is dropped; proposals of one class that is no thing are one segment.
    """
    index, score = named.argmax(1), named.max(1)
    kept = np.flatnonzero(score >= sure)
    ids = np.zeros(masks.shape[1:], np.int32)
    if not len(kept):
        return ids, ()
    owner = kept[(score[kept, None, None] * masks[kept]).argmax(0)]
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


def uncertainty(scores: np.ndarray) -> np.ndarray:
    """float32 (h, w) in [0, 1]: entropy of the scores (k, h, w) as shares, over that of a tie of all."""
    total = scores.sum(0)
    shares = scores / np.maximum(total, 1e-12)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(0)
    found = entropy / np.log(max(2, len(scores)))
    return np.where(total > 1e-12, found, 1.0).astype(np.float32)
