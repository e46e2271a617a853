"""Scores of maps and labellings against masks: pure numpy, exact, ties handled.

A map is real-valued (h, w) and its scale does not matter unless a threshold is given; a mask is
bool (h, w); labels and targets are whole numbers (h, w). What is undefined (no positive pixel, no
class) is nan, never 0, and `summarise` leaves it out.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from inspector.errors import NotFiniteError

# ------------------------------------------------------------------------------ maps against masks


def average_precision(map_: np.ndarray, mask: np.ndarray) -> float:
    """Area under the step-wise precision-recall curve over pixels, in [0, 1]; equals sklearn's.

    A random or constant map scores the mask's share of the image (see `chance`). nan for an empty mask.
    """
    return _area(*_curve(map_, mask))


def map_scores(map_: np.ndarray, mask: np.ndarray, threshold: float = 0.4) -> dict[str, float]:
    """{ap, iou, iou_best, entropy} at the cost of one sort; `iou` at this fraction of the map's maximum.

    iou_best: the highest IoU of `map >= threshold` over all thresholds. nan for an empty mask.
    """
    hits, false_alarms = _curve(map_, mask)
    return {
        "ap": _area(hits, false_alarms),
        "iou": iou_at(map_, mask, threshold),
        "iou_best": _best(hits, false_alarms),
        "entropy": entropy(map_),
    }


def iou(prediction: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of two masks, in [0, 1]; nan when both are empty."""
    first, second = (item.astype(bool) for item in _pair(prediction, mask))
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else math.nan


def iou_at(map_: np.ndarray, mask: np.ndarray, threshold: float) -> float:
    """IoU of `map >= threshold`, a fraction of the map's maximum; a map without a positive value predicts nothing."""
    map_, mask = _pair(_finite(map_), mask)
    return iou((map_ >= threshold * map_.max()) & (map_ > 0), mask)


def pointing(map_: np.ndarray, mask: np.ndarray) -> float:
    """The pointing game without tolerance: 1 if the maximum lies in the mask, 0 if not.

    Where several pixels share the maximum, the share of them in the mask, which is what a random choice among
    them would score: a constant map is worth the mask's area and no more. nan for an empty mask.
    """
    map_, mask = _pair(_finite(map_), mask)
    return float(mask.astype(bool)[map_ == map_.max()].mean()) if mask.any() else math.nan


def entropy(map_: np.ndarray) -> float:
    """Shannon entropy of the map as a distribution, divided by log(pixels): 0 one pixel, 1 uniform.

    Negative values count as 0; nan for a map without a positive value.
    """
    weights = np.maximum(np.asarray(_finite(map_), np.float64), 0).ravel()
    total = weights.sum()
    if not total > 0:
        return math.nan
    if weights.size == 1:
        return 0.0
    share = weights[weights > 0] / total
    return min(1.0, max(0.0, float(-(share * np.log(share)).sum() / np.log(weights.size))))


def chance(mask: np.ndarray) -> float:
    """What a map that knows nothing scores in average precision: the mask's share of the image."""
    return float(np.asarray(mask).astype(bool).mean())


def centre_prior(height: int, width: int) -> np.ndarray:
    """float32 (h, w) in (0, 1]: a Gaussian at the centre, sigma a quarter of each side; a blind baseline."""
    rows = (np.arange(height) + 0.5) / height - 0.5
    columns = (np.arange(width) + 0.5) / width - 0.5
    squared = rows[:, None] ** 2 + columns[None, :] ** 2
    return np.exp(-squared / (2 * 0.25**2)).astype(np.float32)


def auc(scores: np.ndarray | Sequence[float], positives: np.ndarray | Sequence[bool]) -> float:
    """Area under the ROC curve: chance that a positive outscores a negative, ties half. nan with one kind only."""
    scores, positives = _pair(_finite(scores), positives)
    positives = positives.astype(bool).ravel()
    count, others = int(positives.sum()), int((~positives).sum())
    if not count or not others:
        return math.nan
    ranks = rankdata(scores.ravel())  # ties share their mean rank
    return float((ranks[positives].sum() - count * (count + 1) / 2) / (count * others))


def _finite(map_: object) -> np.ndarray:
    """A map whose values are all numbers, or NotFiniteError: nothing can be said of another."""
    array = np.asarray(map_)
    if not np.isfinite(array).all():
        raise NotFiniteError("The map holds values that are not finite, so that it has no score.")
    return array


def _pair(first: object, second: object) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of one shape, or ValueError."""
    left, right = np.asarray(first), np.asarray(second)
    if left.shape != right.shape or not left.size:
        raise ValueError(f"Expected two equal, non-empty shapes, got {left.shape} and {right.shape}.")
    return left, right


def _curve(map_: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels inside and outside the mask at or above each distinct value inside it, the values falling.

    Values that occur only outside lower precision and IoU, and so are no candidates for either.
    """
    map_, mask = _pair(_finite(map_), mask)
    mask = mask.astype(bool)
    inside, outside = np.sort(map_[mask]), np.sort(map_[~mask])
    thresholds = np.unique(inside)[::-1]
    hits = inside.size - np.searchsorted(inside, thresholds, side="left")
    false_alarms = outside.size - np.searchsorted(outside, thresholds, side="left")
    return hits, false_alarms


def _area(hits: np.ndarray, false_alarms: np.ndarray) -> float:
    if not hits.size:
        return math.nan
    gained = np.diff(hits, prepend=0)
    return float((gained * (hits / (hits + false_alarms))).sum() / hits[-1])


def _best(hits: np.ndarray, false_alarms: np.ndarray) -> float:
    return float((hits / (hits[-1] + false_alarms)).max()) if hits.size else math.nan


# --------------------------------------------------------------------------- labels against labels


def confusion(prediction: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """int64 (classes, classes): pixels of target class (row) predicted as class (column).

    Pixels whose target is outside 0..classes-1 are ignored; a prediction outside, or a fraction, raises ValueError.
    """
    prediction, target = _pair(prediction, target)
    for labels in (prediction, target):
        if labels.dtype.kind not in "biu":
            raise ValueError(f"Labels are {labels.dtype}; give whole numbers.")
    known = (target >= 0) & (target < classes)
    rows, columns = target[known].astype(np.int64), prediction[known].astype(np.int64)
    if columns.size and not 0 <= columns.min() <= columns.max() < classes:
        raise ValueError(f"Predicted labels go from {columns.min()} to {columns.max()}; expected 0 to {classes - 1}.")
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


def class_ious(matrix: np.ndarray) -> np.ndarray:
    """float64 (classes,) from a confusion matrix; nan for classes without ground truth (detectron2's rule)."""
    hits, truth, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    union = np.maximum(truth + predicted - hits, 1)
    return np.where(truth > 0, hits / union, np.nan)


def miou(matrix: np.ndarray) -> float:
    """Mean IoU over the classes that have ground truth; nan when there is none."""
    values = class_ious(matrix)
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def pixel_accuracy(matrix: np.ndarray) -> float:
    """Share of the pixels with ground truth that are labelled right; nan when there is none."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else math.nan


def match_clusters(labels: np.ndarray, target: np.ndarray) -> dict[int, int]:
    """Cluster -> target class, one to one, with the largest sum of IoU (Hungarian). Negative targets are ignored."""
    table, clusters, classes = _contingency(labels, target)
    rows, columns = linear_sum_assignment(_overlaps(table), maximize=True)
    return {int(clusters[row]): int(classes[column]) for row, column in zip(rows, columns, strict=True)}


def hungarian_miou(labels: np.ndarray, target: np.ndarray) -> float:
    """Mean over target classes of the IoU with the cluster matched one to one; an unmatched class scores 0.

    Matching looks at the target, so this is an oracle: compare it only with baselines of equally many clusters.
    """
    table, _, classes = _contingency(labels, target)
    overlaps = _overlaps(table)
    return float(overlaps[linear_sum_assignment(overlaps, maximize=True)].sum() / classes.size)


def adjusted_rand_index(labels: np.ndarray, target: np.ndarray) -> float:
    """Hubert and Arabie 1985: agreement on pairs of pixels, 1 identical, about 0 by chance."""
    table, _, _ = _contingency(labels, target)
    total = int(table.sum())
    together = _pairs(table)
    in_labels, in_target, everything = _pairs(table.sum(1)), _pairs(table.sum(0)), _pairs(np.array([total]))
    if in_labels == in_target == together:
        return 1.0  # the same partition, also where every pixel is alone or all are one cluster
    expected = in_labels * in_target / everything
    return (together - expected) / ((in_labels + in_target) / 2 - expected)


def homogeneity_completeness(labels: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Rosenberg and Hirschberg 2007, each in [0, 1]: clusters hold one class; classes lie in one cluster."""
    table, _, _ = _contingency(labels, target)
    joint, of_labels, of_target = _nats(table), _nats(table.sum(1)), _nats(table.sum(0))
    shared = of_labels + of_target - joint
    homogeneity = shared / of_target if of_target > 0 else 1.0
    completeness = shared / of_labels if of_labels > 0 else 1.0
    return float(np.clip(homogeneity, 0, 1)), float(np.clip(completeness, 0, 1))


def _contingency(labels: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts int64 (cluster, class) with the clusters' and classes' names; negative targets left out."""
    labels, target = _pair(labels, target)
    known = target >= 0
    if not known.any():
        raise ValueError("No pixel has a target class.")
    clusters, rows = np.unique(labels[known], return_inverse=True)
    classes, columns = np.unique(target[known], return_inverse=True)
    flat = rows.ravel() * classes.size + columns.ravel()
    table = np.bincount(flat, minlength=clusters.size * classes.size)
    return table.reshape(clusters.size, classes.size), clusters, classes


def _overlaps(table: np.ndarray) -> np.ndarray:
    return table / (table.sum(1, keepdims=True) + table.sum(0, keepdims=True) - table)


def _pairs(counts: np.ndarray) -> float:
    return float(sum(int(count) * (int(count) - 1) // 2 for count in counts.ravel()))


def _nats(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


# ---------------------------------------------------------------------------------------- summary


def summarise(values: Iterable[float]) -> dict[str, float | int | None]:
    """{mean, std, ci95, count} of the values that are not nan, ready for JSON.

    std: of the sample (n - 1); ci95: half the width of the normal 95% interval of the mean; both None for fewer
    than two values, mean None for none. Raises NotFiniteError for values that are infinite.
    """
    known = _finite(np.array([value for value in values if not math.isnan(value)], np.float64))
    std = float(known.std(ddof=1)) if known.size > 1 else None
    return {
        "mean": float(known.mean()) if known.size else None,
        "std": std,
        "ci95": None if std is None else 1.96 * std / math.sqrt(known.size),
        "count": int(known.size),
    }


def decibels(images: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """PSNR in dB of each pair (n,): 10 log10(255^2 / MSE), from uint8 (n, h, w, 3)."""
    error = np.square(images.astype(np.float64) - copies).mean((1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(error, 1e-6))
