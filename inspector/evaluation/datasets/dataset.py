"""A data set on disk: its classes, and for each picture a label for every pixel, read when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inspector.errors import ChoiceError, InputError
from inspector.results import ClassNames

VOID = -1  # in labels: pixels that do not count
BACKGROUND = "background"  # a class of this name is never asked for: it is what no other class is given to


@dataclass(frozen=True)
class Entry:
    """One picture of a data set, not read yet.

    key: its name in tables, once in a data set. segments: id in the mask -> category, for masks that hold instances.
    """

    key: str
    image: Path
    mask: Path
    segments: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """key, the picture's path, and labels int32 (h, w): indices of the data set's names, VOID where none counts."""

    key: str
    image: Path
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """names: each class as its synonyms, in the order of the labels. decode: an entry -> labels as in `Sample`.

    title: format, number of classes and split, as tables say it. decode can be pickled, for it goes to workers.
    """

    title: str
    names: ClassNames
    entries: tuple[Entry, ...]
    decode: Callable[[Entry], np.ndarray]

    def __post_init__(self) -> None:
        if not self.entries:
            raise ChoiceError(f"{self.title} has no picture; see whether its folders hold any.")
        keys = [entry.key for entry in self.entries]
        if len(set(keys)) < len(keys):
            twice = next(key for number, key in enumerate(keys) if key in keys[:number])
            raise ChoiceError(f"{self.title} lists {twice!r} twice; name each picture once.")

    def __iter__(self) -> Iterator[Sample]:
        """The samples one after the other. Raises ImageError at one whose mask cannot be used."""
        for entry in self.entries:
            yield Sample(entry.key, entry.image, self.decode(entry))


def folder_of(root: Path, *names: str) -> Path:
    """The first of the folders `names` that is in `root`. Raises InputError, which lists them, where none is."""
    found = next((root / name for name in names if (root / name).is_dir()), None)
    if found is None:
        raise InputError(f"{str(root)!r} has no folder {' or '.join(names)}; give the folder that holds it as --root.")
    return found


def listed(file: Path) -> list[str]:
    """The lines of a text file that names pictures. Raises InputError where it cannot be read."""
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InputError(
            f"Cannot read {str(file)!r}: {why}; the data set's root is the folder it should be in."
        ) from None


def paired(images: Path, masks: Path, mask_endings: tuple[str, ...]) -> tuple[Entry, ...]:
    """Pictures and masks of the same name, by name; where one of the two is missing, the entry says where it should be.

    mask_endings: of masks, the usual one first.
    """
    shown = {file.stem: file for file in _files(images, (".jpg", ".jpeg", ".png", ".webp", ".bmp"))}
    masked = {file.stem: file for file in _files(masks, mask_endings)}
    return tuple(
        Entry(stem, shown.get(stem, images / f"{stem}.jpg"), masked.get(stem, masks / f"{stem}{mask_endings[0]}"))
        for stem in sorted({*shown, *masked})
    )


def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in endings)
