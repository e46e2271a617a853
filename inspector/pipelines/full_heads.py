"""An imported ODISE head at work on one picture, tile by tile, as its published code does it.

Where that differs from the small heads of `mask_heads`: bare names of classes in embeddings as they leave CLIP, not of
unit length, since their projection has a bias; the noise that the code itself draws; masks that name every patch they
touch; the likeliest synonym of a class instead of a mean.
"""

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inspector.analysis.tiles import join_tiles, tile_places
from inspector.analysis.vocabulary import best_synonyms, embed_words
from inspector.errors import UnsupportedModelError
from inspector.models.heads.full_odise import FullOdise
from inspector.models.heads.pyramid import LEVELS
from inspector.models.protocols import ClipModel, Conditions, DiffusionModel
from inspector.pipelines.mask_heads import NOISE_SEED, by_logits, patch_logits
from inspector.results import ClassNames, Proposed
from inspector.trace.taps import autoencoder_features, autoencoder_taps, tap_shapes, unet_features, unet_taps

SIDE = 1024  # shorter side in pixels that ODISE is evaluated at; its models see 512 of each tile
MULTIPLE = 64  # of the sides, so that every level has whole cells
LONGEST = 2.5  # times the shorter side
BARE, TEMPLATE = "{}", "a photo of a {}."  # what the head's classifier and what CLIP reads of a name


@torch.no_grad()
def propose_full(
    head: FullOdise,
    image: np.ndarray,
    classes: ClassNames,
    clip: ClipModel,
    diffusion: DiffusionModel,
    template: str = TEMPLATE,
    side: int = SIDE,
    seen: np.ndarray | None = None,
) -> Proposed:
    """What an imported ODISE head proposes of a picture uint8 (h, w, 3), masks at a quarter of `fitted`'s size.

    head: on the device of the models. template: of what CLIP reads of a class. seen: uint8 (class,), as in `Proposed`,
    None for none. Raises UnsupportedModelError where the models are not of the architecture that the head was trained
    on, PromptError where a name is too long for CLIP.
    """
    check_fits(head, clip, diffusion)
    image = fitted(image, side)
    words = [word for synonyms in classes for word in synonyms]
    text = embed_words(clip, words, BARE, unit=False).float()
    proposals = head.decode(pyramid(head, image, clip, diffusion))
    masks = proposals.masks[-1]
    logits = head.classifier(proposals.embeddings[-1], text)
    logits = torch.cat([best_synonyms(logits[..., :-1], classes), logits[..., -1:]], -1)
    opinions = best_synonyms(mask_logits(clip, image, masks, embed_words(clip, words, template)), classes).softmax(-1)
    known = np.zeros(len(classes), np.uint8) if seen is None else seen
    return by_logits(masks[0], logits[0], opinions[0], known)


def check_fits(head: FullOdise, clip: ClipModel, diffusion: DiffusionModel) -> None:
    """Raise UnsupportedModelError where a head was trained on models of other widths than these."""
    sizes, unet = head.sizes, diffusion.unet
    if dict(tap_shapes((*autoencoder_taps(diffusion), *unet_taps(diffusion)))) != dict(sizes.taps):
        raise UnsupportedModelError(
            f"{diffusion.spec.name} has other features than the head's; choose Stable Diffusion 1.3 to 1.5."
        )
    states = (diffusion.prompt_length, int(unet.config.cross_attention_dim))  # type: ignore[union-attr, arg-type]
    if states != tuple(sizes.states):
        raise UnsupportedModelError(
            f"{diffusion.spec.name} reads texts of {states[0]} tokens of width {states[1]}, and the head was trained "
            f"on {sizes.states[0]} of {sizes.states[1]}; choose Stable Diffusion 1.3 to 1.5."
        )
    if clip.embed != sizes.clip_embed:
        raise UnsupportedModelError(
            f"{clip.spec.name} has embeddings of width {clip.embed}, and the head was trained on {sizes.clip_embed}; "
            "choose the CLIP it was trained on, for ODISE OpenAI's ViT-L/14 at 336 px."
        )


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """The picture scaled to a shorter side of about `side`, both sides multiples of 64.

    ODISE pads to such multiples instead: here the shape is bent, by at most 32 pixels, so that a mask covers the whole
    picture.
    """
    height, width = image.shape[:2]
    scale = min(side / min(height, width), LONGEST * side / max(height, width))
    rows, columns = (max(1, round(length * scale / MULTIPLE)) * MULTIPLE for length in (height, width))
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)


def pyramid(head: FullOdise, image: np.ndarray, clip: ClipModel, diffusion: DiffusionModel) -> list[torch.Tensor]:
    """Projected features (1, projected, h, w) of strides 4 to 32, averaged where square tiles overlap.

    A tile is as high as the picture's shorter side; the models see it at the size they were trained at.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    places = tile_places((height, width), side)
    empty = diffusion.encode_prompts([""])
    tiles = [tile_levels(head, image[y : y + side, x : x + side], clip, diffusion, empty) for y, x in places]
    return [
        join_tiles(parts, [(y // level, x // level) for y, x in places], (height // level, width // level))
        for level, parts in zip(LEVELS, zip(*tiles, strict=True), strict=True)
    ]


def tile_levels(
    head: FullOdise, tile: np.ndarray, clip: ClipModel, diffusion: DiffusionModel, empty: Conditions
) -> list[torch.Tensor]:
    """The pyramid of one square tile; empty: conditions of the empty prompt."""
    seen = cv2.resize(tile, (diffusion.image_size,) * 2, interpolation=cv2.INTER_CUBIC)
    latents, features = autoencoder_features(diffusion, seen[None], autoencoder_taps(diffusion))
    trunk = clip.trunk(clip.pixels(seen))
    embedding = clip.head(clip.last_block(trunk.tokens), trunk, "class")
    context, shift = head.captioner(embedding.float(), empty.states.float())
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(NOISE_SEED)).to(latents)
    noised = diffusion.scheduler("ddim").add_noise(latents, noise, torch.zeros(1, dtype=torch.long))
    dtype = diffusion.dtype
    features |= unet_features(
        diffusion, noised, 0, empty.with_states(context.to(dtype)), unet_taps(diffusion), shift.to(dtype)
    )
    return head.pyramid({name: values.float() for name, values in features.items()}, tile.shape[:2])


def mask_logits(clip: ClipModel, image: np.ndarray, masks: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """(1, query, word): what CLIP calls each mask, mask logits (1, query, h, w), among unit text (word, embed).

    CLIP sees the whole picture bent to a square. A class token sees every patch in which a mask is anywhere more likely
    than not, and the class token itself, as ODISE's code does, where `mask_heads.mask_opinions` goes by area.
    """
    side = clip.image_size
    square = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    layers = clip.layers(clip.pixels(square))
    masks = F.interpolate(masks.to(clip.device), size=(side, side), mode="bilinear", align_corners=False)
    touched = F.adaptive_max_pool2d(masks, layers.grid).flatten(2) >= 0
    return patch_logits(clip, layers, touched, text).float()
