"""k-means over the positions of a feature grid, its stability, and principal components.

Everything here runs on the CPU in float32 and draws from its own generators: the same features and
seed give the same labels whatever device the model ran on, and no global random state is touched.
Restarts are one batch of matrix products, which beats one restart after another several times, or a few batches
where one would not fit into `memory.BUDGET`.
"""

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import torch

from inspector.analysis import memory
from inspector.analysis.metrics import adjusted_rand_index, match_clusters
from inspector.errors import ChoiceError, NotFiniteError
from inspector.results import check_choice

METRICS = ("cosine", "euclid")
DISTANCES = 20  # arrays (restart, point, k) that a Lloyd step holds at once; 10, and as many that are not reused
ITERATIONS = 100  # Lloyd steps at most; a few dozen settle a 64 x 64 grid
BASELINES = ("rgb", "xy")


@dataclass(frozen=True)
class Clustering:
    """One grid's clusters.

    labels: int32 (h, w), clusters numbered from top to bottom by mean position.
    inertia: sum of squared distances to the centroids, of the best restart.
    stability: mean adjusted Rand index between all pairs of restarts, in [-1, 1].
    agreement: float32 (h, w) in (0, 1], share of restarts whose matched label equals `labels`.
    """

    labels: np.ndarray
    inertia: float
    stability: float
    agreement: np.ndarray


def cluster(features: torch.Tensor, k: int, seed: int = 0, restarts: int = 5, metric: str = "cosine") -> Clustering:
    """k-means of a (channel, h, w) grid: the best of `restarts` runs, and how far the runs agree.

    Raises ChoiceError for fewer than two restarts, which leave nothing to compare, and as `kmeans` does.
    """
    if restarts < 2:
        raise ChoiceError(f"restarts is {restarts}; use 2 or more, so that their agreement can be measured.")
    height, width = features.shape[-2:]
    points = features.detach().float().cpu().flatten(1).T
    if not torch.isfinite(points).all():
        raise NotFiniteError("The features hold values that are no numbers, which have no clusters.")
    if k > height * width:
        raise ChoiceError(
            f"k is {k}, but the features have only {height}x{width} positions; use 1 to {height * width}."
        )
    found, inertia = kmeans(points, k, seed, restarts, metric)
    best = int(inertia.argmin())
    runs = found.numpy()
    labels = top_to_bottom(runs[best].reshape(height, width))
    agreement = np.mean([match_labels(run, labels.ravel()) == labels.ravel() for run in runs], axis=0)
    return Clustering(
        labels=labels,
        inertia=float(inertia[best]),
        stability=float(np.mean([adjusted_rand_index(a, b) for a, b in combinations(runs, 2)])),
        agreement=agreement.reshape(height, width).astype(np.float32),
    )


def kmeans(
    points: torch.Tensor, k: int, seed: int = 0, restarts: int = 5, metric: str = "cosine"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lloyd's algorithm from k-means++ seeds (Arthur & Vassilvitskii 2007), all restarts at once.

    points: (point, channel). metric: "euclid", or "cosine" for spherical k-means (Dhillon & Modha 2001):
    points and centroids are unit vectors, so a squared distance is 2 - 2 cos.
    Returns labels int64 (restart, point) and inertia float32 (restart,). With fewer distinct points than k,
    some clusters stay empty. Raises ChoiceError when k is not in 1 ... points, or the metric is unknown.
    """
    check_choice("metric", metric, METRICS)
    if not 1 <= k <= len(points):
        raise ChoiceError(f"k is {k}; use a whole number from 1 to {len(points)}, the number of points.")
    points = points.detach().float().cpu()
    # Distances do not change when points are centred, and |x|^2 - 2xc + |c|^2 then loses fewer digits.
    points = _unit(points) if metric == "cosine" else points - points.mean(0)
    draws = torch.rand(restarts, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    at_once = memory.fitting(restarts, DISTANCES * k * len(points) * points.element_size(), memory.BUDGET)
    parts = [_lloyd(points, part, metric) for part in draws.split(at_once)]
    return torch.cat([labels for labels, _ in parts]), torch.cat([inertia for _, inertia in parts])


def _lloyd(points: torch.Tensor, draws: torch.Tensor, metric: str) -> tuple[torch.Tensor, torch.Tensor]:
    """`kmeans` of points that are prepared, a restart for each row of draws (restart, k) in [0, 1)."""
    centroids = _seeds(points, draws)
    labels = _distances(points, centroids).argmin(-1)
    for _ in range(ITERATIONS):
        centroids = _update(points, centroids, labels)
        if metric == "cosine":
            centroids = _unit(centroids)
        previous, labels = labels, _distances(points, centroids).argmin(-1)
        if torch.equal(previous, labels):
            break
    inertia = _distances(points, centroids).amin(-1).sum(-1)
    return labels, inertia


def _seeds(points: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """k-means++: each next centroid is a point drawn in proportion to its squared distance to those before."""
    chosen = (draws[:, 0] * len(points)).long()
    centroids = points[chosen][:, None]  # (restart, 1, channel)
    nearest = _distances(points, centroids)[..., 0]  # (restart, point)
    for step in range(1, draws.shape[1]):
        total = nearest.double().cumsum(-1)
        chosen = torch.searchsorted(total, draws[:, step, None] * total[:, -1:], right=True).squeeze(-1)
        latest = points[chosen.clamp(max=len(points) - 1)][:, None]
        centroids = torch.cat([centroids, latest], dim=1)
        nearest = torch.minimum(nearest, _distances(points, latest)[..., 0])
    return centroids


def _distances(points: torch.Tensor, centroids: torch.Tensor) -> torch.Tensor:
    """Squared distances (restart, point, k) of (point, channel) to (restart, k, channel)."""
    cross = torch.einsum("pc,rkc->rpk", points, centroids)
    squares = points.square().sum(-1)[None, :, None] + centroids.square().sum(-1)[:, None]
    return (squares - 2 * cross).clamp(min=0)


def _update(points: torch.Tensor, centroids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Means of the clusters (restart, k, channel); an emptied cluster restarts at the point worst served."""
    members = torch.nn.functional.one_hot(labels, centroids.shape[1]).to(points.dtype)  # (restart, point, k)
    counts = members.sum(1)
    means = torch.einsum("rpk,pc->rkc", members, points) / counts.clamp(min=1)[..., None]
    empty = (counts == 0).nonzero().tolist()
    if empty:
        nearest = _distances(points, means).gather(-1, labels[..., None])[..., 0]
        for run, index in empty:
            worst = nearest[run].argmax()
            means[run, index] = points[worst]
            nearest[run, worst] = 0
    return means


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def top_to_bottom(labels: np.ndarray) -> np.ndarray:
    """Renumber a label grid (h, w) by the clusters' mean row, then mean column, so colours keep their place."""
    place = np.indices(labels.shape)  # (row and column, h, w)
    found = np.unique(labels)
    places = [tuple(place[:, labels == label].mean(1)) for label in found]
    order = sorted(range(len(found)), key=places.__getitem__)
    renumbered = np.zeros(int(labels.max()) + 1, np.int32)
    renumbered[found[order]] = np.arange(len(found))
    return renumbered[labels]


def match_labels(labels: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`labels` renamed to the reference's numbers, one to one, with the largest sum of IoU.

    Both int, of one shape. Labels that find no partner get numbers the reference does not use.
    """
    partners = match_clusters(labels, reference)
    spare = int(reference.max()) + 1
    renamed = np.arange(labels.max() + 1, dtype=np.int32) + spare
    for label, target in partners.items():
        renamed[label] = target
    return renamed[labels]


def principal_axes(points: torch.Tensor, count: int) -> torch.Tensor:
    """The `count` leading right singular vectors (channel, count) of (point, channel), not centred.

    Randomised subspace iteration (Halko, Martinsson & Tropp 2011, alg. 4.4); exact when few channels. Each
    axis points where its largest loading is positive, so the same channels give the same colours in
    every image.
    """
    channels = points.shape[1]
    basis = torch.randn(channels, min(channels, count + 16), generator=torch.Generator().manual_seed(0))
    for _ in range(6):
        basis = torch.linalg.qr(points.T @ (points @ basis)).Q
    rotation = torch.linalg.svd(points @ basis, full_matrices=False).Vh.T
    axes = (basis @ rotation)[:, :count]
    largest = axes.abs().argmax(0, keepdim=True)
    return axes * torch.where(axes.gather(0, largest) < 0, -1.0, 1.0)


def reduce_channels(features: torch.Tensor, count: int = 64) -> torch.Tensor:
    """(channel, h, w) -> float32 CPU (at most count, h, w) with dot products kept as well as any rotation can.

    The projection is not centred: cosine similarities, which the click map shows, need the origin.
    """
    points = features.detach().float().cpu().flatten(1).T
    if points.shape[1] <= count:
        return features.detach().float().cpu()
    return (points @ principal_axes(points, count)).T.reshape(-1, *features.shape[-2:])


def pca_colours(features: torch.Tensor) -> np.ndarray:
    """First three principal components of (channel, h, w) as uint8 RGB (h, w, 3).

    Each component is stretched from its 1st to its 99th percentile, since a few outlying positions would
    otherwise take the whole range; one without variance is mid-grey.
    """
    points = features.detach().float().cpu().flatten(1).T
    points = points - points.mean(0)
    scores = (points @ principal_axes(points, 3)).numpy()
    low, high = np.percentile(scores, (1, 99), axis=0)
    span = high - low
    flat = span <= 1e-6 * max(float(np.abs(span).max()), 1e-6)
    scaled = np.where(flat, 0.5, (scores - low) / np.where(flat, 1, span))
    colours = np.full((len(points), 3), 0.5)
    colours[:, : scaled.shape[1]] = scaled.clip(0, 1)
    return np.rint(colours * 255).astype(np.uint8).reshape(*features.shape[-2:], 3)


def plain_features(image: np.ndarray, grid: tuple[int, int]) -> dict[str, torch.Tensor]:
    """What needs no model, float32 (channel, gh, gw): {"rgb": mean colour in [0, 1], "xy": place in [0, 1]}.

    image: uint8 (h, w, 3). One unit of place is the image's longer side.
    """
    height, width = grid
    colour = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    longer = max(image.shape[:2])
    rows, columns = np.indices(grid, dtype=np.float32) + 0.5
    place = np.stack([rows * (image.shape[0] / longer / height), columns * (image.shape[1] / longer / width)])
    return {"rgb": torch.from_numpy(colour).permute(2, 0, 1), "xy": torch.from_numpy(place)}


def baselines(
    image: np.ndarray, grid: tuple[int, int], k: int, seed: int = 0, restarts: int = 5
) -> dict[str, Clustering]:
    """k-means of `plain_features`, at the grid of the UNet's features; features worth having beat both."""
    plain = plain_features(image, grid)
    return {name: cluster(plain[name], k, seed, restarts, "euclid") for name in BASELINES}
