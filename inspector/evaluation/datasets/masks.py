"""Masks: files of whole numbers, one a pixel, as the labels of a data set's classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from inspector.errors import ImageError
from inspector.evaluation.datasets.dataset import VOID

FORMATS = ("PNG", "TIFF", "BMP")
WHOLE_NUMBERS = ("1", "L", "P", "I", "I;16", "I;16B")  # Pillow's modes of one number a pixel
SHOWN = 4  # values that a message lists
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError)


def read_mask(file: Path) -> np.ndarray:
    """int32 (h, w) of a mask of 8 or 16 bits; of one with a palette the indices.

    Raises ImageError for a file that is missing, damaged, or has several numbers a pixel.
    """
    mode, values = _decoded(file)
    if mode not in WHOLE_NUMBERS:
        raise ImageError(
            f"The mask {file.name!r} is {mode}; save one whole number a pixel, of 8 or 16 bits, or a palette."
        )
    return values.astype(np.int32)


def read_ids(file: Path) -> np.ndarray:
    """int32 (h, w) of a panoptic mask, whose colours are ids: R + 256 G + 65,536 B; raises as `read_mask`."""
    mode, values = _decoded(file)
    if mode != "RGB":
        raise ImageError(f"The mask {file.name!r} is {mode}; panoptic masks are RGB, with an id in each colour.")
    return values.astype(np.int32) @ np.array([1, 256, 65536], np.int32)


def _decoded(file: Path) -> tuple[str, np.ndarray]:
    try:
        with Image.open(file, formats=FORMATS) as opened:
            return opened.mode, np.asarray(opened)
    except FileNotFoundError:
        raise ImageError(
            f"There is no mask {str(file)!r}; put it there, or take its picture out of the list."
        ) from None
    except UnidentifiedImageError:
        raise ImageError(f"The mask {file.name!r} is not a picture that can be read; save it as PNG.") from None
    except _DECODING_ERRORS:
        raise ImageError(f"The mask {file.name!r} is damaged or cut off; fetch or save it again.") from None


def to_labels(values: np.ndarray, classes: int, void: Sequence[int], first: int, name: str) -> np.ndarray:
    """int32 (h, w) of labels 0 to classes - 1 from a mask's values first to first + classes - 1; VOID for `void`.

    Raises ImageError, which names the values, where there are others: the mask is of other classes.
    """
    labels = values.astype(np.int32) - first
    labels[np.isin(values, void)] = VOID
    wrong = (labels < VOID) | (labels >= classes) | ((labels == VOID) & ~np.isin(values, void))
    if wrong.any():
        found, told = np.unique(values[wrong]), " or ".join(map(str, void))
        shown = ", ".join(map(str, found[:SHOWN])) + (", ..." if found.size > SHOWN else "")
        raise ImageError(
            f"The mask {name!r} holds {shown} in {np.count_nonzero(wrong):,} pixels; {first} to {first + classes - 1}"
            f"{f', and {told} for void,' if told else ''} are expected. Is it of other classes?"
        )
    return labels


def mapped(values: np.ndarray, labels: Mapping[int, int], what: str, name: str) -> np.ndarray:
    """int32 (h, w) from a table of the values that may occur. what: the values are, as a message says it.

    Raises ImageError for a value that is not in the table.
    """
    known, places = np.unique(values, return_inverse=True)
    missing = [int(value) for value in known if int(value) not in labels]
    if missing:
        shown = ", ".join(map(str, missing[:SHOWN])) + (", ..." if len(missing) > SHOWN else "")
        raise ImageError(f"The mask {name!r} holds {what} {shown}, which the data set does not list; fetch it again.")
    table = np.array([labels[int(value)] for value in known], np.int32)
    return table[places].reshape(values.shape)
