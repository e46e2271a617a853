"""The last touches at the final size: texture, soft relief, ground shadows, light, vignette, camera noise.

Whole numbers throughout (OpenCV's unnormalised box sums, numpy int16), so every machine agrees.
"""

from functools import lru_cache

import cv2
import numpy as np

from inspector.world.backdrop import LIGHTS
from inspector.world.classes import CLASS_IDS

AMPLITUDES = {"grass": 9, "sand": 6, "sea": 8, "snow": 4, "road": 5, "mountain": 6, "tree": 9, "palm": 7, "sheep": 6}
RELIEF = 26
SHADOW = 52


@lru_cache(maxsize=4)
def _tiles(size: int) -> dict[str, np.ndarray]:
    """Signed textures by word: int16 (1.5 size, 2 size); ground ones grow coarser downwards."""
    base = 256
    source = np.random.Generator(np.random.PCG64(7)).integers(0, 256, (512, 512), dtype=np.uint8)
    tall, wide = 3 * base // 2, 2 * base
    depth = (np.arange(tall) + 0.5)[:, None] / base
    across = (np.arange(wide) + 0.5)[None] / base - 1.0
    # cells per picture along and across: grass is tall strokes, sea is long ones
    cells = {"grass": (60, 90), "sand": (80, 70), "sea": (90, 14), "snow": (16, 8), "road": (120, 110)}
    tiles = {}
    for shift, (word, (rows, columns)) in enumerate(cells.items()):
        down = np.round(rows * 0.5 * depth / (depth + 0.35) * 2.2, 6)
        along = np.round(columns * across / (0.35 + depth), 6)
        tiles[word] = _sample(source, down + 61 * shift, along + 300)
    blobs = _sample(source, np.round(depth * 42, 6) + 0 * across, np.round(across * 42, 6) + 0 * depth + 100)
    for word in ("mountain", "tree", "palm", "sheep"):
        tiles[word] = blobs
    scaled = {}
    for word, tile in tiles.items():
        shape = (2 * size, 3 * size // 2)
        small = cv2.resize(tile, shape, interpolation=cv2.INTER_AREA if size <= base else cv2.INTER_LINEAR)
        scaled[word] = ((small.astype(np.int16) - 128) * AMPLITUDES[word] // 128).astype(np.int16)
    return scaled


def _sample(source: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Smoothly interpolated value noise at fractional cells: uint8."""
    rows, columns = np.broadcast_arrays(rows, columns)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    corner = [source[(top + i) % 512, (left + j) % 512].astype(float) for i in (0, 1) for j in (0, 1)]
    upper = corner[0] * (1 - right) + corner[1] * right
    lower = corner[2] * (1 - right) + corner[3] * right
    return np.floor(upper * (1 - down) + lower * down + 1e-6).astype(np.uint8)


@lru_cache(maxsize=4)
def _noise(size: int) -> np.ndarray:
    """Camera noise of standard deviation 1.6: int16 (size + 64, size + 64)."""
    draws = np.random.Generator(np.random.PCG64(11)).integers(0, 4, (4, size + 64, size + 64), dtype=np.int16)
    return (draws.sum(0) - 6).astype(np.int16) * 3 // 4


@lru_cache(maxsize=4)
def _vignette(size: int) -> np.ndarray:
    """Darkening towards the corners: int16 (size, size), at most 16."""
    line = (2 * np.arange(size) + 1 - size).astype(np.int64)
    square = line[:, None] ** 2 + line[None] ** 2
    return (-(square * square * 16) // (4 * size**4)).astype(np.int16)


def _box(values: np.ndarray, radius: int) -> np.ndarray:
    """Sums over a square window: int32."""
    width = 2 * radius + 1
    return cv2.boxFilter(values, cv2.CV_32S, (width, width), normalize=False, borderType=cv2.BORDER_REPLICATE)


def _soften(mask: np.ndarray, radius: int, peak: int) -> np.ndarray:
    """A 0/1 mask blurred to int32 between 0 and `peak`."""
    return _box(mask, radius) * peak // (2 * radius + 1) ** 2


def relief(things: np.ndarray, size: int) -> np.ndarray:
    """Light from the upper left on a 0/1 mask, as if things were soft and raised: int32 (h, w)."""
    radius = max(2, size // 28)
    soft = np.pad(_soften(things, radius, RELIEF * 3), radius, mode="edge")
    lit = soft[2 * radius :, 2 * radius :] - soft[: -2 * radius, : -2 * radius]
    return lit * things // 3


def finish(
    image: np.ndarray, words: np.ndarray, shadows: np.ndarray, light: str, horizon: float, shift: int
) -> np.ndarray:
    """image uint8 (h, w, 3), words = class ids uint8 (h, w), shadows 0/1 uint8 (h, w) -> uint8 (h, w, 3)."""
    size = len(image)
    total = np.zeros((size, size), np.int16)
    tiles = _tiles(size)
    start = int(-min(horizon, 0.0) * size * 0.4)
    column = shift % size
    present = np.bincount(words.ravel(), minlength=256)
    ground = np.zeros(256, np.uint8)
    for word, tile in tiles.items():
        ident = CLASS_IDS[word]
        if present[ident]:
            row = max(int(horizon * size), 0) if word in ("grass", "sand", "sea", "snow", "road") else 0
            offset = start if row == 0 else 0
            window = np.zeros((size, size), np.int16)
            window[row:] = tile[offset : offset + size - row, column : column + size]
            cv2.copyTo(window, (words == ident).view(np.uint8), total)
    ground[[CLASS_IDS[word] for word in ("grass", "road", "sand", "sea", "snow")]] = 1
    on_ground = cv2.LUT(words, ground)
    if shadows.any():
        total -= (_soften(shadows, max(1, size // 64), SHADOW) * on_ground).astype(np.int16)
    solid = np.zeros(256, np.uint8)
    solid[CLASS_IDS["car"] : len(CLASS_IDS) + 1] = 1
    solid[CLASS_IDS["cloud"]] = 1
    total += relief(cv2.LUT(words, solid), size).astype(np.int16)
    corner = (shift // 64) % 64
    total += _vignette(size) + _noise(size)[shift % 64 : shift % 64 + size, corner : corner + size]
    return np.clip(_tinted(image, light).astype(np.int16) + total[..., None], 0, 255).astype(np.uint8)


@lru_cache(maxsize=8)
def _curve(light: str) -> np.ndarray:
    levels = np.arange(256)[:, None]
    return np.minimum(levels * np.array(LIGHTS[light]) // 256, 255).astype(np.uint8).reshape(1, 256, 3)


def _tinted(image: np.ndarray, light: str) -> np.ndarray:
    return image if light == "day" else cv2.LUT(image, _curve(light))
