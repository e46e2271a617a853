"""Clusters: k-means of UNet features as coloured labels, and the paper's Figure 4."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from inspector.results import ClustersResult, check_choice
from inspector.views.color import palette
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import blend, enlarge, fit, heat, label_map, picture, stroke_of
from inspector.views.table import Table, table

HEADING = "Clusters of UNet features"
SIDE = 240  # pixels of a picture's longer side in the figure
KINDS = ("clusters", "features", "similarity", "agreement", "rgb", "xy")
TITLES = {
    "clusters": "UNet clusters",
    "features": "features (PCA)",
    "similarity": "similarity",
    "agreement": "agreement",
    "rgb": "colour only",
    "xy": "position only",
}


def colors(result: ClustersResult, method: str = "clusters") -> np.ndarray:
    """uint8 (k, 3) per label; labels are numbered from the top, so that a re-run looks alike.

    A baseline's labels take the colours of the clusters they overlap most.
    """
    k = result.request.k
    base = palette(k)
    if method == "clusters":
        return base
    theirs = result.baselines[method]
    same = enlarge(result.grid_labels.astype(np.int32), theirs.shape, smooth=False)
    overlap = np.bincount(theirs.ravel() * k + same.ravel(), minlength=k * k).reshape(k, k)
    rows, columns = linear_sum_assignment(-overlap)
    matched = np.empty_like(base)
    matched[rows] = base[columns]
    return matched


def view(
    result: ClustersResult,
    look: Look,
    kind: str = "clusters",
    point: tuple[float, float] | None = None,
    side: int = 640,
    stroke: int = 1,
) -> np.ndarray:
    """One view over the image, uint8 RGB, longer side `side`.

    point: (y, x) in the image, for "similarity"; stroke: as in `overlay.outline`.
    """
    check_choice("view", kind, KINDS)
    size = fit(result.request.image.shape, side)
    image = picture(result.request.image, size)
    scale = bar(result, look, kind, point)
    if scale:
        values = enlarge(_values(result, kind, point), size, look.smooth)
        return heat(image, values, scale.low, scale.high, scale.colormap, look.opacity)
    if kind == "features":
        return blend(image, enlarge(result.grid_pca, size, look.smooth), look.opacity)
    grid = result.grid_labels if kind == "clusters" else result.baselines[kind]
    labels = enlarge(grid.astype(np.int32), size, smooth=False)
    return label_map(image, labels, colors(result, kind), look.opacity, stroke)


def _values(result: ClustersResult, kind: str, point: tuple[float, float] | None) -> np.ndarray:
    if kind == "agreement":
        return result.agreement
    height, width = result.request.image.shape[:2]
    return result.similarity(*(point or (height // 2, width // 2)))


def bar(result: ClustersResult, look: Look, kind: str, point: tuple[float, float] | None = None) -> Bar | None:
    """The colour bar of `view`, None where colours are labels or components.

    Own scale: the values' minimum and maximum. Shared: similarity from -1 to 1, agreement from 0 to 1.
    """
    if kind not in ("similarity", "agreement"):
        return None
    if look.scale == "shared":
        return Bar(-1.0 if kind == "similarity" else 0.0, 1.0, look.colormap)
    values = _values(result, kind, point)
    return Bar(float(values.min()), float(values.max()), look.colormap)


def sheet(results: Sequence[ClustersResult], look: Look, side: int = SIDE, labels: Sequence[str] = ()) -> Sheet:
    """The paper's Figure 4, one row per case: image, clusters, features, and what colour and position alone give."""
    rows = []
    for index, result in enumerate(results):
        image = result.request.image
        measured = {str(row.get("method")): row.get("miou") for row in result.metrics}
        panels = [Panel(picture(image, fit(image.shape, side)), "image")]
        for kind in ("clusters", "features", *result.baselines):
            value = measured.get("unet" if kind == "clusters" else kind)
            title = TITLES.get(kind, kind) + (f"  mIoU {value:.2f}" if isinstance(value, float) else "")
            shown = view(result, look, kind, side=side, stroke=stroke_of(side, SIDE))
            panels.append(Panel(shown, title, key=f"{index} {kind}"))
        rows.append(Row(panels, labels[index] if index < len(labels) else ""))
    return Sheet(rows, note=_note(results[0]))


def _note(result: ClustersResult) -> str:
    request = result.request
    return (
        f"{request.model}, noise added once at t={request.timestep}, seed {request.seed}; preset {request.preset} "
        f"({len(result.layers)} layers), k={request.k}, best of {request.restarts} starts. "
        "mIoU, where masks are known, is after matching clusters to classes in this image."
    )


def shares(result: ClustersResult) -> list[tuple[int, np.ndarray, float]]:
    """(cluster, colour, share of the image), largest first."""
    k = result.request.k
    counts = np.bincount(result.grid_labels.ravel(), minlength=k)
    table_ = colors(result)
    order = np.argsort(-counts, kind="stable")
    return [(int(label), table_[label], float(counts[label] / counts.sum())) for label in order]


def scores(result: ClustersResult) -> Table:
    """UNet features beside k-means on colour and on position, where masks are known."""
    named = {"unet": "UNet features"} | TITLES
    return table({**row, "method": named.get(row["method"], row["method"])} for row in result.metrics)


def arrays(result: ClustersResult) -> dict[str, np.ndarray]:
    """What `maps.npz` holds beside the result's own arrays: labels (h, w)."""
    return {"labels": result.labels}


def numbers(result: ClustersResult) -> dict[str, Any]:
    """What `result.json` holds beside the request."""
    return {
        "inertia": result.inertia,
        "stability": result.stability,
        "layers": list(result.layers),
        "shares": {str(label): share for label, _, share in shares(result)},
        "metrics": list(result.metrics),
    }
