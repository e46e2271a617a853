"""What a promptable segmenter learns from: drawn scenes, in each some masks with a point or a box that asks for them.

Scenes are drawn while training goes on, by other processes, so that hardly any is seen twice and masks need no store.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from inspector import world

SIDE = 256  # pixels of the drawn pictures, and of what the model is shown
CELL = 4  # pixels of a cell of the masks on a side
EACH = 4  # masks of a picture that points ask for, and as many that boxes do
POINTS = 3  # drawn for each mask; a step uses the first ones
LEAST = 192  # pixels of what the model is shown from which a mask is asked for
SMALLEST_CROP = 0.5  # of the picture's side
WHOLE = 0.5  # share of pictures that are not cropped
MARGIN = 3  # pixels that a point keeps from its mask's border, where the mask is wide enough
JITTER, MOST_JITTER = 0.05, 16  # deviation of a box's sides as a share of them, and its bound in pixels


class Asked(NamedTuple):
    """Pictures with prompts; points and boxes in pixels of what the model is shown, x first, as it wants them.

    pixels: uint8 (n, SIDE, SIDE, 3), what is beyond the picture is 0; inside: bool (n, SIDE, SIDE), what is not.
    point_masks, box_masks: float32 (n, k, SIDE / CELL, SIDE / CELL), shares of each cell.
    points: float32 (n, k, POINTS, 2), the first in the mask; labels: int64 (n, k, POINTS), 1 in the mask, 0 not.
    boxes: float32 (n, k, 4), x0, y0, x1, y1.
    """

    pixels: torch.Tensor
    inside: torch.Tensor
    points: torch.Tensor
    labels: torch.Tensor
    point_masks: torch.Tensor
    boxes: torch.Tensor
    box_masks: torch.Tensor


class Questions(Dataset):
    """Number -> the scene of that seed as the model is shown it, with prompts (no batch axis).

    plain: whole pictures, not mirrored, boxes exact; for measuring.
    """

    def __init__(self, plain: bool = False) -> None:
        self.plain = plain

    def __getitem__(self, seed: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng([seed, 11])
        scene = world.scene(seed, SIDE)
        masks = np.stack([instance.mask for instance in scene.instances])
        image, masks = self._shown(scene.image, masks, rng)
        if not self.plain and rng.random() < 0.5:
            image, masks = image[:, ::-1], masks[:, :, ::-1]
        return self._asked(image, masks, rng)

    def _shown(self, image: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A crop, or all, with the masks that are large enough in it, the longer side `SIDE` pixels."""
        if not self.plain and rng.random() > WHOLE:
            height, width = rng.integers(int(SMALLEST_CROP * SIDE), SIDE + 1, 2)
            top, left = rng.integers(0, SIDE - height + 1), rng.integers(0, SIDE - width + 1)
            seen = masks[:, top : top + height, left : left + width]
            scale = SIDE / max(height, width)
            large = seen.sum((1, 2)) * scale**2 >= LEAST
            if large.any():
                return scaled(image[top : top + height, left : left + width], seen[large])
        return image, masks

    def _asked(self, image: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        height, width = image.shape[:2]
        padding = ((0, SIDE - height), (0, SIDE - width))
        pixels = np.pad(image, (*padding, (0, 0)))
        inside = np.pad(np.ones((height, width), bool), padding)
        padded = np.pad(masks, ((0, 0), *padding))
        small = padded.reshape(len(masks), SIDE // CELL, CELL, SIDE // CELL, CELL).mean((2, 4), dtype=np.float32)
        filled = np.flatnonzero(masks.any((1, 2)))
        by_point, by_box = rng.choice(filled, EACH), rng.choice(filled, EACH)
        asked = [some_points(masks[index], rng) for index in by_point]
        points, labels = (np.stack(items) for items in zip(*asked, strict=True))
        boxes = np.stack([around(masks[index]) for index in by_box])
        if not self.plain:
            boxes = jittered(boxes, (height, width), rng)
        return pixels, inside, points, labels, small[by_point], boxes, small[by_box]


def scaled(image: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture (h, w, 3) and masks (n, h, w), the longer side `SIDE` pixels."""
    scale = SIDE / max(image.shape[:2])
    size = tuple(max(1, round(length * scale)) for length in image.shape[1::-1])
    large = [cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR) > 127 for mask in masks]
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.stack(large)


def some_points(mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """POINTS x, y (float32) and whether each is in the mask; the first is, the others are as often as not."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    good = np.argwhere(depth >= min(MARGIN, depth.max() / 2))
    x0, y0, x1, y1 = around(mask).astype(int)
    far = max(x1 - x0, y1 - y0) // 2
    window = (slice(max(0, y0 - far), y1 + far + 1), slice(max(0, x0 - far), x1 + far + 1))
    wrong = np.argwhere(~mask[window]) + np.array([window[0].start, window[1].start])
    labels = np.array([1, *rng.integers(0, 2, POINTS - 1)], np.int64)
    if not len(wrong):
        labels[:] = 1
    places = [(good if label else wrong)[rng.integers(len(good if label else wrong))] for label in labels]
    return np.stack(places)[:, ::-1].astype(np.float32), labels


def around(mask: np.ndarray) -> np.ndarray:
    """float32 x0, y0, x1, y1 of the first and last pixels in a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float32)


def jittered(boxes: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Boxes (k, 4) whose sides were moved a little, as by a hand, within a picture (h, w)."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved = boxes + np.clip(rng.normal(0, JITTER, boxes.shape) * sides, -MOST_JITTER, MOST_JITTER)
    bounds = np.array([size[1], size[0], size[1], size[0]]) - 1
    return np.clip(moved, 0, bounds).astype(np.float32)


def batches(first: int, last: int, batch: int, workers: int) -> Iterator[Asked]:
    """Batches `first` to `last` of the training scenes, in the order of their seeds and from the start again."""
    seeds = [number % len(world.TRAINING_SEEDS) for number in range(first * batch, last * batch)]
    for parts in DataLoader(Questions(), batch, sampler=seeds, num_workers=workers):
        yield Asked(*parts)
