"""Trained heads at work: what frozen models compute of a picture, what a head proposes of it, and under which names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inspector.models.heads.build import Surroundings
from inspector.models.heads.specs import INVERSION_STEPS, INVERTED, HeadSpec
from inspector.models.protocols import ClipModel, Conditions, DiffusionModel, Layers, Trunk
from inspector.pipelines.crops import crop_opinions
from inspector.results import Proposed
from inspector.trace.arms import invert
from inspector.trace.class_tokens import HALVINGS, ClassTokens, output_taps, read_class_tokens
from inspector.trace.taps import Tap, autoencoder_features, autoencoder_taps, tap_shapes, unet_features, unet_taps
from inspector.trace.trajectories import noise_once

NOISE_SEED = 42  # of ODISE's one fixed noise


@dataclass(frozen=True)
class Inputs:
    """What frozen models computed of n pictures, for a head.

    features: tap name -> (n, channel, h, w), of a trajectory (n, step, channel, h, w). pixels: CLIP's. layers: CLIP's
    tokens. size: of the pictures in pixels. images: the pictures themselves, uint8 (h, w, 3) each. attention: to each
    class of a head that asks, (n, class, h, w) each.
    """

    features: Mapping[str, torch.Tensor]
    pixels: torch.Tensor
    layers: Layers
    size: tuple[int, int]
    images: Sequence[np.ndarray]
    attention: Sequence[torch.Tensor] = ()


def surroundings(spec: HeadSpec, clip: ClipModel, diffusion: DiffusionModel | None) -> Surroundings:
    """What the head of a row stands on, read from the models; diffusion may be None where the row reads none."""
    blank = np.zeros((clip.image_size, clip.image_size, 3), np.uint8)
    layers = clip.layers(clip.pixels(blank))
    width = int(layers.tokens[0].shape[-1])
    taps: Mapping[str, tuple[int, int]]
    states, time = (0, 0), 0
    if diffusion is not None and "diffusion" in spec.kinds:
        unet: Any = diffusion.unet
        taps = tap_shapes(output_taps(diffusion) if spec.asks else odise_taps(spec, diffusion))
        states = diffusion.prompt_length, int(unet.config.cross_attention_dim)
        time = int(unet.time_embedding.linear_2.out_features)
    else:
        taps = {name: (width, stride) for name, stride in clip_strides(len(layers.tokens) - 1).items()}
    return Surroundings(
        taps=taps,
        clip_layers=len(layers.tokens) - 1,
        clip_width=width,
        clip_heads=clip.heads,
        clip_embed=clip.embed,
        clip_side=clip.image_size,
        states=states,
        time=time,
        maps=len(HALVINGS) if spec.asks else 0,
    )


def odise_taps(spec: HeadSpec, diffusion: DiffusionModel) -> tuple[Tap, ...]:
    """What a row of ODISE's family reads."""
    autoencoder = autoencoder_taps(diffusion) if spec.autoencoder else ()
    return (*autoencoder, *(unet_taps(diffusion) if spec.unet else ()))


def clip_strides(layers: int) -> Mapping[str, int]:
    """Tap name -> the pyramid's level that each layer of CLIP stands for, the early ones for fine levels.

    A plain vision transformer has one stride; its layers are spread over three, as a simple pyramid of it is built (Li
    et al., ECCV 2022).
    """
    return {f"clip.{layer}": (8, 16, 32)[3 * (layer - 1) // layers] for layer in range(1, layers + 1)}


def clip_features(layers: Layers) -> dict[str, torch.Tensor]:
    """Tap name -> (n, width, gh, gw) of what leaves each block."""
    return {f"clip.{layer}": layers.patches(layer) for layer in range(1, len(layers.tokens))}


def noised(spec: HeadSpec, diffusion: DiffusionModel, latents: torch.Tensor) -> torch.Tensor:
    """x_t of clean latents as the row says: with the one fixed noise, or the clean latents themselves."""
    if not spec.noise:
        return latents
    return noise_once(diffusion, latents, spec.timestep, [NOISE_SEED] * len(latents))


def read_unet(
    spec: HeadSpec,
    diffusion: DiffusionModel,
    latents: torch.Tensor,
    conditions: Conditions,
    shift: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """The UNet's taps of clean latents: of one pass (n, channel, h, w), or of several along an inversion."""
    taps, conditions = unet_taps(diffusion), diffusion.shown(conditions, latents)
    if spec.path == "once":
        return unet_features(diffusion, noised(spec, diffusion, latents), spec.timestep, conditions, taps, shift)
    found = []
    for step in invert(diffusion, latents, conditions, INVERSION_STEPS):
        if step.timestep in INVERTED:
            found.append(unet_features(diffusion, step.latents, step.timestep, conditions, taps))
        if len(found) == len(INVERTED):
            break
    return {name: torch.stack([part[name] for part in found], 1) for name in found[0]}


def read_asked(
    spec: HeadSpec, diffusion: DiffusionModel, head: Any, latents: torch.Tensor, tokens: torch.Tensor
) -> ClassTokens:
    """One pass of the UNet whose context are tokens (class, width) or (n, class, width), adapted by a head that asks.

    t counts from 0, as the model's scheduler counts it: VPD's 1 is the second of a thousand noise levels.
    """
    context = head.adapter(tokens).expand(len(latents), -1, -1)
    conditions = diffusion.shown(diffusion.encode_prompts([""]).with_states(context), latents)
    return read_class_tokens(diffusion, noised(spec, diffusion, latents), spec.timestep, conditions)


@torch.no_grad()
def inputs_of_picture(
    spec: HeadSpec,
    head: Any,
    image: np.ndarray,
    clip: ClipModel,
    diffusion: DiffusionModel | None,
    caption: str = "",
    side: int | None = None,
    tokens: torch.Tensor | None = None,
    layers: Layers | None = None,
) -> Inputs:
    """What a head is given of one picture, uint8 (h, w, 3), whose sides `encode_images` can take.

    diffusion: None for heads that read CLIP alone. caption: for a row whose context it is. side: that CLIP sees.
    tokens: (class, width) for a row that asks. layers: CLIP's of that picture and side, where they are known.
    """
    pixels = clip.pixels(image, side)
    layers = layers or clip.layers(pixels)
    size = (int(image.shape[0]), int(image.shape[1]))
    if diffusion is None:
        return Inputs(clip_features(layers), pixels, layers, size, (image,))
    wanted = autoencoder_taps(diffusion) if spec.autoencoder else ()
    latents, features = autoencoder_features(diffusion, image[None], wanted)
    if tokens is not None:
        read = read_asked(spec, diffusion, head, latents, tokens)
        return Inputs(read.features, pixels, layers, size, (image,), read.attention)
    if spec.unet:
        conditions, shift = diffusion.encode_prompts([caption if spec.context == "caption" else ""]), None
        if spec.captioner:
            context, shift = head.captioner(image_embedding(clip, layers), conditions.states)
            conditions = conditions.with_states(context)
        features |= read_unet(spec, diffusion, latents, conditions, shift)
    return Inputs(features, pixels, layers, size, (image,))


def image_embedding(clip: ClipModel, layers: Layers) -> torch.Tensor:
    """CLIP's embeddings (n, embed) of the pictures, not unit length."""
    last = layers.tokens[-1]
    return clip.head(last, Trunk(last, layers.grid, prefix=1), "class")


def propose(
    head: Any, spec: HeadSpec, inputs: Inputs, clip: ClipModel, text: torch.Tensor, seen: np.ndarray
) -> list[Proposed]:
    """What a head proposes of each picture. text: unit embeddings (k, embed). seen: uint8 (k,), as in `Proposed`."""
    if spec.family == "san":
        masks, biases = head(inputs.pixels, inputs.layers.tokens, inputs.layers.grid)
        embeddings = clip.steered(inputs.layers.tokens[head.enters], head.enters, biases, sees_class=False)
        known = torch.cat([text, F.normalize(head.background, dim=-1)])
        logits = clip.logit_scale * F.normalize(embeddings, dim=-1) @ known.T
        return [by_logits(mask, logit, None, seen) for mask, logit in zip(masks, logits, strict=True)]
    proposals = head(inputs.features, inputs.size)
    masks, embeddings = proposals.masks[-1], proposals.embeddings[-1]
    if spec.family == "ovseg":
        return [
            by_crops(clip, *item, text, seen)
            for item in zip(inputs.images, masks.sigmoid(), nothing_of(head, embeddings), strict=True)
        ]
    opinions = mask_opinions(clip, inputs.layers, masks.sigmoid(), text)
    if spec.family == "odise":
        logits = head.classifier(embeddings, text)
        return [by_logits(*item, seen) for item in zip(masks, logits, opinions, strict=True)]
    found = zip(masks, opinions, nothing_of(head, embeddings), strict=True)
    return [
        Proposed(_kept(mask.sigmoid()), _numbers(opinion), _numbers(null), None, seen) for mask, opinion, null in found
    ]


def nothing_of(head: Any, embeddings: torch.Tensor) -> torch.Tensor:
    """(n, query): the probability of being nothing by a class-agnostic head."""
    return head.objectness(embeddings).softmax(-1)[..., 1]


def by_crops(
    clip: ClipModel, image: np.ndarray, masks: torch.Tensor, nothing: torch.Tensor, text: torch.Tensor, seen: np.ndarray
) -> Proposed:
    """Of one picture: what CLIP calls its crops, and how sure the head is that each is something.

    masks: probabilities (query, h, w). nothing: (query,); a mask without a pixel is nothing.
    """
    opinions, some = crop_opinions(clip, image, masks, text)
    null = torch.where(some, nothing, 1.0)
    return Proposed(_kept(masks), _numbers(opinions), _numbers(null), None, seen)


def by_logits(mask: torch.Tensor, logits: torch.Tensor, opinion: torch.Tensor | None, seen: np.ndarray) -> Proposed:
    """Of one picture: mask logits (query, h, w), class logits (query, k + 1), nothing's last, CLIP's (query, k)."""
    return Proposed(
        masks=_kept(mask.sigmoid()),
        head=_numbers(logits[:, :-1].softmax(-1)),
        null=_numbers(logits.softmax(-1)[:, -1]),
        clip=None if opinion is None else _numbers(opinion),
        seen=seen,
    )


def _kept(masks: torch.Tensor) -> np.ndarray:
    return masks.detach().to(torch.float16).cpu().numpy()


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


@torch.no_grad()
def mask_opinions(clip: ClipModel, layers: Layers, masks: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """(n, query, k): what CLIP calls each mask by a copy of its class token that sees the mask's patches alone.

    As ODISE's and MaskCLIP's mask tokens (Ding et al., ICML 2023). masks: probabilities (n, query, h, w).
    """
    covered = F.interpolate(masks, size=layers.grid, mode="area").flatten(2)
    largest = covered.amax(-1, keepdim=True)
    covered = covered >= largest.clamp(max=0.5)  # a mask smaller than a patch sees the nearest one
    return patch_logits(clip, layers, covered, text).softmax(-1)


@torch.no_grad()
def patch_logits(clip: ClipModel, layers: Layers, seen: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """(n, query, k): scaled cosines of class tokens that see some patches, bool (n, query, patch), with unit text."""
    biases = torch.where(seen, 0.0, -torch.inf)[:, None]
    embeddings = clip.steered(layers.tokens[0], 0, biases, sees_class=True)
    return clip.logit_scale * F.normalize(embeddings, dim=-1) @ text.T


def dense_logits(spec: HeadSpec, head: Any, inputs: Inputs, clip: ClipModel, text: torch.Tensor) -> torch.Tensor:
    """Logits (n, k, h, w) of a dense head at each cell. text: unit embeddings (k, embed), or (n, k, embed)."""
    if spec.asks:
        return head.decoder(inputs.features, inputs.attention, text, inputs.size)
    cells = F.normalize(head(inputs.features, inputs.size), dim=1)
    return clip.logit_scale * torch.einsum("nchw,kc->nkhw", cells, text)
