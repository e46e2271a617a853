"""Atlases: what of each tab's result goes to the page, and how the page begins with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results import (
    GENERATION,
    NOISE_ONCE,
    OVERLAP,
    SCORE_THRESHOLD,
    SPREAD_OF_SEEDS,
    SURE,
    AttentionResult,
    ClustersResult,
    SaliencyResult,
    SegmentationResult,
    fit_mask,
    masked_words,
    seed_arm,
)
from inspector.views import attention, clusters, export, segmentation, verdict
from inspector.views.atlas import Atlas, Axis, Block, Labels, Later
from inspector.views.color import hex_color
from inspector.views.export import Result
from inspector.views.figure import number
from inspector.views.overlay import BACKGROUND, enlarge, fit
from inspector.words import class_mask

BUDGET = 8_000_000  # bytes of maps in the first file; what is over comes when it is asked for
PICTURE = "picture"
MEASURES = ("ap", "iou", "iou_best", "pointing", "chance", "entropy")  # of a map against a mask, and of it alone
PANELS = 4  # that a page has at most
START, END = "start token", "end token"


def atlas_of(result: Result, budget: int | None = BUDGET) -> Atlas:
    """The atlas of a result, with as many maps as fit into `budget` bytes; None takes all."""
    made: Atlas = _MAKERS[type(result)](result)
    return made if budget is None else within(made, budget)


def within(made: Atlas, budget: int) -> Atlas:
    """The atlas with as many of its blocks' maps as fit, in their order; the others are announced only."""
    blocks: list[Block] = []
    left = budget
    for block in made.blocks:
        size = 0 if block.maps is None else block.maps.size
        fits = size <= left or not blocks
        left -= size if fits else 0
        blocks.append(block if fits else replace(block, maps=None))
    return replace(made, blocks=tuple(blocks))


def part(made: Atlas, at: Mapping[str, str]) -> Atlas:
    """An atlas of one block alone, which the first file just announced. Raises ChoiceError where there is none."""
    found = [block for block in made.blocks if dict(block.at) == dict(at)]
    if not found:
        raise ChoiceError(f"This result has no maps at {dict(at)}; open it again.")
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
    return Atlas("saliency", axes, blocks, {PICTURE: result.request.image}, (), masks, facts=_told(result, facts))


def of_attention(result: AttentionResult, first: str = "") -> Atlas:
    """Axes word, step, layer (its means first) and arm; words of several tokens are their tokens' mean.

    first: the word, phrase or span shown first; it is added where it is no word of its own. "" is the main word.
    Raises PromptError for one that the prompt does not have.
    """
    words = list(dict.fromkeys([*attention.words(result), *([first] if first else [])]))
    tokens = {word: result.token_indices(word) for word in words} | {START: (0,), END: (len(result.tokens) - 1,)}
    told = [attention.name(result, word) if word == first else word for word in tokens]
    longest = max(result.arms, key=lambda arm: len(result.steps[arm]))
    ticks = {
        arm: [f"{index} of {len(steps)}, t = {timestep}" for index, timestep in enumerate(steps, 1)]
        for arm, steps in result.steps.items()
    }
    layers = {value: shown for shown, value in attention.layer_choices(result)}
    at = words.index(first or attention.main_word(result)) if words else 0
    steps = tuple(str(index) for index in range(1, len(ticks[longest]) + 1))
    axes = (
        Axis("word", tuple(tokens), tuple(told), "chips", at),
        Axis("step", steps, tuple(ticks[longest]), "slider", len(steps) - 1),
        Axis("layer", tuple(layers), tuple(layers.values()), "list"),
        Axis("arm", result.arms, result.arms, "list"),
    )
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in result.metrics:
        rows.setdefault((row["arm"], row["layer"].removeprefix("resolution ")), []).append(row)
    blocks = [
        _attention_block(result, arm, layer, tokens, rows.get((arm, layer), ()))
        for layer in layers
        for arm in result.arms
    ]
    pictures = dict(result.images)
    for arm, previews in result.previews.items():
        size = fit(result.images[arm].shape, max(previews.shape[1:3]))
        pictures |= {f"{arm}/{index}": enlarge(preview, size) for index, preview in enumerate(previews, 1)}
    masks = {name: fit_mask(mask) for name, mask in result.request.masks.items() if mask.any()}
    noises = [NOISE_ONCE, *other_noises(result)] if NOISE_ONCE in result.arms else []
    several = len(noises) > 1 and len(result.steps[NOISE_ONCE]) > 1
    facts = {
        "title": "Cross-attention",
        "names": {"word": "Word", "step": "Step", "layer": "Layer", "arm": "Arm"},
        "columns": "step" if len(steps) > 1 else "layer",
        "rows": "arm" if several else "layer" if len(steps) > 1 else "",
        "panels": [{"arm": arm} for arm in first_arms(result)],
        "linked": ["word", "step", "layer"],
        "ranked": "word",
        "unranked": [START],
        "curve": "step",
        "ticks": {"step": ticks},
        "ticksBy": "arm",
        "timesteps": {arm: [int(timestep) for timestep in steps] for arm, steps in result.steps.items()},
        "compared": {"generation": GENERATION, "noises": noises, "spread": SPREAD_OF_SEEDS},
        "verdict": verdict.stored(result.request.model),
        "previews": any(len(previews) for previews in result.previews.values()),
        "matches": {
            "axis": "word",
            "names": {
                word: name for word, name in masked_words(result.request.prompt, masks).items() if word in tokens
            },
            "threshold": SCORE_THRESHOLD,
        },
        "keys": {"arrows": "step", "updown": "word", "brackets": "layer"},
    }
    return Atlas("attention", axes, tuple(blocks), pictures, (), masks, facts=_told(result, facts))


def other_noises(result: AttentionResult) -> list[str]:
    """The arms of single noises after the request's own."""
    request = result.request
    return [arm for number in range(1, request.seeds) if (arm := seed_arm(request.seed + number)) in result.arms]


def first_arms(result: AttentionResult) -> list[str]:
    """The arms that are seen first, as many as there may be panels; more noises of one arm come last."""
    noises = other_noises(result)
    return [*(arm for arm in result.arms if arm not in noises), *noises][:PANELS]


def _attention_block(
    result: AttentionResult,
    arm: str,
    layer: str,
    tokens: Mapping[str, tuple[int, ...]],
    rows: Iterable[Mapping[str, Any]],
) -> Block:
    grids = [maps.shape[-2:] for name, maps in result.maps[arm].items() if layer in ("mean", name, str(maps.shape[-2]))]
    shape = (len(result.steps[arm]), len(tokens), *max(grids, key=lambda grid: grid[0]))

    def words(step: int) -> np.ndarray:
        maps = result.select(arm, step, attention.parse_layer(layer))  # (token, h, w)
        return np.stack([maps[list(positions)].mean(0) for positions in tokens.values()])

    scores = measured(rows, "word", len(result.steps[arm]))
    return Block({"arm": arm, "layer": layer}, ("step", "word"), Later(shape, words), arm, scores=scores)


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
        "clusters", axes, blocks, pictures, labels, masks, unit(result.features), _told(result, facts)
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
        facts=_told(result, facts),
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


def measured(rows: Iterable[Mapping[str, Any]], axis: str, steps: int = 1) -> dict[str, dict[str, np.ndarray]]:
    """`Block.scores` of a result's rows, float (steps,) each, NaN at a step that no row is of."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for row in rows:
        own = found.setdefault(str(row[axis]), {})
        for name in MEASURES:
            if isinstance(row.get(name), int | float):
                own.setdefault(name, np.full(steps, np.nan))[int(row.get("step", 0))] = row[name]
    return found


def unit(features: np.ndarray) -> np.ndarray:
    """float32 (channel, gh, gw) with length 1 at every place."""
    values = np.asarray(features, np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=0, keepdims=True), 1e-6)


def _told(result: Result, facts: dict[str, Any]) -> dict[str, Any]:
    told = result.provenance.warning
    return facts | {"record": export.record(result)} | ({"warning": told} if told else {})


_MAKERS: Mapping[type, Any] = {
    SaliencyResult: of_saliency,
    AttentionResult: of_attention,
    ClustersResult: of_clusters,
    SegmentationResult: of_segmentation,
}
