"""A data set of one's own: images/, masks/ with the same names, and classes.txt, a class a line, synonyms after commas.

A mask is a PNG of 8 or 16 bits whose value is the class's line, counted from 0; 255, or 65,535 in 16 bits, does not
count.
"""

from functools import partial
from pathlib import Path

import numpy as np

from inspector.evaluation.datasets.dataset import Dataset, Entry, folder_of, paired
from inspector.evaluation.datasets.masks import read_mask, to_labels
from inspector.vocabularies import read_classes

MOST_IN_8_BITS = 255  # classes: 0 to 254


def read(root: Path, size: int | None = None) -> Dataset:
    """The data set of such a folder; `size` is of no use here. Raises InputError where something of it is missing."""
    images, masks = folder_of(root, "images"), folder_of(root, "masks")
    classes = read_classes(root / "classes.txt")
    return Dataset(
        f"{root.resolve().name}, {len(classes)} classes",
        classes,
        paired(images, masks, (".png",)),
        partial(labels, size=len(classes)),
    )


def labels(entry: Entry, size: int) -> np.ndarray:
    """Labels of one mask as `Dataset.decode`.

    In a mask of 16 bits, 255 is a class where there are so many, and void where there are not.
    """
    void = (65535,) if size > MOST_IN_8_BITS else (255, 65535)
    return to_labels(read_mask(entry.mask), size, void, 0, entry.mask.name)
