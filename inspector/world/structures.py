"""House and building, with their windows and doors."""

import numpy as np

from inspector.world.canvas import Pen, mix, shade
from inspector.world.classes import COLOURS, Colour
from inspector.world.dice import Dice
from inspector.world.shapes import box, ellipse, limb

GLASS = (126, 170, 200)
LIT = (252, 220, 140)
HALF = 0.52  # of a house's width


def house(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A gabled house: seen from the front (0) or with its long side (1); roof, chimney, door, windows."""
    roof = dice.pick([(168, 74, 58), (122, 82, 66), (92, 98, 112), (146, 60, 60), (74, 92, 86)])
    if name in ("red", "brown"):
        roof = dice.pick([(84, 86, 98), (98, 72, 62)])
    trim = (246, 242, 232) if name != "white" else (120, 140, 160)
    glass = dice.pick([GLASS, GLASS, LIT, (96, 130, 160)])
    eaves = dice.uniform(0.5, 0.6)
    chimney = dice.pick((-0.28, 0.24))
    pen.poly(box(chimney - 0.05, 0.7, chimney + 0.05, 1.0), shade(roof, -0.25))
    pen.poly(box(chimney - 0.065, 0.96, chimney + 0.065, 1.01), shade(roof, -0.4))
    pen.poly(box(-HALF, 0, HALF, eaves), colour)
    boards = [limb((-HALF, y, 0.009), (HALF, y, 0.009)) for y in np.linspace(0, eaves, 9)[1:-1]]
    pen.polys(boards, shade(colour, -0.1))
    if variant == 0:
        pen.poly([(-HALF, eaves), (HALF, eaves), (0, 0.97)], colour)
        _gable_roof(pen, eaves, roof)
    else:
        _long_roof(pen, eaves, roof)
    side = dice.pick((-1, 1))
    opening = dice.pick((-0.24, 0.0, 0.24)) if variant == 1 else 0.2 * side
    _entrance(pen, opening, trim, dice)
    panes = [box(x - 0.12, 0.17, x + 0.12, 0.4) for x in (-0.33, 0.0, 0.33) if abs(x - opening) > 0.22]
    if variant == 0:
        panes.append(box(-0.11, 0.6, 0.11, 0.79))
    _framed(pen.part("windows"), panes, 0.018, trim, glass)


def _gable_roof(pen: Pen, eaves: float, roof: Colour) -> None:
    """Two slopes seen end on, and the ridge that joins them."""
    pen.polys([limb((x, eaves - 0.07, 0.09), (0.0, 0.99, 0.09)) for x in (-0.62, 0.62)], roof)
    pen.poly([(-0.05, 0.955), (0.05, 0.955), (0, 1.03)], roof)


def _long_roof(pen: Pen, eaves: float, roof: Colour) -> None:
    """One slope seen from the side, with rows of tiles and a gutter."""
    low, out = eaves - 0.03, HALF + 0.07
    slope = np.array([(-out, low), (out, low), (HALF - 0.1, 0.95), (-HALF + 0.1, 0.95)])
    pen.poly(slope, roof)
    rows = [limb((-0.8, y, 0.014), (0.8, y, 0.014)) for y in np.linspace(eaves + 0.06, 0.9, 4)]
    pen.inside(slope, rows, shade(roof, -0.2))
    pen.poly(limb((-out, low, 0.03), (out, low, 0.03)), shade(roof, -0.35))


def _entrance(pen: Pen, x: float, trim: Colour, dice: Dice) -> None:
    """A panelled door with a knob; its frame belongs to the wall."""
    door = pen.part("door")
    entry = dice.pick([COLOURS["brown"], (150, 50, 50), (50, 90, 110), (60, 100, 70)])
    pen.poly(box(x - 0.11, 0, x + 0.11, 0.37), trim)
    door.poly(box(x - 0.088, 0, x + 0.088, 0.35), entry)
    door.polys([box(x - 0.06, low, x + 0.06, high) for low, high in ((0.2, 0.31), (0.04, 0.16))], shade(entry, -0.2))
    door.poly(ellipse(x + 0.062, 0.17, 0.014, count=8), (250, 214, 120))


def _framed(pen: Pen, outlines: list[np.ndarray], border: float, trim: Colour, glass: Colour) -> None:
    """Windows with frame and cross; all of it is the part, as people name it."""
    pen.polys(outlines, trim)
    inner = [box(*(outline[0] + border), *(outline[2] - border)) for outline in outlines]
    pen.polys(inner, glass)
    sheen = [np.array([pane[0], (pane[0] + pane[1]) / 2, (pane[0] + pane[3]) / 2]) for pane in inner]
    pen.polys(sheen, shade(glass, -0.22))
    for a, b, c, d in ((0, 1, 2, 3), (0, 3, 1, 2)):
        bars = [limb((*((o[a] + o[b]) / 2), border), (*((o[c] + o[d]) / 2), border)) for o in inner]
        pen.polys(bars, trim)


def building(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A tall block with a flat roof, a darker side and a grid of windows; variant 1 is stepped, 2 has bands."""
    half, side = dice.uniform(0.2, 0.28), dice.uniform(0.07, 0.11)
    wall = mix(colour, (220, 214, 206), 0.12)
    glass = dice.pick([(108, 150, 184), (88, 122, 156), (150, 190, 210), LIT])
    top = 0.96
    lower = dice.uniform(0.5, 0.64) if variant == 1 else top
    narrow = half * (0.62 if variant == 1 else 1)
    if variant == 1:
        _block(pen, -narrow, narrow, lower - 0.02, top, side * 0.7, wall)
    _block(pen, -half, half, 0, lower, side, wall)
    pen.poly(box(-narrow * 0.5, top, -narrow * 0.1, top + 0.04), shade(wall, -0.3))
    windows = pen.part("windows")
    _grid(windows, -half, half, 0.17, lower, 2 if variant == 2 else dice.whole(3, 4), variant == 2, glass)
    if variant == 1:
        _grid(windows, -narrow, narrow, lower + 0.01, top, 2, False, glass)
    opening = dice.pick((-0.3, 0.0, 0.3)) * half
    pen.poly(box(opening - 0.085, 0, opening + 0.085, 0.135), shade(wall, -0.4))
    door = pen.part("door")
    door.poly(box(opening - 0.07, 0, opening + 0.07, 0.12), (96, 70, 58))
    door.polys(
        [box(opening - 0.058, 0.012, opening - 0.008, 0.108), box(opening + 0.008, 0.012, opening + 0.058, 0.108)],
        (140, 100, 76),
    )


def _block(pen: Pen, left: float, right: float, low: float, top: float, side: float, wall: Colour) -> None:
    """A front face, a darker side face to the right, a cornice."""
    pen.poly(
        [(right, low), (right + side, low + side * 0.12), (right + side, top - side * 0.3), (right, top)],
        shade(wall, -0.36),
    )
    pen.poly(box(left, low, right, top), wall)
    pen.poly(box(left - 0.012, top - 0.03, right + 0.006, top), shade(wall, 0.22))
    pen.poly(box(left, low, right, low + 0.02), shade(wall, -0.2))


def _grid(
    pen: Pen, left: float, right: float, low: float, top: float, columns: int, bands: bool, glass: Colour
) -> None:
    """Rows of panes over a face; `bands` makes them wide."""
    width = (right - left - 0.03) / columns
    height = min(0.115, width * 0.95)
    rows = max(1, int((top - low - 0.05) / height))
    pitch = (top - low - 0.05) / rows
    cells = [(left + 0.015 + column * width, low + row * pitch) for row in range(rows) for column in range(columns)]
    edge = 0.05 if bands else 0.16
    panes = np.array(
        [box(x + edge * width, y + 0.1 * pitch, x + (1 - edge) * width, y + 0.74 * pitch) for x, y in cells]
    )
    pen.polys(panes, shade(glass, -0.4))
    inner = np.array(
        [box(x + (edge + 0.05) * width, y + 0.14 * pitch, x + (0.95 - edge) * width, y + 0.7 * pitch) for x, y in cells]
    )
    pen.polys(inner, glass)
    pen.polys(np.stack([inner[:, 0], inner[:, 1], inner[:, 3]], 1), shade(glass, -0.18))
