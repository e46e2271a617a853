"""An imported SAN head at work on one picture, as its published code does it (Xu et al., CVPR 2023).

The side network sees the picture at 640 pixels, its CLIP at a fraction of that and with the positions that SAN trained;
a class is the mean of its names in 14 templates.
"""

from math import ceil

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inspector.analysis.vocabulary import embed_classes
from inspector.errors import UnsupportedModelError
from inspector.models.heads.full_san import FullSan
from inspector.models.protocols import ClipModel
from inspector.pipelines.mask_heads import by_logits
from inspector.results import ClassNames, Proposed

MULTIPLE = 32  # of the sides that the side network sees
LONGEST = 4  # times the shorter side: 2,560 of 640 pixels
# Gu et al., ICLR 2022 ("ViLD").
TEMPLATES = (
    "a photo of a {}.",
    "This is a photo of a {}",
    "There is a {} in the scene",
    "There is the {} in the scene",
    "a photo of a {} in the scene",
    *(f"a photo of a {size} {{}}." for size in ("small", "medium", "large")),
    *(f"This is a photo of a {size} {{}}." for size in ("small", "medium", "large")),
    *(f"There is a {size} {{}} in the scene." for size in ("small", "medium", "large")),
)


@torch.no_grad()
def propose_san(
    head: FullSan, image: np.ndarray, classes: ClassNames, clip: ClipModel, side: int | None = None
) -> Proposed:
    """What an imported SAN head proposes of a picture uint8 (h, w, 3); its null is the background that it learned.

    head: on the device of the model. side: shorter side in pixels that the side network sees; None is that it was
    trained at. Raises UnsupportedModelError where CLIP is not of the size the head was trained on, PromptError where a
    name is too long for it.
    """
    sizes = head.sizes
    check_fits(head, clip)
    height, width = image.shape[:2]
    short = side or sizes.side
    scale = min(short / min(height, width), LONGEST * short / max(height, width))
    rows, columns = (max(1, round(length * scale / MULTIPLE)) * MULTIPLE for length in (height, width))
    scaled = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)
    pixels = clip.normalised(scaled)
    patch = clip.patch_size
    smaller = [ceil(length * sizes.resolution / patch - 1e-6) * patch for length in (rows, columns)]
    seen = F.interpolate(pixels, size=smaller, mode="bilinear", align_corners=False)
    layers = clip.layers(seen, head.positions)
    masks, biases = head(pixels.float(), [tokens.float() for tokens in layers.tokens], layers.grid)
    embeddings = clip.steered(layers.tokens[sizes.steered], sizes.steered, biases, sees_class=False)
    text = torch.stack([embed_classes(clip, classes, template) for template in TEMPLATES]).mean(0)
    known = F.normalize(torch.cat([text.float(), head.background]), dim=-1)
    logits = clip.logit_scale * F.normalize(embeddings.float(), dim=-1) @ known.T
    return by_logits(masks[0], logits[0], None, np.ones(len(classes), np.uint8))  # SAN weighs none by it


def check_fits(head: FullSan, clip: ClipModel) -> None:
    """Raise UnsupportedModelError where a head was trained on a CLIP of other widths than this one."""
    sizes = head.sizes
    tokens = 1 + (clip.image_size // clip.patch_size) ** 2
    found, wanted = (clip.embed, clip.heads, tokens), (sizes.clip_embed, sizes.clip_heads, sizes.clip_tokens)
    if found != wanted:
        raise UnsupportedModelError(
            f"{clip.spec.name} has embeddings of width {found[0]}, {found[1]} heads and {found[2]} positions, and the "
            f"head was trained on {wanted[0]}, {wanted[1]} and {wanted[2]}; choose the CLIP it was trained on."
        )
