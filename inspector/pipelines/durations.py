"""Durations: for how many seconds a run borrows the GPU of a ZeroGPU host, from the size of its request.

The host ends the run at that time, lets short ones go first, and refuses one that asks for more than is left of the
visitor's day: 120 s without an account. So a guess is generous, but no longer than it must be. Every number here is
our estimate from published speeds and from timings on a CPU; none was measured on such a host.
"""

import math
from typing import Any

from inspector.models import catalog
from inspector.results import (
    AGAIN,
    ALL_METHODS,
    GENERATION,
    LOADED,
    TRAINED_METHODS,
    AttentionRequest,
    ClustersRequest,
    NamingRequest,
    PromptedRequest,
    SaliencyRequest,
    SegmentationRequest,
    parse_classes,
)

LEAST, MOST = 30, 110  # MOST: what a visitor without an account can still be lent, once a day
START = 15.0  # the process, the weights on their way to the GPU, the scores that a CPU computes
# Files of 1 GB: fetched at 100 MB/s or more by the first run, later read from the disk, and opened by each new process.
OPENING = 15.0
# One pass of one picture. Stable Diffusion 1.5 takes 0.02 to 0.03 s on an A100 in float16; recording its maps, the copy
# to the CPU and a preview are allowed four times that. A small model waits for Python alone.
PASS, PASS_PER_BILLION = 0.02, 0.12
RESTART = 0.5  # of k-means with its two baselines, k = 32 on 64 x 64 positions, one core
# Methods of segmentation that ask no CLIP, and those of them that ask the UNet once for each name.
BY_DIFFUSION = {"attention", "diffsegmenter", "diffseg", "vpd-attention"}
BY_NAMES = {"attention", "diffsegmenter", "diffseg"}
INVERTING = 10  # passes of the UNet that a head on an inversion takes
TILES = 12  # as many passes, of up to three tiles of a picture by the autoencoder and the UNet, and of the head
SEGMENTING = 20  # passes of a size as the catalog's: SAM decodes 1,024 points in 16 parts
CROPS = 20  # that CLIP is asked about, one of each proposal
DIFFUSION_SIDE, CLIP_SIDE = 512, 224  # pixels of the picture that a pass is counted for


def attention(request: AttentionRequest) -> int:
    """Steps, each with and without the prompt where it is guided, and the passes of every other arm."""
    guided = 2 if request.guidance_scale > 1 else 1
    passes = sum(calls * (guided if arm in (GENERATION, AGAIN) else 1) for arm, calls in request.calls.items())
    copies = 2 if request.heads else 1  # eight times the maps, which are the smaller part
    return _bounded(_run(request.model, passes * copies, request.size, DIFFUSION_SIDE))


def probing(asked: Any) -> int:
    """The text encoder and a product a layer for each word, of a result that is there."""
    return _bounded(_run(asked.result.request.model, len(asked.probes), None, DIFFUSION_SIDE))


def clusters(request: ClustersRequest) -> int:
    """One pass of the UNet, then k-means on the CPU."""
    return _bounded(_run(request.model, 1, None, DIFFUSION_SIDE) + RESTART * request.restarts)


def saliency(request: SaliencyRequest) -> int:
    """A picture, gradients and texts by CLIP."""
    return _bounded(_by_clip(request.model, request, len(request.background)))


def segmentation(request: SegmentationRequest) -> int:
    """By CLIP as saliency; by a diffusion model one pass for each name, in batches that save little of it."""
    methods, seconds = {*request.methods, *(TRAINED_METHODS if request.method == ALL_METHODS else ())}, 0.0
    words = len(request.background_words)
    if methods - BY_DIFFUSION - {LOADED}:
        seconds += _by_clip(request.clip, request, words)
    if LOADED in methods:  # and the names that CLIP may have to give
        seconds += _run(request.segmenter, SEGMENTING, None, CLIP_SIDE) + _by_clip(request.clip, request, words)
    names = _names(request) + (words if request.background_rule == "words" else 0)
    passes = sum(names if method in BY_NAMES else 1 for method in methods & BY_DIFFUSION) + ("diffcut" in methods)
    if "odise" in methods:  # the decoder beside the UNet, or a DDIM inversion
        passes += TILES if request.imported else INVERTING if request.head == "odise-inversion" else 2
    if "vpd" in methods:
        passes += 1
    if "ovseg" in methods:
        seconds += CROPS * _pass(request.clip)
    if passes:
        side = None if request.imported else request.side  # whose tiles the models see at their own size
        seconds += _run(request.diffusion, 1 + passes, side, DIFFUSION_SIDE)
    return _bounded(seconds)


def naming(request: NamingRequest) -> int:
    """A picture and all words by CLIP."""
    texts = sum(len(synonyms) for synonyms in request.words)
    return _bounded(_run(request.clip, 1, request.side, CLIP_SIDE) + texts * _pass(request.clip))


def prompted(request: PromptedRequest) -> int:
    """A picture, larger than CLIP's, and a small decoder."""
    return _bounded(_run(request.model, SEGMENTING, None, CLIP_SIDE))


def _by_clip(model: str, request: SaliencyRequest | SegmentationRequest, background: int) -> float:
    """Seconds for a picture, for each class a gradient of the last of 12 blocks, there and back, and for the texts."""
    pictures = 1 + len(parse_classes(request.classes)) / 4
    texts = _names(request) + background
    return _run(model, pictures, request.side, CLIP_SIDE) + texts * _pass(model)


def _names(request: SaliencyRequest | SegmentationRequest) -> int:
    """Classes with their synonyms."""
    return sum(len(group) for group in parse_classes(request.classes))


def _run(model: str, passes: float, side: int | None, counted: int) -> float:
    """Seconds to open a model and run it on pictures of `side` pixels; None is what the model was trained for.

    Raises UnknownModelError, before a GPU is asked for.
    """
    # Between the square of the side, which convolutions take, and the fourth power, which self-attention takes.
    larger = max(1.0, (side or counted) / counted) ** 3
    return START + OPENING * catalog.spec(model).download_gb + passes * larger * _pass(model)


def _pass(model: str) -> float:
    return PASS + PASS_PER_BILLION * catalog.spec(model).parameters / 1e9


def _bounded(seconds: float) -> int:
    return min(MOST, max(LEAST, math.ceil(seconds)))
