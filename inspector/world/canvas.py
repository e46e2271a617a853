"""The drawing surface: colours at twice the size, and for every pixel which layer it belongs to.

Drawing is OpenCV's integer polygon filling with 1/16-pixel corners, so that a scene is the same on
every machine. Positions are fractions of the picture: x to the right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from inspector.world.classes import CLASS_IDS, STUFF, Colour
from inspector.world.shapes import Points

SHIFT = 4
SUPERSAMPLING = 2


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of the second colour in the first."""
    rest = 1 - share
    return (
        int(first[0] * rest + second[0] * share + 0.5),
        int(first[1] * rest + second[1] * share + 0.5),
        int(first[2] * rest + second[2] * share + 0.5),
    )


def shade(colour: Colour, amount: float) -> Colour:
    """Lighter (amount > 0) or darker (amount < 0), up to 1."""
    return mix(colour, (255, 250, 236), amount) if amount > 0 else mix(colour, (22, 20, 44), -amount)


@dataclass(frozen=True)
class Layer:
    """What one value of the id map stands for; `whole` is the id of the thing a part belongs to."""

    word: str
    whole: int | None = None


class Canvas:
    """uint8 `image` (h, w, 3) and `ids` (h, w) at twice the final size, with the layer of each id."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = SUPERSAMPLING * size
        self.image = np.zeros((self.side, self.side, 3), np.uint8)
        self.ids = np.zeros((self.side, self.side), np.uint8)
        self.layers = {CLASS_IDS[word]: Layer(word) for word in STUFF}
        self._next = len(CLASS_IDS) + 1

    def new_id(self, word: str, whole: int | None = None) -> int:
        ident, self._next = self._next, self._next + 1
        self.layers[ident] = Layer(word, whole)
        return ident

    def corners(self, points: Points) -> np.ndarray:
        """Fractions of the picture to OpenCV's fixed-point pixel centres: int32 of the same shape."""
        scaled = np.asarray(points, float) * (self.side << SHIFT) - (1 << SHIFT) // 2
        return np.rint(np.clip(scaled, -400_000, 400_000)).astype(np.int32)

    def fill(self, corners: Sequence[np.ndarray], colour: Colour, ident: int | None) -> None:
        """Fill outlines given as `corners`; ident None paints without changing whose pixels they are."""
        cv2.fillPoly(self.image, corners, colour, cv2.LINE_8, SHIFT)
        if ident is not None:
            cv2.fillPoly(self.ids, corners, ident, cv2.LINE_8, SHIFT)

    def region(self, points: Points, rows: np.ndarray, ident: int) -> None:
        """Fill an outline with a colour per picture row: rows uint8 (side, 3)."""
        corners = self.corners(points)
        top = max(0, int(corners[:, 1].min() >> SHIFT) - 1)
        mask = np.zeros((self.side - top, self.side), np.uint8)
        cv2.fillPoly(mask, [corners - (0, top << SHIFT)], 255, cv2.LINE_8, SHIFT)
        colours = np.ascontiguousarray(np.broadcast_to(rows[top:, None], (*mask.shape, 3)))
        cv2.copyTo(colours, mask, self.image[top:])
        cv2.fillPoly(self.ids, [corners], ident, cv2.LINE_8, SHIFT)

    def inside(self, outline: np.ndarray, shapes: Sequence[np.ndarray], colour: Colour) -> None:
        """Paint the part of `shapes` that lies within `outline` (both in corners); ids stay."""
        low = np.maximum(outline.min(0) >> SHIFT, 0)
        high = np.minimum((outline.max(0) >> SHIFT) + 2, self.side)
        if (high <= low).any():
            return
        width, height = (int(value) for value in high - low)
        offset = low << SHIFT
        body, spots = np.zeros((2, height, width), np.uint8)
        cv2.fillPoly(body, [outline - offset], 255, cv2.LINE_8, SHIFT)
        for shape in shapes:
            cv2.fillPoly(spots, [shape - offset], 255, cv2.LINE_8, SHIFT)
        cv2.bitwise_and(body, spots, body)
        paint = np.full((height, width, 3), colour, np.uint8)
        cv2.copyTo(paint, body, self.image[low[1] : high[1], low[0] : high[0]])


@dataclass(frozen=True)
class Pen:
    """Draws one thing in its own coordinates: feet at (0, 0), x forward, y up, height about 1.

    haze: share of `air` mixed into each colour.  facing: 1 or -1 mirrors the thing.
    """

    canvas: Canvas
    x: float
    y: float
    height: float
    facing: int
    ident: int
    air: Colour = (200, 210, 220)
    haze: float = 0.0

    def part(self, word: str) -> "Pen":
        """A pen for a part of this thing."""
        return replace(self, ident=self.canvas.new_id(word, self.ident))

    def place(self, points: Points) -> np.ndarray:
        local = np.asarray(points, float)
        return self.canvas.corners(local * (self.facing * self.height, -self.height) + (self.x, self.y))

    def poly(self, points: Points, colour: Colour) -> None:
        self.canvas.fill([self.place(points)], mix(colour, self.air, self.haze), self.ident)

    def polys(self, outlines: Sequence[Points] | np.ndarray, colour: Colour) -> None:
        """Several outlines of one colour; an array (outline, point, xy) is placed at one stroke."""
        colour = mix(colour, self.air, self.haze)
        placed = self.place(outlines) if isinstance(outlines, np.ndarray) else map(self.place, outlines)
        for corners in placed:
            self.canvas.fill([corners], colour, self.ident)

    def inside(self, outline: Points, shapes: Sequence[Points], colour: Colour) -> None:
        """Paint the part of `shapes` within `outline`."""
        placed = [self.place(shape) for shape in shapes]
        self.canvas.inside(self.place(outline), placed, mix(colour, self.air, self.haze))
