"""Figures: what one consists of: labelled rows of pictures with titles and colour bars, a legend and small print."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Color = tuple[int, int, int]
INK: Color = (28, 28, 30)
FAINT: Color = (110, 110, 115)  # of small print
GROUND: Color = (255, 255, 255)


@dataclass(frozen=True)
class Bar:
    """A colour bar: the values at its two ends, in the map's true scale."""

    low: float
    high: float
    colormap: str


@dataclass(frozen=True)
class Panel:
    """One picture, uint8 (h, w, 3), with its title and colour bar."""

    image: np.ndarray
    title: str = ""
    bar: Bar | None = None

    @property
    def aspect(self) -> float:
        """Width over height."""
        return float(self.image.shape[1] / self.image.shape[0])


@dataclass(frozen=True)
class Row:
    """Pictures that belong together, in one line or several, with a label written up their left side."""

    panels: Sequence[Panel]
    label: str = ""


@dataclass(frozen=True)
class Sheet:
    """A figure before it is drawn. legend: (name, uint8 colour) pairs; note: small print at the foot."""

    rows: Sequence[Row]
    title: str = ""
    note: str = ""
    legend: Sequence[tuple[str, np.ndarray]] = ()


def number(value: float) -> str:
    """A value with three significant digits, short: 0.0123, 4.2e-06, 0."""
    if value == 0:
        return "0"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"
