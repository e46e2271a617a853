"""PASCAL Context, val, of 59 or all 459 classes: masks as ODISE or detectron2's users prepared them, from 0 on.

| of | 59 classes, 8 bits, 255 is void | 459 classes, 16 bits, 65,535 is void | pictures |
|---|---|---|---|
| ODISE's pascal_ctx_d2 | annotations_ctx59/validation/*.png | annotations_ctx459/validation/*.tif | images/validation |
| VOCdevkit/VOC2010 | annotations_detectron2/pc59_val/*.png | annotations_detectron2/pc459_val/*.tif | JPEGImages |

The pictures are those that have a mask: JPEGImages holds all of VOC.
"""

from functools import partial
from pathlib import Path

import numpy as np

from inspector.evaluation.datasets.dataset import Dataset, Entry, folder_of
from inspector.evaluation.datasets.masks import read_mask, to_labels
from inspector.vocabularies import vocabulary

SIZES = (59, 459)
VOID_VALUES = {59: 255, 459: 65535}


def read(root: Path, size: int) -> Dataset:
    """The data set of one of the two layouts. Raises InputError where its folders are missing."""
    masks = folder_of(root, f"annotations_ctx{size}/validation", f"annotations_detectron2/pc{size}_val")
    images = folder_of(root, "images/validation", "JPEGImages")
    files = sorted(file for file in masks.iterdir() if file.suffix.lower() in (".png", ".tif"))
    return Dataset(
        f"PASCAL Context val, {size} classes",
        vocabulary(f"context-{size}"),
        tuple(Entry(file.stem, images / f"{file.stem}.jpg", file) for file in files),
        partial(labels, size=size),
    )


def labels(entry: Entry, size: int) -> np.ndarray:
    """Labels of one mask as `Dataset.decode`."""
    return to_labels(read_mask(entry.mask), size, (VOID_VALUES[size],), 0, entry.mask.name)
