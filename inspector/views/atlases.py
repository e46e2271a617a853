"""Atlases: what of each tab's result goes to the page, and how the page begins with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results import (
    OVERLAP,
    SURE,
    AttentionResult,
    ClustersResult,
    SaliencyResult,
    SegmentationResult,
    fit_mask,
)
from inspector.views import clusters, segmentation
from inspector.views.atlas import Atlas, Axis, Block, Labels
from inspector.views.atlas_facts import measured, with_record
from inspector.views.attention_atlas import of_attention
from inspector.views.color import hex_color
from inspector.views.export import Result
from inspector.views.figure import number
from inspector.views.overlay import BACKGROUND, enlarge
from inspector.words import class_mask

BUDGET = 8_000_000  # bytes of maps in the first file; what is over comes when it is asked for
PICTURE = "picture"


def atlas_of(result: Result, budget: int | None = BUDGET) -> Atlas:
    """The atlas of a result, with as many maps as fit into `budget` bytes; None takes all."""
    made: Atlas = _MAKERS[type(result)](result)
    return made if budget is None else within(made, budget)


def within(made: Atlas, budget: int) -> Atlas:
    """The atlas with as many of its blocks' maps as fit, in their order; others and `later` ones are announced only."""
    blocks: list[Block] = []
    left = budget
    for block in made.blocks:
        fits = (block.size <= left or not blocks) and not block.later
        left -= block.size if fits else 0
        blocks.append(block if fits else replace(block, maps=None, projected=None))
    return replace(made, blocks=tuple(blocks))


def part(made: Atlas, places: Sequence[Mapping[str, str]]) -> Atlas:
    """An atlas of some blocks alone, which the first file just announced. Raises ChoiceError where one is not there."""
    found = []
    for place in places:
        own = [block for block in made.blocks if dict(block.at) == dict(place)]
        if not own:
            raise ChoiceError(f"This result has no maps at {dict(place)}; open it again.")
        found += own
    return Atlas(made.tab, made.axes, tuple(found), {})


def of_saliency(result: SaliencyResult) -> Atlas:
    """Axes map (Grad-CAM, signed) and class."""
    names = result.names
    shown = tuple(
        f"{'/'.join(synonyms)}  p {number(float(p))}"
        for synonyms, p in zip(result.request.classes, result.probabilities, strict=True)
    )
    axes = (
        Axis("class", names, shown, "chips"),
        Axis("map", ("gradcam", "signed"), ("Grad-CAM", "signed, before the ReLU"), "list"),
    )
    blocks = (
        Block({"map": "gradcam"}, ("class",), result.grid, PICTURE, scores=measured(result.metrics, "class")),
        Block({"map": "signed"}, ("class",), result.grid_signed, PICTURE, signed=True),
    )
    masks, matches = class_masks(names, result.request.classes, result.request.masks)
    facts = {
        "title": "Grad-CAM",
        "names": {"class": "Class", "map": "Map"},
        "columns": "class",
        "panels": [{"class": name} for name in names[:2]],
        "linked": ["map"],
        "zero": True,
        "ranked": "class",
        "matches": {"axis": "class", "names": matches, "threshold": result.request.threshold},
        "look": {"threshold": result.request.threshold},
        "keys": {"arrows": "class", "updown": "map"},
    }
    return Atlas("saliency", axes, blocks, {PICTURE: result.request.image}, (), masks, facts=with_record(result, facts))


def of_clusters(result: ClustersResult) -> Atlas:
    """One axis of views: clusters, similarity to a pixel, agreement, PCA, and what colour and position alone give."""
    kinds = ("clusters", "similarity", "agreement", "features", *result.baselines)
    axes = (Axis("view", kinds, tuple(clusters.TITLES.get(kind, kind) for kind in kinds), "chips"),)
    height, width = result.request.image.shape[:2]
    grids = {"clusters": result.grid_labels, **result.baselines}
    labels = tuple(
        Labels(
            {"view": kind},
            grid,
            clusters.colors(result, kind),
            tuple(f"cluster {index + 1}" for index in range(result.request.k)),
            PICTURE,
        )
        for kind, grid in grids.items()
    )
    blocks = (
        Block({"view": "similarity"}, (), None, PICTURE, computed="similarity"),
        Block({"view": "agreement"}, (), result.agreement, PICTURE),
    )
    facts = {
        "title": "UNet clusters",
        "names": {"view": "View"},
        "columns": "view",
        "panels": [{"view": "clusters"}, {"view": "similarity"}],
        "plainAxis": "view",
        "plain": {"features": "features"},
        "keys": {"arrows": "view"},
    }
    pictures = {PICTURE: result.request.image, "features": enlarge(result.grid_pca, (height, width))}
    masks = {name: fit_mask(mask) for name, mask in result.request.masks.items() if mask.any()}
    return Atlas(
        "clusters", axes, blocks, pictures, labels, masks, unit(result.features), with_record(result, facts)
    )  # fmt: skip


def of_segmentation(result: SegmentationResult) -> Atlas:
    """Axes view (labels, score, uncertainty, segments of proposals and they, truth and errors), class, proposal."""
    names, kinds, made = result.names, segmentation.kinds(result), result.proposals
    each = tuple(vote.method for vote in result.votes)
    shown = {"labels": "labels", "score": "score of a class", "truth": "true labels", "errors": "right and wrong"}
    views: tuple[str, ...] = (*kinds, *each, segmentation.DISAGREEMENT)
    if each:
        shown |= {"labels": "majority", "score": "share of votes for a class"}
    else:
        views = ("labels", *(("segments",) if result.panoptic else ()), "score", "uncertainty")
        views += (*(("proposal",) if made else ()), *kinds[2:])
    axes: tuple[Axis, ...] = (
        Axis("view", views, tuple(shown.get(view, view) for view in views), "list" if len(views) > 5 else "chips"),
        Axis("class", names, names, "chips" if len(names) <= 12 else "list"),
    )
    if made:
        numbers = tuple(str(number) for number in range(1, 1 + len(made.masks)))
        axes += (Axis("proposal", numbers, tuple(f"mask {number}" for number in numbers), "list"),)
    colors = segmentation.colors(result)
    grids = {"labels": result.labels, "truth": segmentation.truth(result)}
    grids |= {vote.method: vote.labels for vote in result.votes}
    labels = [
        Labels({"view": view}, grids[view], colors, ("background", *names), PICTURE) for view in views if view in grids
    ]
    if result.panoptic:
        labels.append(_segments(result))
    if "errors" in kinds:
        labels.append(_errors(result, grids["truth"]))
    masks, matches = class_masks(names, result.request.classes, result.request.masks)
    facts: dict[str, Any] = {
        "title": f"Segmentation by {'all methods' if each else result.request.method}",
        "names": {"view": "View", "class": "Class", "proposal": "Proposal"},
        "columns": "view" if each else "class",
        "panels": [{"view": "labels"}, {"view": segmentation.DISAGREEMENT if each else "score"}],
        "active": 0 if each else 1,
        "ranked": "class",
        "given": ["truth", "errors"],
        "votes": ["labels", "truth", *each],
        "matches": {"axis": "class", "names": matches},
        "keys": {"arrows": "view", "updown": "class"} if each else {"arrows": "class", "updown": "view"},
    }
    blocks = [Block({"view": "score"}, ("class",), result.grid_scores, PICTURE)]
    if not each:
        blocks.append(Block({"view": "uncertainty"}, (), result.uncertainty, PICTURE))
    if made:
        blocks.append(Block({"view": "proposal"}, ("proposal",), made.masks.astype(np.float32), PICTURE))
        facts["ensemble"] = _ensemble(result)
    if result.disagreement is not None:
        blocks.append(Block({"view": segmentation.DISAGREEMENT}, (), result.disagreement, PICTURE))
    return Atlas(
        "segmentation",
        axes,
        tuple(blocks),
        {PICTURE: result.request.image},
        tuple(labels),
        masks,
        facts=with_record(result, facts),
        proposals=made,
    )


def _segments(result: SegmentationResult) -> Labels:
    assert result.panoptic is not None
    told = segmentation.segment_names(result)
    colors = np.stack([BACKGROUND, *(color for _, color in told)])
    return Labels({"view": "segments"}, result.panoptic.ids, colors, ("none", *(name for name, _ in told)), PICTURE)


def _ensemble(result: SegmentationResult) -> dict[str, Any]:
    """What a page needs beside the proposals to name them anew as `pipelines.segmentation.reweighed` does."""
    request, found = result.request, result.panoptic
    return {
        "weights": list(request.weights),
        "shares": request.imported,
        "called": "labels" if segmentation.by_labels(result) else "CLIP",
        "rule": request.background_rule,
        "background": request.background,
        "power": request.background_power,
        "things": [] if found is None else found.things.tolist(),
        "shades": [[hex_color(color) for color in own] for own in segmentation.shades(result)],
        "sure": SURE,
        "overlap": OVERLAP,
    }


def _errors(result: SegmentationResult, truth: np.ndarray) -> Labels:
    """Where the labels are right and wrong; what no named class covers is right as background alone."""
    values = np.where(result.labels == truth, 1, 2)
    colors = np.stack([BACKGROUND, segmentation.RIGHT, segmentation.WRONG])
    return Labels({"view": "errors"}, values, colors, ("none", "right", "wrong"), PICTURE)


def class_masks(
    names: Sequence[str], classes: Sequence[Sequence[str]], masks: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Masks to score against, and class -> name of its own; the union of its synonyms' where there are several."""
    found = {name: class_mask(synonyms, masks) for name, synonyms in zip(names, classes, strict=True)}
    own = {name: fit_mask(mask) for name, mask in found.items() if mask is not None}
    others = {name: fit_mask(mask) for name, mask in masks.items() if mask.any() and name not in own}
    return {**own, **others}, {name: name for name in own}


def unit(features: np.ndarray) -> np.ndarray:
    """float32 (channel, gh, gw) with length 1 at every place."""
    values = np.asarray(features, np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=0, keepdims=True), 1e-6)


_MAKERS: Mapping[type, Any] = {
    SaliencyResult: of_saliency,
    AttentionResult: of_attention,
    ClustersResult: of_clusters,
    SegmentationResult: of_segmentation,
}
