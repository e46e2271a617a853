"""Segmentation: label maps with legend, class scores, errors and the table of segments."""

from typing import Any

import numpy as np

from inspector.results import SegmentationResult, resize_maps
from inspector.views.color import palette
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import BACKGROUND, blend, enlarge, fit, heat, label_map, picture, stroke_of
from inspector.views.table import Table, table
from inspector.words import class_mask

HEADING = "Open-vocabulary segmentation"
SIDE = 240  # pixels of a picture's longer side in the figure
KINDS = ("labels", "score", "truth", "errors")
# Beside every mIoU.
RULE = (
    "Every pixel counts: one of no named class is an error of the class that it is given; mIoU is the mean over the "
    "named classes that are in the picture."
)
WRONG, RIGHT = np.array((213, 94, 0), np.uint8), np.array((0, 114, 178), np.uint8)


def colors(result: SegmentationResult) -> np.ndarray:
    """uint8 (1 + class, 3): grey for 0, background, then a colour per class in the order asked."""
    return np.concatenate([BACKGROUND[None], palette(len(result.names))])


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
    titles = {"labels": result.request.method, "truth": "truth", "errors": "right (blue), wrong (orange)"}
    miou = result.metrics.get("miou")
    if isinstance(miou, float):
        titles["labels"] += f"  mIoU {miou:.2f}"
    panels = [Panel(picture(image, fit(image.shape, side)), "image")]
    panels += [Panel(view(result, look, kind, side), titles[kind]) for kind in kinds(result) if kind != "score"]
    panels += [_score(result, look, index, side) for index in range(len(result.names))]
    return Sheet([Row(panels)], note=_note(result, look), legend=legend(result))


def _note(result: SegmentationResult, look: Look) -> str:
    scale = "each score has its own scale" if look.scale == "own" else "all scores have one scale"
    return f"{basis(result)}; {scale}. {RULE}"


def basis(result: SegmentationResult) -> str:
    """What made the labels: method, model, template, background threshold."""
    request = result.request
    made = f"{request.method} with {request.clip}"
    if request.method == "attention":
        made = f"attention with {request.diffusion}, noise added once at t = {request.timestep}, seed {request.seed}"
    side = f" at {request.side} pixels" if request.side else ""
    return f"{made}{side}, template “{request.template}”, background threshold {request.background:g}"


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
    return {"segments": list(result.segments), "metrics": dict(result.metrics)}
