"""Saliency: Grad-CAM maps as overlays, masks, readings and the paper's Figures 1 and 2."""

from typing import Any

import numpy as np

from inspector.results import SaliencyResult, check_choice
from inspector.views.figure import Bar, Panel, Row, Sheet, number
from inspector.views.look import Look
from inspector.views.overlay import cut_out, enlarge, fit, heat, outline, picture, sample, stroke_of
from inspector.views.table import Table, table
from inspector.words import class_mask

HEADING = "Grad-CAM"
SIDE = 240  # pixels of a picture's longer side in the figure
KINDS = ("heat", "threshold", "outline", "signed")


def span(result: SaliencyResult, index: int, look: Look, kind: str = "heat") -> tuple[float, float]:
    """Values at the two ends of the colours of class `index`.

    Heat starts at 0; its top is the map's own maximum, or that of all classes on the shared scale.
    Signed values run to both sides of zero.
    """
    check_choice("kind", kind, KINDS)
    values = np.abs(result.grid_signed) if kind == "signed" else result.grid
    top = float((values if look.scale == "shared" else values[index]).max())
    return (-top, top) if kind == "signed" else (0.0, top)


def mask(result: SaliencyResult, index: int, threshold: float, size: tuple[int, int]) -> np.ndarray:
    """bool (h, w) at `size`: where the bilinear map of class `index` reaches `threshold` of its maximum."""
    grid = result.grid[index]
    top = float(grid.max())
    return (enlarge(grid, size) >= max(threshold * top, 1e-12)) if top > 0 else np.zeros(size, bool)


def view(
    result: SaliencyResult, index: int, look: Look, kind: str = "heat", side: int = 640, stroke: int = 1
) -> np.ndarray:
    """The map of class `index` over the image, uint8 RGB, longer side `side`. stroke: as in `overlay.outline`."""
    low, high = span(result, index, look, kind)
    size = fit(result.request.image.shape, side)
    image = picture(result.request.image, size)
    if kind == "threshold":
        return cut_out(image, mask(result, index, look.threshold, size), look.opacity, stroke)
    if kind == "signed":
        return heat(image, enlarge(result.grid_signed[index], size, look.smooth), low, high, "diverging", look.opacity)
    out = heat(image, enlarge(result.grid[index], size, look.smooth), low, high, look.colormap, look.opacity)
    return outline(out, mask(result, index, look.threshold, size), stroke=stroke) if kind == "outline" else out


def bar(result: SaliencyResult, index: int, look: Look, kind: str = "heat") -> Bar | None:
    """The colour bar of `view`, None for the binary mask."""
    if kind == "threshold":
        return None
    return Bar(*span(result, index, look, kind), "diverging" if kind == "signed" else look.colormap)


def _panel(result: SaliencyResult, index: int, look: Look, kind: str, side: int) -> Panel:
    name, p = result.names[index], number(float(result.probabilities[index]))
    title = (
        f"{'/'.join(result.request.classes[index])}  p {p}" if kind != "threshold" else f"{name} ≥ {look.threshold:g}"
    )
    shown = view(result, index, look, kind, side, stroke_of(side, SIDE))
    return Panel(shown, title, bar(result, index, look, kind), key=str(index))


def _truth(result: SaliencyResult, index: int, side: int) -> Panel:
    size = fit(result.request.image.shape, side)
    image = picture(result.request.image, size)
    true = class_mask(result.request.classes[index], result.request.masks)
    if true is None:
        return Panel(cut_out(image, np.zeros(size, bool)), "not in the picture", key=str(index))
    cut = cut_out(image, enlarge(true, size, smooth=False).astype(bool), stroke=stroke_of(side, SIDE))
    return Panel(cut, "true mask", key=str(index))


def sheet(result: SaliencyResult, look: Look, side: int = SIDE) -> Sheet:
    """The paper's Figures 1 and 2: the image and a map per class; the thresholded maps; true masks where known."""
    image, classes = result.request.image, range(len(result.names))
    first = Panel(picture(image, fit(image.shape, side)), "image")
    blank = Panel(first.image, empty=True)
    rows = [
        Row([first, *(_panel(result, index, look, "heat", side) for index in classes)], "Grad-CAM"),
        Row([blank, *(_panel(result, index, look, "threshold", side) for index in classes)], "threshold"),
    ]
    if result.request.masks:
        rows.append(Row([blank, *(_truth(result, index, side) for index in classes)], "truth"))
    request = result.request
    note = (
        f"{request.model}, {request.pooling} pooling, template “{request.template}”, "
        f"{len(request.background)} background words with p {number(result.background_probability)} together. "
        f"p is the softmax over classes and background words; threshold {look.threshold:g} of each map's maximum."
    )
    return Sheet(rows, note=note)


def readings(result: SaliencyResult, y: float, x: float) -> list[tuple[str, float, float]]:
    """(class, value, share of its map's maximum) at pixel (y, x) of the image, strongest share first."""
    height, width = result.request.image.shape[:2]
    at = sample(result.grid, y, x, (height, width))
    tops = result.grid.reshape(len(result.names), -1).max(1)
    shares = np.divide(at, tops, out=np.zeros_like(at), where=tops > 0)
    order = np.argsort(-shares, kind="stable")
    return [(result.names[i], float(at[i]), float(shares[i])) for i in order]


def scores(result: SaliencyResult, threshold: float) -> Table:
    """One row per class: probability, cosine, share above the threshold and, with a mask, AP and IoU.

    IoU is at `threshold`, a fraction of the map's maximum, on maps of the image's size.
    """
    size = result.request.image.shape[:2]
    measured = {row["class"]: row for row in result.metrics}
    rows: list[dict[str, Any]] = []
    for index, name in enumerate(result.names):
        found = mask(result, index, threshold, size)
        row = {"class": name, "p": float(result.probabilities[index]), "cosine": float(result.scores[index])}
        row["area"] = float(found.mean())
        true = class_mask(result.request.classes[index], result.request.masks)
        if true is not None:
            row[f"IoU at {threshold:g}"] = float((found & true).sum() / max((found | true).sum(), 1))
        extra = measured.get(name, {})
        rows.append(row | {key: value for key, value in extra.items() if key not in ("class", "iou", "threshold")})
    return table(rows)


def arrays(result: SaliencyResult) -> dict[str, np.ndarray]:
    """What `maps.npz` holds beside the result's own arrays: maps (class, h, w) in true scale, and their names."""
    return {"classes": np.array(result.names), "maps": result.maps}


def numbers(result: SaliencyResult) -> dict[str, Any]:
    """What `result.json` holds beside the request."""
    return {
        "probabilities": dict(zip(result.names, map(float, result.probabilities), strict=True)),
        "cosines": dict(zip(result.names, map(float, result.scores), strict=True)),
        "background_probability": result.background_probability,
        "maxima": {name: float(grid.max()) for name, grid in zip(result.names, result.grid, strict=True)},
        "metrics": list(result.metrics),
    }
