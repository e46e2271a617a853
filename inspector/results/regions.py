"""Regions: a pixel, a box or a polygon of a picture, and the cells of a grid that lie in it.

Twin of `cellsIn` in assets/viewer/regions.js.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspector.errors import ChoiceError
from inspector.results.checks import check_choice, check_number
from inspector.results.quoting import quoted

PIXEL, BOX, POLYGON = "pixel", "box", "polygon"
CORNERS = {PIXEL: (1, 1), BOX: (2, 2), POLYGON: (3, 100)}  # least and most


@dataclass(frozen=True)
class Region:
    """kind: of `CORNERS`. points: (y, x) each, fractions of the picture's height and width; of a box two corners."""

    kind: str
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        check_choice("kind of region", self.kind, tuple(CORNERS))
        least, most = CORNERS[self.kind]
        if not least <= len(self.points) <= most:
            raise ChoiceError(f"A {self.kind} has {least} to {most} corners; {len(self.points)} are given.")
        for point in self.points:
            for name, value in zip("yx", point, strict=True):
                check_number(name, value, 0, 1)

    def cells(self, grid: tuple[int, int]) -> np.ndarray:
        """bool (h, w): the cells whose centres lie inside; where none does, the one below the middle of the corners."""
        height, width = grid
        y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5) / width
        corners = np.asarray(self.points, float)
        inside = np.zeros(grid, bool)
        if self.kind == BOX:
            (top, left), (bottom, right) = corners.min(0), corners.max(0)
            inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
        elif self.kind == POLYGON:
            for (y0, x0), (y1, x1) in zip(corners, np.roll(corners, -1, 0), strict=True):
                if y0 != y1:  # even-odd: each edge that a ray to the right meets turns inside to outside
                    inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        if not inside.any():
            middle = corners.mean(0)
            inside[min(int(middle[0] * height), height - 1), min(int(middle[1] * width), width - 1)] = True
        return inside


def read_region(text: str, shape: tuple[int, int]) -> Region:
    """The region of "Y,X" (a pixel), "Y0,X0,Y1,X1" (a box) or "Y,X Y,X Y,X ..." (a polygon), in pixels of a picture.

    shape: (h, w) of the picture. Raises ChoiceError for anything else.
    """
    try:
        parts = [[float(number) for number in part.split(",")] for part in text.split()]
    except ValueError:
        parts = []
    if len(parts) == 1 and len(parts[0]) == 4:
        kind, points = BOX, [parts[0][:2], parts[0][2:]]
    else:
        kind, points = PIXEL if len(parts) == 1 else POLYGON, parts
    if not points or any(len(point) != 2 for point in points):
        raise ChoiceError(
            f'The region is {quoted(text)}; give a pixel "Y,X", a box "Y0,X0,Y1,X1", or a polygon "Y,X Y,X Y,X".'
        )
    for point in points:
        for name, value, length in zip("yx", point, shape, strict=True):
            check_number(f"{name} of the region", value, 0, length)
    # A pixel is its middle; a corner lies between pixels.
    return Region(kind, _fractions(points, shape, 0.5 if kind == PIXEL else 0.0))


def _fractions(
    points: Sequence[Sequence[float]], shape: tuple[int, int], shift: float
) -> tuple[tuple[float, float], ...]:
    return tuple((min((y + shift) / shape[0], 1.0), min((x + shift) / shape[1], 1.0)) for y, x in points)
