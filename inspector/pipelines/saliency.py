"""Saliency: where a CLIP model looks for each class of a request, by Grad-CAM."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from inspector.analysis import metrics
from inspector.analysis.saliency import gradcam
from inspector.analysis.vocabulary import embed_classes, embed_words, other_words
from inspector.errors import NotFiniteError
from inspector.models import load_clip
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, gpu, last, loading, model_side, provenance
from inspector.results import Progress, SaliencyRequest, SaliencyResult, parse_classes, resize_maps
from inspector.words import class_mask

STAGES = 3


def run(request: SaliencyRequest) -> SaliencyResult:
    """The maps, scores and metrics of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.saliency)
def stream(request: SaliencyRequest) -> Iterator[Progress | SaliencyResult]:
    """Progress of loading and of the stages, then the result.

    Raises ModelError when the model cannot be had, UnsupportedModelError when its last block or the pooling is of
    another kind, ClassesError for one class with no background word left, PromptError for a template that is cut.
    """
    started = time.perf_counter()
    classes = parse_classes(request.classes)
    model = yield from loading(load_clip, request.model)
    yield Progress(1, STAGES, "Reading the image")
    with INFERENCE_LOCK:
        side = model_side(request.image.shape[:2], request.side, model.image_size)
        trunk = model.trunk(model.pixels(request.image, side))
    yield Progress(2, STAGES, f"Taking the gradient of {len(classes)} classes")
    with INFERENCE_LOCK:
        text = embed_classes(model, classes, request.template)
        words = other_words(request.background, classes)
        background = embed_words(model, words, request.template) if words else text[:0]
        found = gradcam(model, trunk, text, background, request.pooling)
    signed = _numpy(found.signed)
    if not np.isfinite(signed).all():
        raise NotFiniteError.of(model.spec.name, "the gradients of its last block")
    yield SaliencyResult(
        request=request,
        grid_signed=signed,
        probabilities=_numpy(found.probabilities),
        scores=_numpy(found.scores),
        background_probability=found.background_probability,
        metrics=rows(request, signed),
        provenance=provenance(started, request, model),
    )


def rows(request: SaliencyRequest, signed: np.ndarray) -> tuple[dict[str, Any], ...]:
    """One row {class, ap, iou, iou_best, pointing, chance, threshold} per class that has a mask.

    signed: (class, gh, gw); scored are the maps after the ReLU, at the image's size. threshold, of `iou`: a
    fraction of the map's maximum. chance: the AP of a constant map.
    """
    found = []
    for index, synonyms in enumerate(parse_classes(request.classes)):
        mask = class_mask(synonyms, request.masks)
        if mask is None:
            continue
        map_ = resize_maps(np.maximum(signed[index], 0), mask.shape)
        scores = metrics.map_scores(map_, mask, request.threshold)
        found.append(
            {
                "class": synonyms[0],
                "ap": scores["ap"],
                "iou": scores["iou"],
                "iou_best": scores["iou_best"],
                "pointing": metrics.pointing(map_, mask),
                "chance": metrics.chance(mask),
                "threshold": request.threshold,
            }
        )
    return tuple(found)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.numpy().astype(np.float32)
