"""Crops of proposals, each as a picture of its own that CLIP is asked about: OVSeg's second stage (Liang et al., CVPR
2023), without the tuning that its CLIP had on such pictures.

As its published configuration for ViT-B/16 (MASK_FILL mean, MASK_EXPAND_RATIO 1.0, MASK_THR 0.5, REGION_RESIZED): what
lies outside of the mask takes the mean colour that CLIP's pixels are normalised by, the crop is the mask's tight box,
not enlarged, and it is resized to CLIP's own square whatever its shape, bicubic.
"""

import numpy as np
import torch
from torch.nn import functional as F

from inspector.models.protocols import ClipModel, Trunk

COVERED = 0.5  # least probability of a pixel inside the mask


@torch.no_grad()
def crop_opinions(
    clip: ClipModel, image: np.ndarray, masks: torch.Tensor, text: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What CLIP calls each crop: probabilities (q, k), and bool (q,), False for a mask that covers no pixel.

    image: uint8 (h, w, 3). masks: probabilities (q, gh, gw), enlarged to the image. text: unit embeddings (k, embed).
    """
    size = (int(image.shape[0]), int(image.shape[1]))
    covered = F.interpolate(masks[None], size=size, mode="bilinear", align_corners=False)[0] >= COVERED
    some = covered.flatten(1).any(1)
    opinions = text.new_full((len(masks), len(text)), 1 / len(text))
    if some.any():
        pixels = clip.normalised(image)
        layers = clip.layers(torch.cat([crop(pixels, mask, clip.image_size) for mask in covered[some]]))
        last = layers.tokens[-1]
        embeddings = F.normalize(clip.head(last, Trunk(last, layers.grid, prefix=1), "class"), dim=-1)
        opinions[some] = (clip.logit_scale * embeddings @ text.T).softmax(-1)
    return opinions, some


def crop(pixels: torch.Tensor, mask: torch.Tensor, side: int) -> torch.Tensor:
    """(1, 3, side, side): the mask's box of normalised pixels (1, 3, h, w), where 0 is the mean colour.

    mask: bool (h, w), not empty.
    """
    rows, columns = (_stretch(mask.any(axis)) for axis in (1, 0))
    inside = (pixels * mask)[..., rows, columns]
    return F.interpolate(inside, size=(side, side), mode="bicubic", align_corners=False)


def _stretch(line: torch.Tensor) -> slice:
    """From the first to the last True of bool (length,)."""
    places = line.nonzero()[:, 0]
    return slice(int(places[0]), int(places[-1]) + 1)
