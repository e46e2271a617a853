"""Marks: what a figure consists of once each thing has its place, in pixels from the upper left corner."""

from dataclasses import dataclass

import numpy as np

from inspector.views.lettering import font


@dataclass(frozen=True)
class Block:
    """An image, uint8 (h, w, 3), and the rectangle in pixels that it fills; ramp: it is a colour bar's (1, 256, 3)."""

    image: np.ndarray
    left: int
    top: int
    width: int
    height: int
    ramp: bool = False


@dataclass(frozen=True)
class Line:
    """One line of type at (x, y), `size` pixels to the em; up: written upwards.

    anchor: what (x, y) is of it, in two letters: l, m or r for left, middle or right, then a or m for the top of the
    type or its middle.
    """

    text: str
    x: float
    y: float
    size: int
    anchor: str = "la"
    bold: bool = False
    faint: bool = False
    up: bool = False

    @property
    def drop(self) -> float:
        """Pixels from (x, y) to the line that the letters stand on."""
        above, below = font(self.size, self.bold).getmetrics()
        return above if self.anchor[1] == "a" else (above - below) / 2


@dataclass(frozen=True)
class Swatch:
    """A square of one colour of the legend, uint8 (3,), its upper left corner at (x, y)."""

    color: np.ndarray
    x: int
    y: int
    side: int
