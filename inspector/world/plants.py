"""Tree, palm and flower."""

import math

import numpy as np

from inspector.world.canvas import Pen, mix, shade
from inspector.world.classes import Colour
from inspector.world.dice import Dice
from inspector.world.shapes import ellipse, limb, moved, smooth, turn

BARK = (112, 80, 58)


def tree(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A leafy crown of round clumps (0, 1) or, when green, a fir (2)."""
    if variant == 2 and name == "green":
        return _fir(pen, mix(colour, (30, 84, 70), 0.55), dice)
    bark = shade(BARK, dice.uniform(-0.25, 0.12))
    trunk = smooth([(-0.085, 0), (-0.05, 0.2), (-0.045, 0.46), (0.045, 0.46), (0.055, 0.2), (0.1, 0)], 3)
    pen.poly(trunk, bark)
    pen.inside(trunk, [limb((0.07, 0, 0.07), (0.045, 0.5, 0.05))], shade(bark, -0.3))
    pen.polys([limb((0.0, 0.3, 0.05), (0.16, 0.52, 0.03)), limb((0.0, 0.34, 0.045), (-0.15, 0.54, 0.03))], bark)
    wide = dice.uniform(0.9, 1.12)
    clumps = [(-0.2, 0.52, 0.15), (0.2, 0.52, 0.15), (0.0, 0.5, 0.15), (-0.25, 0.67, 0.15), (0.25, 0.67, 0.15),
              (-0.13, 0.82, 0.15), (0.14, 0.82, 0.15), (0.0, 0.68, 0.22), (0.0, 0.87, 0.13)]  # fmt: skip
    moved = [
        (x * wide + dice.uniform(-0.02, 0.02), y + dice.uniform(-0.02, 0.02), r * dice.uniform(0.92, 1.1))
        for x, y, r in clumps
    ]
    pen.polys([_leafy(x, y - 0.02, r) for x, y, r in moved], shade(colour, -0.3))
    pen.polys([_leafy(x - 0.015, y + 0.015, r * 0.9) for x, y, r in moved], colour)
    pen.polys([ellipse(x - 0.05, y + 0.05, r * 0.52, r * 0.42, 25, 16) for x, y, r in moved[3:]], shade(colour, 0.14))
    if variant == 1:
        fruit = (206, 54, 50) if name in ("green", "yellow") else (246, 204, 66)
        pen.polys([ellipse(x, y - r * 0.35, 0.022, count=10) for x, y, r in moved[:8]], fruit)
    return None


def _leafy(x: float, y: float, r: float) -> np.ndarray:
    """A clump with a gently scalloped edge."""
    angles = [2 * math.pi * step / 36 for step in range(36)]
    return np.array([
        (x + r * (1 + 0.07 * round(math.cos(6 * a), 9)) * round(math.cos(a), 9),
         y + r * (1 + 0.07 * round(math.cos(6 * a), 9)) * round(math.sin(a), 9))
        for a in angles
    ])  # fmt: skip


def _fir(pen: Pen, colour: Colour, dice: Dice) -> None:
    pen.poly([(-0.05, 0), (0.05, 0), (0.04, 0.2), (-0.04, 0.2)], shade(BARK, -0.2))
    tiers = ((0.12, 0.37, 0.5), (0.32, 0.3, 0.7), (0.52, 0.23, 0.86), (0.7, 0.16, 1.0))
    for low, half, high in tiers:
        teeth = [(half * (1 - 2 * step / 8), low + (0.035 if step % 2 else 0)) for step in range(9)]
        outline = np.array([*teeth, (0, high)])
        pen.poly(outline, colour)
        pen.inside(
            outline,
            [np.array([(0.04, high), (0.03 + half * 0.2, low - 0.1), (0.6, low - 0.1), (0.5, high)])],
            shade(colour, -0.24),
        )
        pen.inside(
            outline, [np.array([(-half, low + 0.02), (-half * 0.55, low + 0.04), (0, high)])], shade(colour, 0.12)
        )


def palm(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A bent ringed trunk under a crown of arching fronds, with coconuts."""
    bend = dice.uniform(-0.12, 0.16)
    joints = [(bend * 2.2 * t * (1 - t) * 0.8 + bend * t, 0.76 * t, 0.105 - 0.045 * t) for t in (0, 0.25, 0.5, 0.75, 1)]
    bark = shade((158, 118, 80), dice.uniform(-0.25, 0.08))
    trunk = limb(*joints)
    pen.poly(trunk, bark)
    pen.inside(
        trunk, [limb((-0.3, y, 0.014), (0.5, y - 0.02, 0.014)) for y in np.linspace(0.06, 0.72, 10)], shade(bark, -0.28)
    )
    top = (joints[-1][0], 0.76)
    tint = mix(colour, dice.pick([(120, 170, 60), (40, 120, 80), (150, 160, 70)]), dice.uniform(0.1, 0.5))
    spread = dice.uniform(0.95, 1.08)
    fronds = [(172, -0.36), (8, -0.36), (150, 0.0), (30, 0.0), (-18, -0.44), (198, -0.44), (122, 0.2), (58, 0.2)]
    for index, (angle, droop) in enumerate(fronds):
        tone = shade(tint, -0.32 if index in (4, 5) else -0.1 if index % 2 else 0.06)
        pen.poly(_frond(top, angle + dice.uniform(-6, 6), 0.47 * spread, droop), tone)
    pen.polys([ellipse(top[0] + dx, top[1] - 0.03, 0.038, count=12) for dx in (-0.045, 0.04)], (92, 62, 44))


def _frond(top: tuple[float, float], angle: float, length: float, droop: float) -> np.ndarray:
    """A leaf that rises along `angle` and hangs at its tip; its lower edge is cut into leaflets."""
    upper, lower = [], []
    down = 0.5 * length
    for step in range(8):
        t = step / 7
        x = length * t * math.cos(math.radians(angle)) * (1.12 - 0.12 * t)
        y = length * t * math.sin(math.radians(angle)) + 0.1 * t - down * t * t * (1 + max(droop, -0.3) * 0.4)
        width = 0.085 * math.sin(math.pi * min(1, 0.16 + t * 0.84))
        upper.append((top[0] + x, top[1] + y + width * 0.6))
        lower.append((top[0] + x, top[1] + y - width * (1.15 if step % 2 else 0.35)))
    return np.round(np.array(upper + lower[::-1]), 9)


def flower(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A daisy (0), a tulip (1) or a sunflower (2), with stem and leaves."""
    if variant == 2:
        _daisy(pen, colour, name, dice.uniform(-7, 7), 14, 0.52)
    elif variant == 1:
        _tulip(pen, colour)
    else:
        _daisy(pen, colour, name, dice.uniform(-7, 7), 8, 0.34)


def _stem(pen: Pen, high: float, lean: float, leaf: float) -> tuple[float, float]:
    green = (84, 150, 70)
    tip = (-lean / 60 * high, high)
    pen.poly(limb((0, 0, 0.045), (tip[0] / 2 + 0.015, high / 2, 0.04), (*tip, 0.034)), shade(green, -0.16))
    blade = smooth([(0, 0), (0.08, 0.12), (0.24, 0.2), (0.2, 0.1), (0.1, 0.02)], 3) * leaf
    pen.poly(moved(blade, 0, 0.1 * high), green)
    pen.poly(moved(blade * (-1, 1), 0, 0.2 * high), shade(green, 0.12))
    return tip


def _daisy(pen: Pen, colour: Colour, name: str, lean: float, petals: int, core: float) -> None:
    """`petals` around a heart of `core` times the flower's radius."""
    radius = 0.29
    cx, cy = _stem(pen, 1 - radius, lean, 1.1)
    broad = 2.2 / petals
    petal = smooth([(0.05, 0), (0.5, broad), (0.95, broad * 0.7), (0.95, -broad * 0.7), (0.5, -broad)], 3) * radius
    if petals > 8:
        petal = smooth([(0.05, 0), (0.6, broad), (1.05, 0), (0.6, -broad)], 3) * radius
    step = 360 / petals
    pen.polys([moved(turn(petal, step * (index + 0.5)), cx, cy) for index in range(petals)], shade(colour, -0.22))
    pen.polys([moved(turn(petal * 1.04, step * index), cx, cy) for index in range(petals)], colour)
    heart = (250, 196, 70) if name not in ("yellow", "orange") and petals == 8 else (112, 70, 44)
    pen.poly(ellipse(cx, cy, radius * core), shade(heart, -0.2))
    pen.poly(ellipse(cx - 0.01, cy + 0.012, radius * core * 0.82), heart)


def _tulip(pen: Pen, colour: Colour) -> None:
    cx, cy = _stem(pen, 0.6, 0, 1.3)
    cup = smooth([(-0.06, -0.02), (-0.2, 0.1), (-0.21, 0.3), (-0.12, 0.24), (0.0, 0.34), (0.12, 0.24), (0.21, 0.3),
                  (0.2, 0.1), (0.06, -0.02)], 3)  # fmt: skip
    front = smooth([(-0.05, 0), (-0.12, 0.14), (0, 0.36), (0.12, 0.14), (0.05, 0)], 3)
    gleam = smooth([(-0.03, 0.06), (-0.06, 0.15), (-0.02, 0.26), (-0.01, 0.14)], 3)
    for petal, light in ((cup, -0.16), (front, 0.0), (gleam, 0.24)):
        pen.poly(moved(1.15 * petal, cx, cy), shade(colour, light) if light else colour)
