"""Segmentation: a label for every pixel from the classes of a request, by methods that need no training.

| method | score of a class at a pixel, in [0, 1] | model |
|---|---|---|
| gradcam | its Grad-CAM map as a fraction of the map's maximum (CLIP-ES) | CLIP |
| maskclip | probability of the patch's embedding among classes and background words (Zhou et al. 2022) | CLIP |
| attention | its cross-attention as a fraction of the map's maximum | diffusion |
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inspector.analysis import memory
from inspector.analysis.dense_clip import dense_scores
from inspector.analysis.saliency import gradcam
from inspector.analysis.segmentation import Enlarged, own_maximum, quality, segments, winners
from inspector.analysis.vocabulary import embed_classes, embed_words, fill, other_words, too_long
from inspector.errors import NotFiniteError, PromptError
from inspector.models import load_clip, load_diffusion
from inspector.models.protocols import ClipModel, DiffusionModel, Trunk
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, fit_image, gpu, last, loading, model_side, provenance
from inspector.pipelines.room import check_room, pass_bytes
from inspector.results import (
    CLIP_ES_BACKGROUND,
    ClassNames,
    Progress,
    SegmentationRequest,
    SegmentationResult,
    parse_classes,
    resize_maps,
)
from inspector.results.quoting import quoted
from inspector.trace.trajectories import record_once

STAGES = 3
PROMPTS_AT_ONCE = 16  # class prompts in one batch of the UNet, where they fit into memory.BUDGET


@dataclass(frozen=True)
class Method:
    """kind: which model it needs. score: (model, request) -> float32 (class, gh, gw) in [0, 1]."""

    kind: str
    score: Callable[[Any, SegmentationRequest], np.ndarray]


def run(request: SegmentationRequest) -> SegmentationResult:
    """Labels, scores, segments and metrics of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.segmentation)
def stream(request: SegmentationRequest) -> Iterator[Progress | SegmentationResult]:
    """Progress of loading and of the stages, then the result.

    Raises ModelError when the model cannot be had, UnsupportedModelError when the method cannot read it, and
    PromptError when the template is too long for the model.
    """
    started = time.perf_counter()
    method, classes = METHODS[request.method], parse_classes(request.classes)
    name = request.clip if method.kind == "clip" else request.diffusion
    model: Any = yield from loading(load_clip if method.kind == "clip" else load_diffusion, name)
    yield Progress(1, STAGES, f"Scoring {len(classes)} classes by {request.method}")
    with INFERENCE_LOCK:
        grid = method.score(model, request)
    if not np.isfinite(grid).all():
        raise NotFiniteError.of(model.spec.name, f"the scores of {request.method}, from its last block")
    yield Progress(2, STAGES, "Drawing the segments")
    scores = Enlarged(grid, request.image.shape[:2])
    labels = winners(scores, request.background)
    yield SegmentationResult(
        request=request,
        labels=labels,
        grid_scores=grid,
        segments=segments(labels, scores, [synonyms[0] for synonyms in classes]),
        metrics=quality(labels, classes, request.masks),
        provenance=provenance(started, request, model),
    )


def score_clip(model: ClipModel, request: SegmentationRequest) -> np.ndarray:
    """Scores of the method by one pass of the image and CLIP-ES's background words."""
    classes = parse_classes(request.classes)
    side = model_side(request.image.shape[:2], request.side, model.image_size)
    trunk = model.trunk(model.pixels(request.image, side))
    words = other_words(tuple(CLIP_ES_BACKGROUND), classes)
    background = embed_words(model, words, request.template)
    return CLIP_SCORES[request.method](model, trunk, embed_classes(model, classes, request.template), background)


def gradcam_scores(model: ClipModel, trunk: Trunk, text: torch.Tensor, background: torch.Tensor) -> np.ndarray:
    """Grad-CAM with the pooling the model was trained with; text (k, embed), background (b, embed)."""
    signed = gradcam(model, trunk, text, background, model.poolings[0]).signed.numpy()
    return own_maximum(signed) if np.isfinite(signed).all() else signed


def maskclip_scores(model: ClipModel, trunk: Trunk, text: torch.Tensor, background: torch.Tensor) -> np.ndarray:
    """Softmax over the classes and the background words at each patch; text (k, embed), background (b, embed).

    The background words never win a pixel; they take probability, so that `background` has something to cut.
    """
    cosines = dense_scores(model, trunk, torch.cat([text, background]), "maskclip")
    return (model.logit_scale * cosines).softmax(0)[: len(text)].numpy()


def score_attention(model: DiffusionModel, request: SegmentationRequest) -> np.ndarray:
    """Cross-attention to each class's name in its own prompt, the same noise added once for all."""
    classes = parse_classes(request.classes)
    image = fit_image(request.image, request.side or model.image_size, model.latent_factor * 8)
    return own_maximum(attention_maps(model, image, classes, request.template, request.timestep, request.seed))


def attention_maps(
    model: DiffusionModel, image: np.ndarray, classes: ClassNames, template: str, timestep: int, seed: int
) -> np.ndarray:
    """float32 (class, gh, gw): mean over tokens, layers and synonyms of the cross-attention to a class's name.

    image: sides fit for `encode_images`. A prompt of its own for each class, as in DiffSegmenter, since a list of all
    classes is no caption the model has seen, and is cut off after a few dozen. Raises ModelMemoryError before it runs
    where the picture is too large for the memory that is free.
    """
    prompts, spans = class_prompts(model, classes, template)
    at_once = memory.fitting(min(PROMPTS_AT_ONCE, len(prompts)), pass_bytes(model, image.shape[:2]), memory.BUDGET)
    check_room(model, image.shape[:2], at_once)
    with torch.no_grad():
        latents = model.encode_images(image[None])
        states = model.encode_prompts(prompts)
    positions = sorted({position for span in spans for position in span})
    maps = []
    for part in memory.blocks(len(prompts), at_once):
        count = part.stop - part.start
        batch = latents.expand(count, -1, -1, -1)
        recording, _ = record_once(model, batch, states[part], timestep, [seed] * count, positions)
        for index, span in enumerate(spans[part]):
            columns = [positions.index(position) for position in span]
            maps.append(mean_over_layers({name: calls[0][index, columns] for name, calls in recording.maps.items()}))
    return _mean_of_synonyms(np.stack(maps), classes)


def class_prompts(model: DiffusionModel, classes: ClassNames, template: str) -> tuple[list[str], list[tuple[int, ...]]]:
    """One prompt per synonym, and the token indices of the synonym in it.

    Raises PromptError when a prompt is cut off, or nothing of a name is read.
    """
    prompts, spans = [], []
    start = template.index("{}")
    for word in (word for synonyms in classes for word in synonyms):
        prompt = fill(template, word)
        read = model.tokenize(prompt)
        if read.truncated:
            raise too_long(model.spec.name, read.truncated, f"the template with {quoted(word)}")
        span = tuple(token.index for token in read.tokens if token.start < start + len(word) and token.stop > start)
        if not span:
            raise PromptError(f"{model.spec.name} reads nothing of {quoted(word)}; name the class otherwise.")
        prompts.append(prompt)
        spans.append(span)
    return prompts, spans


def mean_over_layers(maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """float32 (h, w) of the largest layer, from layer -> (token, h, w): mean over tokens and layers."""
    means = [item.astype(np.float32).mean(0) for item in maps.values()]
    size = max((item.shape for item in means), key=lambda shape: shape[0] * shape[1])
    return np.mean([resize_maps(item, size) for item in means], axis=0)


def _mean_of_synonyms(maps: np.ndarray, classes: ClassNames) -> np.ndarray:
    """(synonym, h, w) -> (class, h, w)."""
    ends = np.cumsum([len(synonyms) for synonyms in classes])
    return np.stack([part.mean(0) for part in np.split(maps, ends[:-1])])


CLIP_SCORES = {"gradcam": gradcam_scores, "maskclip": maskclip_scores}
METHODS: Mapping[str, Method] = {
    "gradcam": Method("clip", score_clip),
    "maskclip": Method("clip", score_clip),
    "attention": Method("diffusion", score_attention),
}
