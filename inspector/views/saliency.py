"""Saliency: Grad-CAM maps as overlays, masks and the paper's Figures 1 and 2."""

from typing import Any

import numpy as np

from inspector.results import CLIP_ES_BACKGROUND, SaliencyResult
from inspector.views.figure import Bar, Panel, Row, Sheet, number
from inspector.views.look import Look
from inspector.views.overlay import cut_out, enlarge, fit, heat, picture, stroke_of
from inspector.views.table import Table, table
from inspector.words import class_mask

HEADING = "Grad-CAM"
SIDE = 240  # pixels of a picture's longer side in the figure


def bar(result: SaliencyResult, index: int, look: Look) -> Bar:
    """The scale of class `index`: from 0 to the map's own maximum, or to that of all classes on the shared scale."""
    values = result.grid if look.scale == "shared" else result.grid[index]
    return Bar(0.0, float(values.max()), look.colormap)


def mask(result: SaliencyResult, index: int, threshold: float, size: tuple[int, int]) -> np.ndarray:
    """bool (h, w) at `size`: where the bilinear map of class `index` reaches `threshold` of its maximum."""
    grid = result.grid[index]
    top = float(grid.max())
    return (enlarge(grid, size) >= max(threshold * top, 1e-12)) if top > 0 else np.zeros(size, bool)


def view(result: SaliencyResult, index: int, look: Look, side: int = SIDE) -> np.ndarray:
    """The map of class `index` over the image, uint8 RGB, longer side `side`."""
    scale, size = bar(result, index, look), fit(result.request.image.shape, side)
    image, values = picture(result.request.image, size), enlarge(result.grid[index], size, look.smooth)
    return heat(image, values, scale.low, scale.high, scale.colormap, look.opacity, look.fade)


def _map(result: SaliencyResult, index: int, look: Look, side: int) -> Panel:
    title = f"{'/'.join(result.request.classes[index])}  p {number(float(result.probabilities[index]))}"
    return Panel(view(result, index, look, side), title, bar(result, index, look))


def _thresholded(result: SaliencyResult, look: Look, side: int) -> list[Panel]:
    """What the thresholds keep of the image: of any class, then of each."""
    size = fit(result.request.image.shape, side)
    image, stroke = picture(result.request.image, size), stroke_of(side, SIDE)
    found = [mask(result, index, look.threshold, size) for index in range(len(result.names))]
    cuts = [cut_out(image, one, look.opacity, stroke) for one in (np.any(found, axis=0), *found)]
    titles = [f"{name} ≥ {look.threshold:g}" for name in ("any class", *result.names)]
    return [Panel(cut, title) for cut, title in zip(cuts, titles, strict=True)]


def _truth(result: SaliencyResult, side: int) -> list[Panel]:
    """The true masks: of any class, then of each."""
    size = fit(result.request.image.shape, side)
    image, stroke, nothing = picture(result.request.image, size), stroke_of(side, SIDE), np.zeros(size, bool)
    known = [class_mask(synonyms, result.request.masks) for synonyms in result.request.classes]
    found = [nothing if true is None else enlarge(true, size, smooth=False).astype(bool) for true in known]
    cuts = [cut_out(image, one, stroke=stroke) for one in (np.any(found, axis=0), *found)]
    pairs = zip(result.names, known, strict=True)
    titles = [name if true is not None else f"{name}: not in the picture" for name, true in pairs]
    return [Panel(cut, title) for cut, title in zip(cuts, ("any class, true", *titles), strict=True)]


def sheet(result: SaliencyResult, look: Look, side: int = SIDE) -> Sheet:
    """The paper's Figures 1 and 2: the image and a map per class; the thresholded maps; true masks where known."""
    image = result.request.image
    first = Panel(picture(image, fit(image.shape, side)), "image")
    rows = [
        Row([first, *(_map(result, index, look, side) for index in range(len(result.names)))], "Grad-CAM"),
        Row(_thresholded(result, look, side), "threshold"),
    ]
    if result.request.masks:
        rows.append(Row(_truth(result, side), "truth"))
    note = (
        f"{basis(result)}. p is the softmax over classes and background words; threshold {look.threshold:g} of each "
        "map's maximum."
    )
    return Sheet(rows, note=note)


def basis(result: SaliencyResult) -> str:
    """What made the maps: model, pooling, template, background words."""
    request = result.request
    side = f" at {request.side} pixels" if request.side else ""
    usual = request.background == tuple(CLIP_ES_BACKGROUND)
    words = f"the {len(request.background)} of CLIP-ES" if usual else ", ".join(request.background) or "none"
    return (
        f"{request.model}{side}, {request.pooling} pooling, template “{request.template}”, background words: {words}, "
        f"with p {number(result.background_probability)} together"
    )


def scores(result: SaliencyResult) -> Table:
    """One row per class: probability among classes and background words, and cosine similarity."""
    pairs = zip(result.names, result.probabilities, result.scores, strict=True)
    return table({"class": name, "p": float(p), "cosine": float(cosine)} for name, p, cosine in pairs)


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
