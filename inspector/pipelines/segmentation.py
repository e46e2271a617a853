"""Segmentation: a label for every pixel from the classes of a request, by one of `segmenters.METHODS` or by all."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis import votes
from inspector.analysis.proposals import class_scores, panoptic
from inspector.analysis.segmentation import Enlarged, quality, ruled, segments
from inspector.errors import ChoiceError, NotFiniteError
from inspector.models import load_clip, load_diffusion, load_head, load_segmenter
from inspector.pipelines import durations, segmenters, trained
from inspector.pipelines.common import INFERENCE_LOCK, gpu, last, loading, provenance
from inspector.pipelines.loaded_segmenters import segmenter_proposals, untold
from inspector.pipelines.readings import Asked, Readings
from inspector.pipelines.usual import check_unet
from inspector.results import (
    ALL_METHODS,
    LOADED,
    TRAINED_METHODS,
    Panoptic,
    Progress,
    Proposed,
    Provenance,
    SegmentationRequest,
    SegmentationResult,
    Vote,
    parse_classes,
)
from inspector.vocabularies import stuff
from inspector.words import matching


@dataclass(frozen=True)
class Labelled:
    """One method's answer. grid: float32 (class, gh, gw); labels: int32 (h, w); seconds: as `Vote.seconds`."""

    grid: np.ndarray
    labels: np.ndarray
    seconds: float


def run(request: SegmentationRequest) -> SegmentationResult:
    """Labels, scores, segments and metrics of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.segmentation)
def stream(request: SegmentationRequest) -> Iterator[Progress | SegmentationResult]:
    """Progress of loading and of each method, then the result.

    Raises ModelError when a model cannot be had, UnsupportedModelError when the method cannot read it, and PromptError
    when the template is too long for the model.
    """
    started = time.perf_counter()
    models = yield from _models(request)
    if segmenters.need_unet(request.methods):
        check_unet(models["diffusion"])
    readings = Readings(request, models)
    asked = Asked.of(parse_classes(request.classes), request)
    methods = request.methods
    if request.method == ALL_METHODS:
        with INFERENCE_LOCK:
            methods += trained.available(readings)
    stages, found = len(methods) + 2, {}
    for stage, method in enumerate(methods, 1):
        yield Progress(stage, stages, f"Scoring {len(asked.classes)} classes by {method}")
        with INFERENCE_LOCK:
            found[method] = labelled(readings, method, asked)
    yield Progress(stages - 1, stages, "Drawing the segments")
    told = _provenance(started, readings, asked, models, methods)
    if request.method == ALL_METHODS:
        yield together(readings, found, models, told)
    else:
        one = found[request.method]
        proposals = None
        if request.method in TRAINED_METHODS:
            proposals = trained.proposals(readings, asked, request.method)
        elif request.method == LOADED:
            proposals = segmenter_proposals(readings, asked)
        parts = {} if proposals is None else {"proposals": proposals, "panoptic": panoptic_of(request, proposals)}
        yield result_of(request, one.labels, one.grid, told, **parts)


def _models(request: SegmentationRequest) -> Generator[Progress, None, dict[str, Any]]:
    """Kind -> model, of the kinds that a request runs; a segmenter without words brings CLIP. CLIP is the first."""
    load: dict[str, tuple[Callable[..., Any], str]] = {
        "head": (load_head, request.head),
        "segmenter": (load_segmenter, request.segmenter),
        "diffusion": (load_diffusion, request.diffusion),
        "clip": (load_clip, request.clip),
    }
    kinds, models = segmenters.kinds_of(request), dict[str, Any]()
    for kind, (loader, name) in load.items():
        if kind in kinds or (kind == "clip" and "segmenter" in models and models["segmenter"].wordless):
            models[kind] = yield from loading(loader, name)
    return dict(reversed(models.items()))


def _provenance(
    started: float, readings: Readings, asked: Asked, models: dict[str, Any], methods: tuple[str, ...]
) -> Provenance:
    """Provenance, with shipped heads' revisions, an imported one's licence, and classes that a segmenter has not."""
    request, told = readings.request, provenance(started, readings.request, *models.values())
    for method in methods:
        if method in TRAINED_METHODS:
            told = replace(told, models={**told.models, **trained.told(readings, method)})
    if request.imported:
        spec = readings.head.spec
        return replace(told, told={**told.told, spec.name: f"{spec.told}; weights {spec.licence}"})
    more = ""
    if request.method == LOADED:
        more = untold(readings, asked)
    elif request.method == ALL_METHODS:
        more = trained.left_out(request, methods)
    return replace(told, warning=" ".join(filter(None, (told.warning, more))))


def labelled(readings: Readings, method: str, asked: Asked) -> Labelled:
    """A method's scores and labels. Raises NotFiniteError for scores that are no numbers."""
    request = readings.request
    with readings.once.timed() as spent:
        scored = segmenters.score(readings, method, asked)
        if not np.isfinite(scored).all():
            raise NotFiniteError.of(readings.names(), f"the scores of {method}, from its last block")
        grid, labels = by_rule(request, scored)
    return Labelled(grid, labels, spent.seconds)


def by_rule(request: SegmentationRequest, scored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (class, gh, gw) without those of background words, and labels (h, w) by the request's rule."""
    grid, words = np.split(scored, [len(request.classes)])
    size = request.image.shape[:2]
    rule, constant, power = request.background_rule, request.background, request.background_power
    return grid, ruled(Enlarged(grid, size), Enlarged(words, size), rule, constant, power)


def reweighed(result: SegmentationResult, seen_weight: float, unseen_weight: float) -> SegmentationResult:
    """The result as a run with other weights of CLIP's opinion gives it, from its proposals; no model runs.

    Raises ChoiceError for weights outside of [0, 1], and for a result without proposals.
    """
    made = result.proposals
    if made is None:
        raise ChoiceError(f"{result.request.method} proposes no masks to weigh; choose odise.")
    request = replace(result.request, seen_weight=seen_weight, unseen_weight=unseen_weight)
    masks = made.masks.astype(np.float32)
    grid, labels = by_rule(request, class_scores(masks, made.named(request.weights, shares=request.imported)))
    parts = {"proposals": made, "panoptic": panoptic_of(request, made)}
    return result_of(request, labels, grid, result.provenance, **parts)


def panoptic_of(request: SegmentationRequest, made: Proposed) -> Panoptic:
    """The segments that proposals make of the request's picture, named among its classes alone."""
    classes = parse_classes(request.classes)
    things = np.array([is_thing(synonyms) for synonyms in classes], np.uint8)
    named = made.named(request.weights, shares=request.imported)[:, : len(classes)]
    masks = Enlarged(made.masks.astype(np.float32), request.image.shape[:2])
    ids, found = panoptic(masks, named, things.astype(bool).tolist())
    return Panoptic(
        ids,
        np.array([1 + one.index for one in found], np.int32),
        np.array([one.proposal for one in found], np.int32),
        np.array([one.score for one in found], np.float32),
        things,
    )


def is_thing(synonyms: Sequence[str]) -> bool:
    """Whether a class's segments are counted: as the drawn scenes have it, else unless COCO calls it stuff."""
    if known := matching(synonyms, world.CLASSES):
        return known[0] in world.THINGS
    return not matching(synonyms, stuff())


def result_of(
    request: SegmentationRequest, labels: np.ndarray, grid: np.ndarray, told: Any, **more: Any
) -> SegmentationResult:
    """The result of labels (h, w) and scores (class, gh, gw)."""
    classes = parse_classes(request.classes)
    return SegmentationResult(
        request=request,
        labels=labels,
        grid_scores=grid,
        segments=segments(labels, Enlarged(grid, labels.shape), [synonyms[0] for synonyms in classes]),
        metrics=quality(labels, classes, request.masks),
        provenance=told,
        **more,
    )


def together(readings: Readings, found: dict[str, Labelled], models: dict[str, Any], told: Any) -> SegmentationResult:
    """The result of all methods: the majority's labels, shares of votes as scores, and each method's vote."""
    request = readings.request
    classes, each = parse_classes(request.classes), [one.labels for one in found.values()]
    labels, disagreement = votes.majority(each, 1 + len(classes))
    cast = tuple(
        Vote(
            method=method,
            labels=one.labels,
            metrics=quality(one.labels, classes, request.masks),
            seconds=round(one.seconds, 4),
            parameters=segmenters.parameters(readings, models, method),
        )
        for method, one in found.items()
    )
    grid = votes.shares(each, 1 + len(classes))
    return result_of(request, labels, grid, told, votes=cast, disagreement=disagreement)
