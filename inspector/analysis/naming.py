"""Naming: which words of a list a CLIP takes a picture to show, so that nobody has to name its classes.

The list is ranked by the cosine of the whole picture with each word in a template, CLIP's zero-shot classification
(Radford et al. 2021); the words close to the best one are the names. Conti et al. (2023) call the task vocabulary-free.
"""

import numpy as np
import torch
from torch.nn import functional as F

from inspector.models.protocols import ClipModel, Trunk


@torch.no_grad()
def embed_trunk(clip: ClipModel, trunk: Trunk) -> torch.Tensor:
    """Unit embedding float32 (embed,) on the CPU of one picture, by the pooling the model was trained with."""
    pooled = clip.head(clip.last_block(trunk.tokens), trunk, clip.poolings[0])
    return F.normalize(pooled.float(), dim=-1)[0].cpu()


def closest(logits: np.ndarray, most: int, margin: float) -> list[int]:
    """Indices of at most `most` of the logits (word,), best first, none more than `margin` below the best."""
    order = np.argsort(-logits, kind="stable")[:most]
    return [int(index) for index in order if logits[index] >= logits[order[0]] - margin]
