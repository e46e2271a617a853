"""Labels from the scores of classes: winner, background, connected segments, and their quality on masks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from inspector.analysis import metrics
from inspector.results import ClassNames, Masks, Segment, resize_maps
from inspector.words import class_mask


@dataclass(frozen=True)
class Enlarged(Sequence[np.ndarray]):
    """Scores (class, gh, gw) at another size (h, w), a class at a time: all of 64 at 1,024 px would take 268 MB."""

    grid: np.ndarray
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.grid)

    def __getitem__(self, index: Any) -> Any:
        """float32 (h, w) of one class, bilinear."""
        return resize_maps(self.grid[index], self.size)


def winners(scores: Iterable[np.ndarray], background: float = 0.0) -> np.ndarray:
    """int32 (h, w): 1 + index of the best class of scores (class, h, w), 0 where it stays below `background`.

    Of equal classes the first wins. `background` is on the scale of the scores; 0 labels every pixel of scores
    that are not negative.
    """
    labels, best = _best(scores)
    if background > 0:
        labels[best < background] = 0
    return labels


def ruled(
    scores: Sequence[np.ndarray], words: Sequence[np.ndarray], rule: str, constant: float = 0.0, power: float = 2.0
) -> np.ndarray:
    """As `winners` of scores in [0, 1], 0 where the best stays below what a rule gives the background there.

    "constant": that number. "power": (1 - best)^power (CLIP-ES, Lin et al. 2023, section 3.4). "words": the best of
    words (word, h, w), background words scored like classes; none of them labels every pixel.
    """
    if rule == "constant":
        return winners(scores, constant)
    labels, best = _best(scores)
    if rule == "power":
        labels[best < (1 - best) ** power] = 0
    elif len(words):
        labels[best < _best(words)[1]] = 0
    return labels


def _best(scores: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """int32 (h, w), 1 + index of the best of scores (class, h, w), and float32 (h, w), its score."""
    each = iter(scores)
    best = next(each).copy()
    labels = np.ones(best.shape, np.int32)
    for index, map_ in enumerate(each, 2):
        labels[map_ > best] = index
        np.maximum(best, map_, out=best)
    return labels, best


def segments(labels: np.ndarray, scores: Sequence[np.ndarray], names: Sequence[str]) -> tuple[Segment, ...]:
    """Connected regions (8 neighbours) of each class, largest first.

    labels: int32 (h, w) as from `winners`; scores: (class, h, w).
    """
    found = []
    for index in np.unique(labels[labels > 0]):
        count, places, boxes, _ = cv2.connectedComponentsWithStats((labels == index).astype(np.uint8), connectivity=8)
        areas = boxes[:, cv2.CC_STAT_AREA]
        sums = np.bincount(places.ravel(), scores[index - 1].ravel().astype(np.float64), minlength=count)
        for region in range(1, count):  # 0 is everything else
            x, y, width, height = (int(value) for value in boxes[region, :4])
            found.append(
                Segment(
                    name=names[index - 1],
                    class_index=int(index),
                    area=float(areas[region] / labels.size),
                    score=float(sums[region] / areas[region]),
                    box_xyxy=(x, y, x + width, y + height),
                )
            )
    return tuple(sorted(found, key=lambda segment: -segment.area))


def target_labels(classes: ClassNames, masks: Masks) -> np.ndarray | None:
    """int32 (h, w): i where the mask of classes[i - 1] lies, 0 in no asked mask; None where no class has a mask.

    Masks overlap, since parts lie inside their wholes: the smaller mask wins.
    """
    pairs = [(index, class_mask(synonyms, masks)) for index, synonyms in enumerate(classes, 1)]
    known = [(index, mask) for index, mask in pairs if mask is not None]
    if not known:
        return None
    target = np.zeros(known[0][1].shape, np.int32)
    for index, mask in sorted(known, key=lambda pair: -int(pair[1].sum())):
        target[mask] = index
    return target


def quality(labels: np.ndarray, classes: ClassNames, masks: Masks) -> dict[str, Any]:
    """{"miou", "pixel_accuracy", "iou": {class: IoU}} of one picture; {} where no class has a mask.

    Every pixel counts: one that no named class covers is an error of the class that it is given, and right as
    background. The means are over the named classes with ground truth (detectron2's rule).
    """
    target = target_labels(classes, masks)
    if target is None:
        return {}
    matrix = metrics.confusion(labels, target, len(classes) + 1)
    ious = metrics.class_ious(matrix)[1:]
    return {
        "miou": float(np.nanmean(ious)),
        "pixel_accuracy": metrics.pixel_accuracy(matrix),
        "iou": {synonyms[0]: float(value) for synonyms, value in zip(classes, ious, strict=True) if np.isfinite(value)},
    }


def own_maximum(maps: np.ndarray) -> np.ndarray:
    """float32 (class, h, w) in [0, 1]: positive values as fractions of each class's maximum (CLIP-ES's scores).

    A class whose map has no positive value stays 0 everywhere. An absent class is stretched like a present one:
    ask for classes that the image shows.
    """
    positive = np.maximum(maps, 0).astype(np.float64)
    highest = positive.max((1, 2), keepdims=True)
    return np.divide(positive, highest, out=np.zeros_like(positive), where=highest > 0).astype(np.float32)
