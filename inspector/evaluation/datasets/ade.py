"""ADE20K, validation: the scene parsing challenge's 150 classes, or the full set's 847.

- 150: ADEChallengeData2016, images/validation/*.jpg and annotations/validation/*.png, where 0 is void and i is class
  i - 1.
- 847: ADE20K_2021_17_01 as detectron2's users prepare it, images_detectron2/validation/*.jpg and
  annotations_detectron2/validation/*.tif of 16 bits, from 0 on, 65,535 is void. Its list of classes is read from
  classes.txt beside them, one a line in the masks' order.
"""

from functools import partial
from pathlib import Path

import numpy as np

from inspector.errors import ClassesError
from inspector.evaluation.datasets.dataset import Dataset, Entry, folder_of, paired
from inspector.evaluation.datasets.masks import read_mask, to_labels
from inspector.vocabularies import read_classes, vocabulary

SIZES = (150, 847)


def read(root: Path, size: int) -> Dataset:
    """The data set of such a folder. Raises InputError where its folders, or the list of 847 classes, are missing."""
    title = f"ADE20K validation, {size} classes"
    if size == 150:
        folders = folder_of(root, "images/validation"), folder_of(root, "annotations/validation")
        return Dataset(title, vocabulary("ade-150"), paired(*folders, (".png",)), challenge)
    folders = folder_of(root, "images_detectron2/validation"), folder_of(root, "annotations_detectron2/validation")
    classes = read_classes(root / "classes.txt")
    if len(classes) != size:
        raise ClassesError(f"{str(root / 'classes.txt')!r} lists {len(classes)} classes; {size} are expected.")
    return Dataset(title, classes, paired(*folders, (".tif",)), partial(full, size=size))


def challenge(entry: Entry) -> np.ndarray:
    """Labels of one of the challenge's masks as `Dataset.decode`."""
    return to_labels(read_mask(entry.mask), 150, (0,), 1, entry.mask.name)


def full(entry: Entry, size: int) -> np.ndarray:
    """Labels of one of the full set's masks as `Dataset.decode`."""
    return to_labels(read_mask(entry.mask), size, (65535,), 0, entry.mask.name)
