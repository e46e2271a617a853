"""Quoting: a value that is refused, in a few printable characters, whatever it is."""

import math
import reprlib
from typing import Any

import numpy as np

MOST = 40  # characters


class _Short(reprlib.Repr):
    """As `repr`, looking at no more of a value than is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, MOST, MOST
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = 4

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write a number of more than 4300 digits."""
        digits = int(x.bit_length() * math.log10(2)) + 1
        return repr(x) if digits <= 20 else f"a number of {digits} digits"


_SHORT = _Short()


def quoted(value: Any) -> str:
    """The value as Python writes it, on one line and at most `MOST` characters long."""
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."


def described(array: np.ndarray) -> str:
    """An array's dtype and shape, such as "float32 (3, 4)"."""
    return f"{str(array.dtype)[:MOST]} {quoted(array.shape) if array.ndim > 8 else array.shape}"


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
