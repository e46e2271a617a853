"""Data sets on the user's disk, one file per layout of files; nothing is fetched."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError, InputError
from inspector.evaluation.datasets import ade, coco, context, folder, voc
from inspector.evaluation.datasets.dataset import BACKGROUND, VOID, Dataset, Entry, Sample
from inspector.results import check_choice

__all__ = ["BACKGROUND", "FORMATS", "VOID", "Dataset", "Entry", "Sample", "read_dataset"]

# Format -> (reader, numbers of classes it can be read with, the usual one first; () where its folder says).
FORMATS: Mapping[str, tuple[Callable[[Path, Any], Dataset], tuple[int, ...]]] = {
    "voc": (voc.read, voc.SIZES),
    "context": (context.read, context.SIZES),
    "ade": (ade.read, ade.SIZES),
    "coco": (coco.read, coco.SIZES),
    "folder": (folder.read, ()),
}


def read_dataset(name: str, root: Path, size: int | None = None) -> Dataset:
    """The data set of a folder. size: number of classes, where the format has several.

    Raises ChoiceError for an unknown format or size, InputError for a folder that holds no such data set.
    """
    check_choice("dataset", name, tuple(FORMATS))
    reader, sizes = FORMATS[name]
    if size is not None and size not in sizes:
        told = f"use {' or '.join(map(str, sizes))}" if sizes else "leave it out: classes.txt says"
        raise ChoiceError(f"A data set {name} has no vocabulary of {size} classes; {told}.")
    if not root.is_dir():
        raise InputError(f"There is no folder {str(root)!r}; give the data set's own as --root.")
    return reader(root, size if size is not None or not sizes else sizes[0])
