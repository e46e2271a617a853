"""Paints grounds: grass, road, sand, sea and snow, with what grows or is painted on them."""

import numpy as np

from inspector.world.backdrop import Backdrop, Region
from inspector.world.canvas import Canvas, mix, shade
from inspector.world.classes import CLASS_IDS, Colour
from inspector.world.dice import Dice
from inspector.world.shapes import Points, moved

# Strokes about their place, y down, in units of their size.
WAVE = np.array([(-1, 0), (-0.4, -1.4), (0, -0.4), (0.5, -1.4), (1, 0), (0.5, 0.3), (0, 1), (-0.4, 0.3)])
TUFT = np.array([(-1, 0), (-1.1, -1.2), (-0.35, -0.5), (0.1, -1.8), (0.4, -0.5), (1.2, -1.3), (1, 0)])
DRIFT = np.array([(-1, 0), (-1 / 3, -1), (0.5, -0.8), (1, 0), (1 / 3, -0.1)])


def gradient(canvas: Canvas, top: Colour, bottom: Colour, start: float, stop: float) -> np.ndarray:
    """A vertical gradient between two heights: uint8 (side, 3)."""
    levels = (np.arange(canvas.side) + 0.5) / canvas.side
    share = np.clip((levels - start) / max(stop - start, 0.01), 0, 1)[:, None]
    return (np.array(top) * (1 - share) + np.array(bottom) * share + 0.5).astype(np.uint8)


def paint_ground(canvas: Canvas, region: Region, backdrop: Backdrop, dice: Dice) -> None:
    """One ground with its texture of strokes: road marks, waves, tufts, ripples or drifts."""
    horizon = backdrop.horizon
    start = max(float(region.top[:, 1].min()), horizon)
    faded = mix(region.tone, backdrop.air, 0.42 if horizon > 0 else 0.12)
    far = mix(faded, region.tone, min(1.0, 1.4 * (start - horizon) / (1.02 - horizon)))
    rows = gradient(canvas, far, region.tone, max(start, 0.0), 1.0)
    ident = CLASS_IDS[region.word]
    if region.path:
        vanish, left, right = region.path
        outline = np.array([(vanish - 0.004, horizon), (vanish + 0.004, horizon), (right, 1.02), (left, 1.02)])
        if horizon < 0:
            outline[:2, 0] += (-0.004, 0.004)
    else:
        low = region.bottom[::-1] if region.bottom is not None else np.array([(1.05, 1.05), (-0.05, 1.05)])
        outline = np.concatenate([region.top, low])
    canvas.region(outline, rows, ident)
    if region.word == "road":
        _road_marks(canvas, region, horizon)
    elif region.word == "sea":
        _waves(canvas, region, backdrop, dice)
    else:
        _growth(canvas, region, horizon, dice)


def _road_marks(canvas: Canvas, region: Region, horizon: float) -> None:
    """Edge lines and a dashed middle line."""
    if region.path:
        marks = _path_marks(region.path, horizon)
    elif region.bottom is not None:
        marks = _lane_marks(region.top, region.bottom)
    else:
        top = max(float(region.top[:, 1].max()), horizon)
        y = top + (1 - top) * 0.42
        dashes = np.arange(-0.06, 1, 0.25)
        marks = [[(x, y), (x + 0.13, y), (x + 0.12, y + 0.022), (x - 0.012, y + 0.022)] for x in dashes]
        if region.top[0, 1] > 0:
            marks.append(np.concatenate([moved(region.top, 0, 0.012), moved(region.top[::-1], 0, 0.026)]))
    canvas.fill([canvas.corners(mark) for mark in marks], mix((246, 240, 220), region.tone, 0.25), None)


def _path_marks(path: tuple[float, float, float], horizon: float) -> list[Points]:
    """On a road to the horizon, narrowing with distance."""
    vanish, left, right = path

    def at(across: float, depth: float) -> tuple[float, float]:
        foot = left + (right - left) * across
        return vanish + (foot - vanish) * depth, horizon + (1.02 - horizon) * depth

    dashes = ((0.06, 0.09), (0.12, 0.17), (0.22, 0.3), (0.39, 0.52), (0.66, 0.86))
    marks: list[Points] = [[at(0.48, a), at(0.52, a), at(0.52, b), at(0.48, b)] for a, b in dashes]
    return marks + [[at(a, 0.02), at(a + 0.022, 0.02), at(a + 0.022, 1), at(a, 1)] for a in (0.04, 0.94)]


def _lane_marks(top: np.ndarray, bottom: np.ndarray) -> list[Points]:
    """On a road across the picture, between two slanting edges."""
    (ax, ay), (bx, by) = top[0], top[-1]
    cy, dy = bottom[0, 1], bottom[-1, 1]

    def at(across: float, down: float) -> tuple[float, float]:
        high, low = ay + (by - ay) * across, cy + (dy - cy) * across
        return ax + (bx - ax) * across, high + (low - high) * down

    dashes = np.arange(0.02, 1, 0.17)
    marks: list[Points] = [[at(u, 0.47), at(u + 0.09, 0.47), at(u + 0.086, 0.54), at(u - 0.004, 0.54)] for u in dashes]
    return marks + [[at(0, v), at(1, v), at(1, v + 0.025), at(0, v + 0.025)] for v in (0.05, 0.92)]


def _spots(canvas: Canvas, region: Region, horizon: float, dice: Dice, count: int) -> list[tuple[float, float, float]]:
    """Places (x, y, size) on a region, smaller towards the horizon."""
    ident, side = CLASS_IDS[region.word], canvas.side
    places = []
    for _ in range(count):
        depth = dice.unit() ** 0.75
        x, y = dice.unit(), max(horizon, 0) + (1 - max(horizon, 0)) * depth
        if canvas.ids[min(int(y * side), side - 1), min(int(x * side), side - 1)] == ident:
            places.append((x, y, max(0.12, (y - horizon) / (1 - horizon))))
    return places


def _waves(canvas: Canvas, region: Region, backdrop: Backdrop, dice: Dice) -> None:
    for tone in (shade(region.tone, 0.26), shade(region.tone, -0.16)):
        strokes = []
        for x, y, size in _spots(canvas, region, backdrop.horizon, dice, 26):
            strokes.append(moved(WAVE * (0.085 * size * dice.uniform(0.6, 1.4), 0.008 * size), x, y))
        for stroke in strokes:
            canvas.fill([canvas.corners(stroke)], tone, None)


def _growth(canvas: Canvas, region: Region, horizon: float, dice: Dice) -> None:
    """Tufts on grass, ripples on sand, drifts on snow."""
    tones = {
        "grass": (shade(region.tone, 0.14), shade(region.tone, -0.16)),
        "sand": (shade(region.tone, -0.1),) * 2,
        "snow": (mix(region.tone, (176, 200, 232), 0.4),) * 2,
    }[region.word]
    shape, wide, high = {"grass": (TUFT, 0.02, 0.02), "sand": (DRIFT, 0.06, 0.007), "snow": (DRIFT, 0.12, 0.02)}[
        region.word
    ]
    places = _spots(canvas, region, horizon, dice, 44 if region.word == "grass" else 22)
    for index, (x, y, size) in enumerate(places):
        stroke = moved(shape * (wide * size, high * size), x, y)
        canvas.fill([canvas.corners(stroke)], tones[index % 2], None)
