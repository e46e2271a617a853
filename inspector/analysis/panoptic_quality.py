"""Panoptic quality (Kirillov et al., CVPR 2019): matched segments' IoU, counted with what was missed and made up."""

from collections.abc import Sequence

import numpy as np

MATCH = 0.5  # IoU above which two segments of one class are the same: no segment can have two such partners


class PanopticTally:
    """Counts over pictures, per class id 1 to `classes`."""

    def __init__(self, classes: int) -> None:
        self.pictures = 0
        self._iou = np.zeros(classes + 1)
        self._hits, self._made_up, self._missed = (np.zeros(classes + 1, np.int64) for _ in range(3))

    def add(
        self, found: np.ndarray, found_classes: Sequence[int], true: np.ndarray, true_classes: Sequence[int]
    ) -> None:
        """One picture: ids int (h, w), 0 for nothing, and the class id of segments 1, 2, ...; -1 in `true` is void.

        Void pixels count nowhere; a segment found that lies mostly on void is not held against the method.
        """
        self.pictures += 1
        void = true < 0
        width = len(true_classes) + 1
        pairs = np.bincount(
            (found[~void].astype(np.int64) * width + true[~void]).ravel(), minlength=(len(found_classes) + 1) * width
        ).reshape(-1, width)
        found_area, true_area = pairs.sum(1), pairs.sum(0)
        on_void = np.bincount(found[void].ravel(), minlength=len(found_classes) + 1)
        taken_found, taken_true = set(), set()
        for i, j in zip(*np.nonzero(pairs[1:, 1:]), strict=True):
            if found_classes[i] != true_classes[j]:
                continue
            inside = pairs[i + 1, j + 1]
            iou = inside / (found_area[i + 1] + true_area[j + 1] - inside)
            if iou > MATCH:
                self._iou[true_classes[j]] += iou
                self._hits[true_classes[j]] += 1
                taken_found.add(i)
                taken_true.add(j)
        for j, number in enumerate(true_classes):
            self._missed[number] += j not in taken_true and true_area[j + 1] > 0
        for i, number in enumerate(found_classes):
            mostly_void = on_void[i + 1] > 0.5 * (on_void[i + 1] + found_area[i + 1])
            self._made_up[number] += i not in taken_found and not mostly_void

    def by_class(self) -> np.ndarray:
        """PQ of class ids 1, 2, ...; nan where no picture has a segment of it."""
        size = self._hits + 0.5 * self._made_up + 0.5 * self._missed
        seen = self._hits + self._missed > 0
        return np.where(seen, self._iou / np.maximum(size, 0.5), np.nan)[1:]
