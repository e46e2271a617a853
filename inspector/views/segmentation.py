"""Segmentation: label maps with legend, class scores, errors and the table of segments."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inspector.results import (
    ALL_METHODS,
    CLIP_ES_BACKGROUND,
    HEAD_TITLES,
    LOADED,
    OWN_TIMESTEPS,
    TRAINED_METHODS,
    SegmentationRequest,
    SegmentationResult,
    resize_maps,
)
from inspector.views.color import palette
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import BACKGROUND, blend, enlarge, fit, heat, label_map, picture, stroke_of
from inspector.views.table import Table, table
from inspector.words import class_mask

HEADING = "Open-vocabulary segmentation"
SIDE = 240  # pixels of a picture's longer side in the figure
KINDS = ("labels", "score", "truth", "errors")
COLUMNS = 4  # of the figure of all methods
DISAGREEMENT = "disagreement"  # the view of where methods part
SHADES = (0.0, 0.45, -0.35, 0.7, -0.6)  # of a class's colour, segment by segment: the share of white, or of black
# Beside every mIoU.
RULE = (
    "Every pixel counts: one of no named class is an error of the class that it is given; mIoU is the mean over the "
    "named classes that are in the picture."
)
WRONG, RIGHT = np.array((213, 94, 0), np.uint8), np.array((0, 114, 178), np.uint8)


def colors(result: SegmentationResult) -> np.ndarray:
    """uint8 (1 + class, 3): grey for 0, background, then a colour per class in the order asked."""
    return np.concatenate([BACKGROUND[None], palette(len(result.names))])


def shades(result: SegmentationResult) -> np.ndarray:
    """uint8 (class, shade, 3): the colours of a class's segments, the first its own."""
    own = palette(len(result.names)).astype(np.float64)[:, None]
    share = np.array(SHADES)[:, None]
    return np.round(own + np.where(share > 0, share * (255 - own), share * own)).astype(np.uint8)


def segment_names(result: SegmentationResult) -> list[tuple[str, np.ndarray]]:
    """(name, colour) of each panoptic segment: its class and, of a thing, its number among those of the class."""
    found, table_, seen = result.panoptic, shades(result), [0] * len(result.names)
    if found is None:
        return []
    told = []
    for index in found.classes - 1:
        name, count = result.names[index], seen[index]
        told.append((f"{name} {count + 1}" if found.things[index] else name, table_[index, count % len(SHADES)]))
        seen[index] += 1
    return told


def legend(result: SegmentationResult) -> list[tuple[str, np.ndarray]]:
    """(class, colour) of every class, and of the background where a pixel has it."""
    table_ = colors(result)
    entries = [(name, table_[index + 1]) for index, name in enumerate(result.names)]
    return entries + ([("background", table_[0])] if (result.labels == 0).any() else [])


def truth(result: SegmentationResult) -> np.ndarray:
    """int32 (h, w) labels of the true masks: 0 is none of the classes; smaller masks, the parts, win."""
    labels = np.zeros(result.labels.shape, np.int32)
    pairs = [(index, class_mask(names, result.request.masks)) for index, names in enumerate(result.request.classes, 1)]
    known = [(index, mask) for index, mask in pairs if mask is not None]
    for index, mask in sorted(known, key=lambda pair: -int(pair[1].sum())):
        labels[mask] = index
    return labels


def kinds(result: SegmentationResult) -> tuple[str, ...]:
    """The views this result has; truth and errors need masks."""
    return KINDS if result.request.masks else KINDS[:2]


def view(result: SegmentationResult, look: Look, kind: str, side: int = SIDE) -> np.ndarray:
    """Labels, truth or errors over the image, uint8 RGB, longer side `side`."""
    size = fit(result.request.image.shape, side)
    image = picture(result.request.image, size)
    if kind == "errors":
        true = truth(result)
        painted = np.where((result.labels == true)[..., None], RIGHT, WRONG)
        return blend(image, enlarge(painted, size, smooth=False), look.opacity)
    labels = truth(result) if kind == "truth" else result.labels
    labels = enlarge(labels.astype(np.int32), size, smooth=False)
    return label_map(image, labels, colors(result), look.opacity, stroke_of(side, SIDE))


def bar(result: SegmentationResult, look: Look, index: int) -> Bar:
    """The scale of a score: from least to most of class `index`, or of all classes on the shared scale."""
    values = result.grid_scores if look.scale == "shared" else result.grid_scores[index]
    return Bar(float(values.min()), float(values.max()), look.colormap)


def _score(result: SegmentationResult, look: Look, index: int, side: int) -> Panel:
    scale, size = bar(result, look, index), fit(result.request.image.shape, side)
    scores = resize_maps(result.grid_scores[index], result.request.image.shape[:2])  # not those of all classes at once
    image, values = picture(result.request.image, size), enlarge(scores, size, look.smooth)
    shown = heat(image, values, scale.low, scale.high, scale.colormap, look.opacity, look.fade)
    return Panel(shown, f"score of {result.names[index]}", scale)


def sheet(result: SegmentationResult, look: Look, side: int = SIDE) -> Sheet:
    """Image, labels, true labels and errors where masks are known, then every class's score."""
    image = result.request.image
    titles = {"truth": "truth", "errors": "right (blue), wrong (orange)"}
    titles["labels"] = _scored(result.request.method, result.metrics)
    if result.votes:
        return _all_sheet(result, look, side)
    panels = [Panel(picture(image, fit(image.shape, side)), "image")]
    panels += [Panel(view(result, look, kind, side), titles[kind]) for kind in kinds(result) if kind != "score"]
    panels += [_score(result, look, index, side) for index in range(len(result.names))]
    return Sheet([Row(panels)], note=_note(result, look), legend=legend(result))


def _note(result: SegmentationResult, look: Look) -> str:
    scale = "each score has its own scale" if look.scale == "own" else "all scores have one scale"
    return f"{basis(result)}; {scale}. {RULE}"


def _all_sheet(result: SegmentationResult, look: Look, side: int) -> Sheet:
    """Image, truth where it is known, every method's labels, the majority's, and where methods disagree."""
    image = result.request.image
    size = fit(image.shape, side)
    shown, table_, stroke = picture(image, size), colors(result), stroke_of(side, SIDE)

    def painted(labels: np.ndarray, title: str) -> Panel:
        small = enlarge(labels.astype(np.int32), size, smooth=False)
        return Panel(label_map(shown, small, table_, look.opacity, stroke), title)

    assert result.disagreement is not None  # a result with votes has it
    values = enlarge(result.disagreement, size, look.smooth)
    parted = heat(shown, values, 0.0, 1.0, look.colormap, look.opacity, look.fade)
    panels = [
        Panel(shown, "image"),
        *([painted(truth(result), "truth")] if result.request.masks else []),
        *(painted(vote.labels, _scored(vote.method, vote.metrics)) for vote in result.votes),
        painted(result.labels, _scored("majority", result.metrics)),
        Panel(parted, "share of methods against it", Bar(0.0, 1.0, look.colormap)),
    ]
    rows = [Row(panels[start : start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    return Sheet(rows, note=f"{basis(result)}. {RULE}", legend=legend(result))


def _scored(title: str, metrics: Mapping[str, Any]) -> str:
    miou = metrics.get("miou")
    return f"{title}  mIoU {miou:.2f}" if isinstance(miou, float) else title


def basis(result: SegmentationResult) -> str:
    """What made the labels: method, models, t, template, and the rule of the background."""
    request = result.request
    side = f" at {request.side} pixels" if request.side else ""
    made = _loaded(result) if request.method == LOADED else _made(request, len(result.votes))
    own = request.imported and request.method == "san"  # whose templates are a part of it
    template = "14 templates" if own else f"template “{request.template}”"
    return f"{made}{side}, {template}, {background(request)}"


def _loaded(result: SegmentationResult) -> str:
    """The segmenter, and whose its masks' names are."""
    request = result.request
    if result.proposals is None:
        found = "a mask for each class" if result.grid_scores.any() else "which found no mask"
        return f"{request.segmenter}, {found}"
    return f"{request.segmenter}, its masks named by {'its own labels' if by_labels(result) else request.clip}"


def by_labels(result: SegmentationResult) -> bool:
    """Whether what was proposed has names of a segmenter's own, so that no CLIP ran."""
    return result.request.method == LOADED and result.request.clip not in result.provenance.models


def _made(request: SegmentationRequest, votes: int) -> str:
    """What made the labels, without what all methods have in common. votes: how many methods voted."""
    method, own = request.method, f"{request.method} with {request.diffusion}"
    if method in TRAINED_METHODS:
        return _trained(request)
    noise = f"noise added once at t = {OWN_TIMESTEPS.get(method, request.timestep)}, seed {request.seed}"
    models = f"{request.clip} and {request.diffusion}"
    made = {
        ALL_METHODS: f"{votes} methods with {models}, {noise}, or at their papers' t",
        "attention": f"{own}, {noise}",
        "diffsegmenter": f"{own}, {noise}, prompts “a photograph of” the class instead of the template",
        "diffseg": f"{own}, {noise}, merged below {request.merging:g} nats, and regions named by cross-attention at "
        f"t = {request.timestep}",
        "diffcut": f"{own}, {noise}, and regions named by maskclip with {request.clip}",
        "vpd-attention": f"{own}, one context of all classes, t = {OWN_TIMESTEPS['vpd-attention']} without noise",
    }
    return made.get(method, f"{method} with {request.clip}")


def _trained(request: SegmentationRequest) -> str:
    named = HEAD_TITLES[request.head if request.method == "odise" and not request.imported else request.method]
    head = f"{named}, the imported head {request.head}," if request.imported else f"{named}, a trained head,"
    models = f"{request.clip} and {request.diffusion}" if request.method in ("odise", "vpd") else request.clip
    more = {
        "odise": f", CLIP's opinion weighed {request.seen_weight:g} and {request.unseen_weight:g}",
        "vpd": f", one context of all classes, t = {OWN_TIMESTEPS['vpd']} without noise",
    }
    return f"{head} on {models}{more.get(request.method, '')}"


def background(request: SegmentationRequest) -> str:
    """How a pixel of no named class is scored."""
    own = request.background_words
    words = (
        "CLIP-ES's background words" if own == tuple(CLIP_ES_BACKGROUND) else f"the words {', '.join(own) or 'none'}"
    )
    rules = {
        "constant": f"background threshold {request.background:g}",
        "power": f"background scored (1 - best class)^{request.background_power:g}",
        "words": f"background by the best of {words}",
    }
    return rules[request.background_rule]


def methods(result: SegmentationResult) -> Table:
    """Of all methods: mIoU and pixel accuracy where masks are known, seconds as if alone, millions of weights."""
    return table(vote_rows(result))


def vote_rows(result: SegmentationResult) -> list[dict[str, Any]]:
    """One row for each method, and the majority's."""
    rows = [
        {
            "method": vote.method,
            "mIoU": vote.metrics.get("miou"),
            "pixel accuracy": vote.metrics.get("pixel_accuracy"),
            "agrees": float((vote.labels == result.labels).mean()),
            "seconds alone": vote.seconds,
            "parameters": f"{vote.parameters / 1e6:.1f} M",
        }
        for vote in result.votes
    ]
    measured = {"mIoU": result.metrics.get("miou"), "pixel accuracy": result.metrics.get("pixel_accuracy")}
    return [*rows, {"method": "majority", **measured}]


def segments(result: SegmentationResult) -> Table:
    """Connected regions, largest first: class, share of the image in percent, mean score, box."""
    ordered = sorted(result.segments, key=lambda segment: -segment.area)
    return table(
        {
            "class": segment.name,
            "share %": f"{100 * segment.area:.1f}",
            "score": segment.score,
            "box x0 y0 x1 y1": " ".join(map(str, segment.box_xyxy)),
        }
        for segment in ordered
    )


def scores(result: SegmentationResult) -> Table:
    """IoU per class, then mIoU and pixel accuracy, where masks are known."""
    rows = [{"measure": f"IoU {name}", "value": value} for name, value in result.metrics.get("iou", {}).items()]
    named = {"miou": "mIoU", "pixel_accuracy": "pixel accuracy"}
    rows += [{"measure": label, "value": result.metrics[key]} for key, label in named.items() if key in result.metrics]
    return table(rows)


def arrays(result: SegmentationResult) -> dict[str, np.ndarray]:
    """What `maps.npz` holds beside the result's own arrays: scores (class, h, w), and their names."""
    return {"scores": result.scores, "classes": np.array(result.names)}


def numbers(result: SegmentationResult) -> dict[str, Any]:
    """What `result.json` holds beside the request."""
    own = {"segments": list(result.segments), "metrics": dict(result.metrics)}
    return own | ({"methods": vote_rows(result)} if result.votes else {})
