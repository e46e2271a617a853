"""PASCAL VOC 2012, val: JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/val.txt, as the archive unpacks.

Masks have a palette: 0 is background, 1 to 20 the classes, 255 the border that does not count. With 21 classes
background is one of them (PAS-21); with 20 its pixels do not count either (PAS-20).
"""

from functools import partial
from pathlib import Path

import numpy as np

from inspector.evaluation.datasets.dataset import BACKGROUND, Dataset, Entry, folder_of, listed
from inspector.evaluation.datasets.masks import read_mask, to_labels
from inspector.vocabularies import vocabulary

SIZES = (21, 20)
VOID_VALUE = 255


def read(root: Path, size: int) -> Dataset:
    """The data set of a VOC2012 folder. Raises InputError where its folders or its list are missing."""
    images, masks = folder_of(root, "JPEGImages"), folder_of(root, "SegmentationClass")
    keys = listed(root / "ImageSets" / "Segmentation" / "val.txt")
    known = vocabulary("voc-20")
    return Dataset(
        f"PASCAL VOC val, {size} classes",
        ((BACKGROUND,), *known) if size > len(known) else known,
        tuple(Entry(key, images / f"{key}.jpg", masks / f"{key}.png") for key in keys),
        partial(labels, size=size),
    )


def labels(entry: Entry, size: int) -> np.ndarray:
    """Labels of one mask as `Dataset.decode`."""
    void = (VOID_VALUE,) if size == SIZES[0] else (0, VOID_VALUE)
    return to_labels(read_mask(entry.mask), size, void, 0 if size == SIZES[0] else 1, entry.mask.name)
