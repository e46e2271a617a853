"""Paints a backdrop: sky, sun, clouds and mountain; the grounds are `grounds`' work."""

import numpy as np

from inspector.world.backdrop import MOUNTAIN_TONES, SKIES, Backdrop
from inspector.world.canvas import Canvas, Pen, mix, shade
from inspector.world.classes import CLASS_IDS
from inspector.world.dice import Dice
from inspector.world.grounds import gradient, paint_ground
from inspector.world.shapes import ellipse, smooth

FULL = np.array([(-0.05, -0.05), (1.05, -0.05), (1.05, 1.05), (-0.05, 1.05)])


def paint(canvas: Canvas, backdrop: Backdrop, dice: Dice) -> None:
    """Everything but the things."""
    top, bottom = SKIES[backdrop.sky]
    canvas.region(FULL, gradient(canvas, top, bottom, 0.0, max(backdrop.horizon, 0.2)), CLASS_IDS["sky"])
    if backdrop.sun:
        _sun(canvas, backdrop)
    for place in backdrop.clouds:
        _cloud(canvas, place, backdrop, dice)
    if backdrop.mountain is not None:
        _mountain(canvas, backdrop, dice)
    for region in backdrop.regions:
        paint_ground(canvas, region, backdrop, dice)


def _sun(canvas: Canvas, backdrop: Backdrop) -> None:
    assert backdrop.sun is not None
    x, y, radius = backdrop.sun
    top, bottom = SKIES[backdrop.sky]
    colour = {"blue": (255, 226, 110), "orange": (255, 236, 170), "pink": (255, 226, 190)}[backdrop.sky]
    behind = mix(top, bottom, min(1, y / max(backdrop.horizon, 0.2)))
    for scale, share in ((2.0, 0.12), (1.65, 0.22), (1.32, 0.36)):
        canvas.fill([canvas.corners(ellipse(x, y, radius * scale, count=40))], mix(behind, colour, share), None)
    canvas.fill([canvas.corners(ellipse(x, y, radius, count=40))], colour, CLASS_IDS["sun"])
    canvas.fill(
        [canvas.corners(ellipse(x - radius * 0.12, y - radius * 0.12, radius * 0.74, count=32))],
        shade(colour, 0.4),
        None,
    )


def _cloud(canvas: Canvas, place: tuple[float, float, float], backdrop: Backdrop, dice: Dice) -> None:
    x, y, width = place
    white = mix((252, 252, 254), SKIES[backdrop.sky][1], {"dark": 0.62, "grey": 0.12}.get(backdrop.sky, 0.22))
    under = mix(white, SKIES[backdrop.sky][0], 0.3)
    pen = Pen(canvas, x, y, width, dice.pick((1, -1)), canvas.new_id("cloud"))
    bumps = [(-0.34, 0.06, 0.13), (-0.16, 0.14, 0.17), (0.06, 0.18, 0.2), (0.26, 0.1, 0.15), (0.4, 0.05, 0.1)]
    bumps = [(bx, by * dice.uniform(0.8, 1.2), r * dice.uniform(0.85, 1.15)) for bx, by, r in bumps]
    base = np.array([(-0.47, 0.03), (-0.42, -0.05), (0.42, -0.05), (0.5, 0.03), (0.3, 0.12), (-0.3, 0.12)])
    pen.poly(smooth(base, 3), under)
    pen.polys([ellipse(bx, by, r) for bx, by, r in bumps], under)
    pen.polys([ellipse(bx - 0.01, by + 0.025, r * 0.9) for bx, by, r in bumps], white)


def _mountain(canvas: Canvas, backdrop: Backdrop, dice: Dice) -> None:
    assert backdrop.mountain is not None
    name, line = backdrop.mountain
    floor = max(backdrop.horizon, 0.1) + 0.03
    near = mix(MOUNTAIN_TONES[name], backdrop.air, 0.18)
    ident = CLASS_IDS["mountain"]
    outline = np.concatenate([line, [(1.06, floor), (-0.06, floor)]])
    top = float(line[:, 1].min())
    canvas.region(outline, gradient(canvas, near, mix(near, backdrop.air, 0.34), max(top, 0.0), floor), ident)
    body = canvas.corners(outline)
    capped = name != "green" and dice.chance(0.7)
    if top < 0:  # it fills the picture: a nearer range gives it a shape
        front = np.concatenate([line * (1, 0.35) + (0.07, 0.72 * floor), [(1.2, floor), (-0.06, floor)]])
        front[0, 0] = -0.06
        canvas.region(front, gradient(canvas, shade(near, -0.2), shade(near, -0.02), 0.3 * floor, floor), ident)
        return
    for index in range(1, len(line) - 1, 2):
        x, y = line[index]
        foot = line[index + 1][0]
        depth = floor - y
        face = [
            (x, y),
            (x + 0.03, y + 0.3 * depth),
            (x - 0.02, y + 0.6 * depth),
            (x + 0.05, floor),
            (foot + 0.12, floor),
            (foot, line[index + 1][1]),
        ]
        canvas.inside(body, [canvas.corners(face)], mix(shade(near, -0.2), backdrop.air, 0.12))
        if capped:
            _snow_cap(canvas, body, (x, y), depth, backdrop)


def _snow_cap(canvas: Canvas, body: np.ndarray, peak: tuple[float, float], depth: float, backdrop: Backdrop) -> None:
    """White on the upper third of a peak, bluish on its lee side."""
    x, y = peak
    low = y + depth * 0.3
    cap = [(x - 0.3, y - 0.02), (x + 0.3, y - 0.02), (x + 0.2, low - 0.02), (x + 0.1, low + 0.02),
           (x + 0.04, low - 0.03), (x - 0.03, low + 0.02), (x - 0.09, low - 0.02), (x - 0.2, low + 0.01)]  # fmt: skip
    canvas.inside(body, [canvas.corners(cap)], mix((250, 250, 252), backdrop.air, 0.2))
    lee = [(x, y), (x + 0.02, low + 0.01), (x + 0.1, low + 0.01), (x + 0.3, low - 0.02), (x + 0.3, y)]
    canvas.inside(body, [canvas.corners(lee)], mix((206, 216, 234), backdrop.air, 0.2))
