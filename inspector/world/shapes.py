"""Outlines as small float arrays (point, xy): smooth curves, limbs, circles, boxes."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

Points = Sequence[tuple[float, float]] | np.ndarray


@lru_cache(maxsize=64)
def _spline(count: int, steps: int) -> np.ndarray:
    """Weights (count * steps, count) of a closed Catmull-Rom curve through `count` points."""
    weights = np.zeros((count * steps, count))
    for point in range(count):
        for step in range(steps):
            t = step / steps
            row = weights[point * steps + step]
            row[(point - 1) % count] += -0.5 * t + t * t - 0.5 * t**3
            row[point] += 1 - 2.5 * t * t + 1.5 * t**3
            row[(point + 1) % count] += 0.5 * t + 2 * t * t - 1.5 * t**3
            row[(point + 2) % count] += -0.5 * t * t + 0.5 * t**3
    return weights


def smooth(points: Points, steps: int = 4) -> np.ndarray:
    """A closed smooth outline through the points: float (point, xy)."""
    return _spline(len(points), steps) @ np.asarray(points, float)


@lru_cache(maxsize=16)
def _circle(count: int) -> np.ndarray:
    angles = [2 * math.pi * index / count for index in range(count)]
    # Rounded so that the last bits of one machine's sine cannot move a pixel.
    return np.array([(round(math.cos(angle), 9), round(math.sin(angle), 9)) for angle in angles])


def ellipse(x: float, y: float, rx: float, ry: float | None = None, degrees: float = 0, count: int = 24) -> np.ndarray:
    """An ellipse's outline (count, xy), turned by `degrees`."""
    points = _circle(count) * (rx, rx if ry is None else ry)
    if degrees:
        points = turn(points, degrees)
    return moved(points, x, y)


def moved(points: np.ndarray, x: float, y: float) -> np.ndarray:
    """The points shifted by (x, y)."""
    return points + np.array((x, y))


def turn(points: Points, degrees: float, about: tuple[float, float] = (0, 0)) -> np.ndarray:
    """The points turned counter-clockwise about a pivot."""
    cos, sin = round(math.cos(math.radians(degrees)), 9), round(math.sin(math.radians(degrees)), 9)
    moved = np.asarray(points, float) - about
    turned = np.stack([moved[..., 0] * cos - moved[..., 1] * sin, moved[..., 0] * sin + moved[..., 1] * cos], -1)
    return turned + about


def limb(*joints: tuple[float, float, float]) -> np.ndarray:
    """A tapering band through (x, y, width) joints: (2 * joints, xy)."""
    left, right = [], []
    for index, (x, y, width) in enumerate(joints):
        before, after = joints[max(index - 1, 0)], joints[min(index + 1, len(joints) - 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        scale = width / 2 / (math.sqrt(dx * dx + dy * dy) or 1)
        left.append((x - dy * scale, y + dx * scale))
        right.append((x + dy * scale, y - dx * scale))
    return np.array(left + right[::-1])


def box(left: float, bottom: float, right: float, top: float) -> np.ndarray:
    """Four corners (4, xy)."""
    return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])


def rounded(left: float, bottom: float, right: float, top: float, radius: float) -> np.ndarray:
    """A box with round corners (20, xy)."""
    arc = _circle(16)
    corners = ((right, top, 0), (left, top, 4), (left, bottom, 8), (right, bottom, 12))
    parts = []
    for x, y, start in corners:
        inner = (x - radius if x == right else x + radius, y - radius if y == top else y + radius)
        parts.append(arc[[(start + step) % 16 for step in range(5)]] * radius + inner)
    return np.concatenate(parts)


def ridge(heights: Sequence[float], left: float = -0.02, right: float = 1.02, steps: int = 6) -> np.ndarray:
    """An open smooth line through equally spaced heights: (point, xy), x rising."""
    count = len(heights)
    padded = [heights[0], *heights, heights[-1], heights[-1]]
    line = []
    for index in range(count - 1):
        a, b, c, d = padded[index : index + 4]
        for step in range(steps):
            t = step / steps
            y = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
            line.append((left + (right - left) * (index + t) / (count - 1), y))
    line.append((right, heights[-1]))
    return np.array(line)
