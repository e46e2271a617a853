"""What a trained head proposed of a picture: masks without names, and who calls them what."""

from dataclasses import dataclass

import numpy as np

from inspector.results.recorded import check_array, check_labels

LEAST = np.float32(1e-12)  # of a probability that is raised to a power
OVERLAP = 0.8  # share of a proposal that must be left after better ones took theirs; Mask2Former's
SURE = 0.4  # least product of name and presence of a proposal that becomes a segment; ours for few queries


@dataclass(frozen=True)
class Proposed:
    """Of q proposals and k names: a request's classes, then, where background words compete, those.

    masks: float16 (q, gh, gw) in [0, 1]. head: float32 (q, k), probabilities among the classes by the head. null:
    float32 (q,), that of being nothing, or no good mask. clip: float32 (q, k) by CLIP's masked class tokens, or None
    for a head that is nothing but CLIP, or asks none. seen: uint8 (k,), 1 for a class that was in the training.
    """

    masks: np.ndarray
    head: np.ndarray
    null: np.ndarray
    clip: np.ndarray | None
    seen: np.ndarray

    def __post_init__(self) -> None:
        check_array("masks of proposals", self.masks, np.float16, (None, None, None))
        check_array("names of proposals", self.head, np.float32, (len(self.masks), None))
        check_array("null of proposals", self.null, np.float32, (len(self.masks),))
        if self.clip is not None:
            check_array("CLIP's names of proposals", self.clip, np.float32, self.head.shape)
        check_array("seen classes", self.seen, np.uint8, (self.head.shape[1],))

    def named(self, weights: tuple[float, float], shares: bool = False) -> np.ndarray:
        """float32 (q, k): head^(1 - w) clip^w (1 - null), w of seen or of unseen classes (Xu et al. 2023, equation 7).

        weights: of CLIP's opinion for classes that were in training and for others, each in [0, 1]; ODISE's are 0.3 and
        0.7. Where there is CLIP alone, its opinion times what is not nothing. shares: whether the blend is divided by
        its sum over the classes, so that all that is not nothing is given out; ODISE's code does it, not the equation.
        """
        sure = (1 - self.null)[:, None]
        if self.clip is None:
            return sure * self.head
        weight = np.where(self.seen.astype(bool), *weights).astype(np.float32)
        blended = np.maximum(self.head, LEAST) ** (1 - weight) * np.maximum(self.clip, LEAST) ** weight
        return sure * (blended / blended.sum(1, keepdims=True) if shares else blended)


@dataclass(frozen=True)
class Panoptic:
    """Segments that do not overlap, made of n of the proposals.

    ids: int32 (h, w), 0 is nothing, i is the i-th segment. classes: int32 (n,), each one's class, from 1. proposals:
    int32 (n,), which of the proposals it is, from 0; the surest of a stuff class. scores: float32 (n,) in [0, 1].
    things: uint8 (k,), 1 for a class whose proposals are segments each, 0 for stuff, which is one.
    """

    ids: np.ndarray
    classes: np.ndarray
    proposals: np.ndarray
    scores: np.ndarray
    things: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.classes)
        check_labels("ids of segments", self.ids, (None, None), 1 + count)
        for name, kind in (("classes", np.int32), ("proposals", np.int32), ("scores", np.float32)):
            check_array(f"{name} of segments", getattr(self, name), kind, (count,))
        check_array("things", self.things, np.uint8, (None,))
