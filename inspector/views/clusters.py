"""Clusters: k-means of UNet features as coloured labels, and the paper's Figure 4."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from inspector.results import ClustersResult
from inspector.views.color import palette
from inspector.views.figure import Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import blend, enlarge, fit, label_map, picture, stroke_of
from inspector.views.table import Table, table

HEADING = "Clusters of UNet features"
SIDE = 240  # pixels of a picture's longer side in the figure
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


def view(result: ClustersResult, look: Look, kind: str, side: int = SIDE) -> np.ndarray:
    """Clusters, features or a baseline over the image, uint8 RGB, longer side `side`."""
    size = fit(result.request.image.shape, side)
    image = picture(result.request.image, size)
    if kind == "features":
        return blend(image, enlarge(result.grid_pca, size, look.smooth), look.opacity)
    grid = result.grid_labels if kind == "clusters" else result.baselines[kind]
    labels = enlarge(grid.astype(np.int32), size, smooth=False)
    return label_map(image, labels, colors(result, kind), look.opacity, stroke_of(side, SIDE))


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
            panels.append(Panel(view(result, look, kind, side), title))
        rows.append(Row(panels, labels[index] if index < len(labels) else ""))
    return Sheet(rows, note=_note(results[0]))


def _note(result: ClustersResult) -> str:
    return f"{basis(result)}. mIoU, where masks are known, is after matching clusters to classes in this image."


def basis(result: ClustersResult) -> str:
    """What made the clusters: model, noise, layers, k-means."""
    request = result.request
    prompt = f", prompt “{request.prompt}”" if request.prompt else ""
    return (
        f"{request.model}{prompt}, noise added once at t = {request.timestep}, seed {request.seed}; preset "
        f"{request.preset} ({len(result.layers)} layers), k = {request.k}, best of {request.restarts} starts"
    )


def shares(result: ClustersResult) -> list[tuple[int, float]]:
    """(cluster, share of the image), largest first."""
    counts = np.bincount(result.grid_labels.ravel(), minlength=result.request.k)
    order = np.argsort(-counts, kind="stable")
    return [(int(label), float(counts[label] / counts.sum())) for label in order]


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
        "shares": {str(label): share for label, share in shares(result)},
        "metrics": list(result.metrics),
    }
