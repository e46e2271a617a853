"""Car, bus and boat, seen from the side."""

from typing import NamedTuple

import numpy as np

from inspector.world.canvas import Pen, mix, shade
from inspector.world.classes import Colour
from inspector.world.dice import Dice
from inspector.world.shapes import Points, box, ellipse, limb, rounded, smooth

GLASS = (150, 196, 216)
TYRE = (38, 38, 44)


def _wheels(pen: Pen, centres: tuple[float, ...], radius: float) -> None:
    part = pen.part("wheel")
    part.polys([ellipse(x, radius, radius, count=28) for x in centres], TYRE)
    part.polys([ellipse(x, radius, radius * 0.6, count=24) for x in centres], (188, 192, 198))
    part.polys([ellipse(x, radius, radius * 0.44, count=20) for x in centres], (140, 144, 152))
    part.polys([ellipse(x, radius, radius * 0.18, count=12) for x in centres], (70, 72, 80))


def _gleam(pen: Pen, pane: np.ndarray, x: float, width: float) -> None:
    """A slanting reflection on a pane."""
    pen.inside(
        pane,
        [np.array([(x, 0), (x + width, 0), (x + width + 0.4, 1.2), (x + 0.4, 1.2)])],
        mix(GLASS, (255, 255, 255), 0.5),
    )


class CarShape(NamedTuple):
    """Outline, rear and front pane, and where the wheels are."""

    body: Points
    rear: Points
    front: Points
    wheels: tuple[float, float]


SALOON = CarShape(
    body=[(-1.16, 0.3), (-1.17, 0.5), (-1.1, 0.62), (-0.78, 0.68), (-0.48, 0.97), (-0.2, 1.0), (0.2, 0.98), (0.4, 0.9),
          (0.66, 0.66), (1.0, 0.6), (1.15, 0.5), (1.18, 0.32), (1.12, 0.2), (0.0, 0.17), (-1.1, 0.2)],
    rear=[(-0.68, 0.66), (-0.44, 0.9), (-0.06, 0.92), (-0.06, 0.66)],
    front=[(0.02, 0.66), (0.02, 0.92), (0.3, 0.88), (0.54, 0.66)],
    wheels=(-0.72, 0.72),
)  # fmt: skip
HATCHBACK = CarShape(
    body=[(-1.0, 0.3), (-1.03, 0.52), (-0.98, 0.76), (-0.82, 0.97), (-0.4, 1.02), (0.1, 1.0), (0.32, 0.92), (0.6, 0.68),
          (0.96, 0.6), (1.08, 0.48), (1.1, 0.3), (1.04, 0.2), (0.0, 0.17), (-0.94, 0.2)],
    rear=[(-0.86, 0.66), (-0.76, 0.9), (-0.22, 0.93), (-0.22, 0.66)],
    front=[(-0.13, 0.66), (-0.13, 0.93), (0.22, 0.89), (0.47, 0.66)],
    wheels=(-0.62, 0.66),
)  # fmt: skip
ESTATE = CarShape(
    body=[(-1.16, 0.3), (-1.18, 0.6), (-1.14, 0.88), (-1.0, 1.0), (-0.4, 1.02), (0.22, 1.0), (0.4, 0.93), (0.6, 0.7),
          (1.02, 0.66), (1.14, 0.56), (1.18, 0.34), (1.12, 0.22), (0.0, 0.19), (-1.1, 0.22)],
    rear=[(-1.02, 0.68), (-0.98, 0.91), (-0.34, 0.93), (-0.34, 0.68)],
    front=[(-0.25, 0.68), (-0.25, 0.93), (0.28, 0.9), (0.48, 0.68)],
    wheels=(-0.74, 0.72),
)  # fmt: skip


def car(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Saloon, hatchback or estate with two windows and two wheels."""
    shape = (SALOON, HATCHBACK, ESTATE)[variant]
    body = smooth(shape.body, 3)
    pen.poly(body, colour)
    pen.inside(body, [box(-1.4, 0, 1.4, 0.34)], shade(colour, -0.28))
    pen.inside(body, [limb((-1.3, 0.6, 0.035), (0, 0.62, 0.035), (1.3, 0.55, 0.035))], shade(colour, 0.28))
    windows = pen.part("windows")
    panes = [np.array(shape.rear), np.array(shape.front)]
    glass = shade(GLASS, -0.35 if name in ("white", "grey") else -0.1)
    windows.polys(panes, glass)
    for pane, x in zip(panes, (-0.75, -0.2), strict=True):
        _gleam(windows, pane, x, 0.16)
    seam = shade(colour, -0.35)
    pen.polys([limb((x, 0.27, 0.014), (x, 0.66, 0.014)) for x in (-0.02, 0.5)], seam)
    pen.polys([rounded(-0.3, 0.53, -0.14, 0.565, 0.015), rounded(0.28, 0.53, 0.42, 0.565, 0.015)], seam)
    nose = float(body[:, 0].max())
    pen.inside(body, [smooth([(nose - 0.15, 0.51), (nose, 0.5), (nose, 0.39), (nose - 0.13, 0.41)])], (255, 238, 170))
    tail = float(body[:, 0].min())
    lamp = rounded(tail - 0.01, 0.43, tail + 0.09, 0.55, 0.03)
    pen.inside(body, [lamp], (200, 40, 40) if name != "red" else (120, 20, 30))
    pen.polys([ellipse(x, 0.24, 0.275, count=24) for x in shape.wheels], (26, 26, 32))
    _wheels(pen, shape.wheels, 0.235)


def bus(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A long box with a row of windows; variant 1 has two decks."""
    half = 1.1
    body = rounded(-half, 0.13, half, 1.0, 0.1)
    pen.poly(body, colour)
    stripe = (250, 246, 236) if name != "white" else (70, 110, 180)
    pen.inside(body, [box(-2, 0.36, 2, 0.43)], stripe)
    pen.inside(body, [box(-2, 0, 2, 0.24)], shade(colour, -0.3))
    pen.inside(body, [box(-2, 0.95, 2, 1.1)], shade(colour, 0.3))
    windows = pen.part("windows")
    count = dice.whole(4, 6)
    pitch = 1.56 / count
    rows = ((0.5, 0.85),) if variant == 0 else ((0.47, 0.64), (0.74, 0.91))
    for low, high in rows:
        panes = [rounded(-1.02 + i * pitch, low, -1.02 + (i + 0.86) * pitch, high, 0.03) for i in range(count)]
        windows.polys(panes, shade(GLASS, -0.18))
        for pane in panes[::2]:
            _gleam(windows, pane, float(pane[:, 0].min()) - 0.18, 0.1)
        front = np.array([(0.86, low), (half - 0.01, low), (half - 0.02, high), (0.86, high)])
        windows.poly(front, shade(GLASS, 0.1))
    pen.poly(box(0.58, 0.2, 0.8, 0.84), shade(colour, -0.45))
    pen.polys([box(0.6, 0.23, 0.682, 0.82), box(0.698, 0.23, 0.78, 0.82)], shade(GLASS, -0.3))
    pen.poly(rounded(1.0, 0.26, 1.09, 0.34, 0.03), (255, 238, 170))
    pen.polys([ellipse(x, 0.15, 0.185, count=24) for x in (-0.66, 0.42)], (26, 26, 32))
    _wheels(pen, (-0.66, 0.42), 0.155)


def boat(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A sailing boat (variants 0, 1) or a fishing boat with a cabin (2)."""
    if variant < 2:
        _sails(pen, dice)
        hull = smooth(
            [
                (-0.46, 0.25),
                (-0.2, 0.22),
                (0.3, 0.23),
                (0.62, 0.31),
                (0.48, 0.12),
                (0.34, 0.0),
                (-0.32, 0.0),
                (-0.42, 0.1),
            ]
        )
    else:
        _cabin(pen, colour, name)
        hull = smooth(
            [
                (-0.62, 0.36),
                (-0.3, 0.32),
                (0.3, 0.34),
                (0.7, 0.46),
                (0.56, 0.18),
                (0.42, 0.0),
                (-0.5, 0.0),
                (-0.58, 0.16),
            ]
        )
    pen.poly(hull, colour)
    top = float(hull[:, 1].max())
    pen.inside(hull, [box(-1, -0.1, 1, 0.26 * top)], shade(colour, -0.34))
    pen.inside(
        hull,
        [limb((-0.8, 0.66 * top, 0.035), (0, 0.6 * top, 0.035), (0.8, 0.78 * top, 0.035))],
        (248, 244, 234) if name != "white" else (60, 100, 170),
    )


def _sails(pen: Pen, dice: Dice) -> None:
    pen.poly(limb((0.04, 0.2, 0.03), (0.04, 1.0, 0.022)), (110, 80, 58))
    canvas = dice.pick(((248, 244, 232), (248, 244, 232), (232, 200, 150), (226, 110, 90), (120, 170, 210)))
    main = smooth([(0.0, 0.97), (0.0, 0.6), (0.0, 0.3), (-0.26, 0.29), (-0.48, 0.32), (-0.3, 0.62)], 3)
    pen.poly(main, canvas)
    pen.inside(
        main,
        [
            limb((-0.6, 0.46, 0.02), (0.1, 0.5, 0.02)),
            limb((-0.6, 0.66, 0.02), (0.1, 0.7, 0.02)),
            limb((-0.02, 0.2, 0.12), (-0.02, 1.0, 0.05)),
        ],
        shade(canvas, -0.14),
    )
    pen.poly(
        smooth([(0.075, 0.9), (0.08, 0.6), (0.08, 0.32), (0.34, 0.32), (0.54, 0.36), (0.28, 0.62)], 3),
        shade(canvas, -0.1),
    )
    pen.poly([(0.04, 1.0), (0.2, 0.97), (0.04, 0.94)], (206, 54, 50))


def _cabin(pen: Pen, colour: Colour, name: str) -> None:
    wall = (244, 238, 226) if name != "white" else (206, 160, 110)
    pen.poly(limb((-0.2, 0.7, 0.03), (-0.2, 1.0, 0.02)), (110, 80, 58))
    pen.poly(limb((-0.2, 0.96, 0.014), (0.62, 0.42, 0.014)), (110, 80, 58))
    pen.poly([(-0.2, 1.0), (-0.42, 0.95), (-0.2, 0.9)], (206, 54, 50))
    pen.poly(box(-0.4, 0.3, 0.12, 0.68), wall)
    pen.poly(box(-0.4, 0.3, -0.14, 0.68), shade(wall, -0.12))
    pen.poly(box(-0.46, 0.66, 0.18, 0.73), shade(colour, -0.2))
    pen.poly(ellipse(-0.06, 0.52, 0.06, count=16), (86, 110, 126))
    pen.poly(box(-0.6, 0.34, -0.46, 0.44), (170, 120, 80))
