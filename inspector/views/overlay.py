"""Overlays: heat, cut-outs and labels drawn over a picture; arrays in, a new array out."""

import cv2
import numpy as np

from inspector.views.color import colorize

BACKGROUND = np.array((128, 128, 128), np.uint8)


def enlarge(grid: np.ndarray, size: tuple[int, int], smooth: bool = True) -> np.ndarray:
    """A (h, w) or (h, w, 3) grid at `size` (h, w): bilinear, or nearest so that each cell stays a square."""
    if grid.dtype == bool or grid.dtype == np.int64:
        grid = grid.astype(np.uint8 if grid.dtype == bool else np.int32)
    elif grid.dtype == np.float16:
        grid = grid.astype(np.float32)
    mode = cv2.INTER_LINEAR if smooth and grid.dtype != np.int32 else cv2.INTER_NEAREST
    return cv2.resize(grid, (size[1], size[0]), interpolation=mode)


def picture(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A photograph at `size` (h, w): cubic when enlarged, area mean when shrunk."""
    if image.shape[:2] == tuple(size):
        return image.copy()
    mode = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(image, (size[1], size[0]), interpolation=mode)


def fit(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """The (h, w) of a picture of `shape` (h, w, ...) whose longer side becomes `side`."""
    scale = side / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def stroke_of(side: int, usual: int) -> int:
    """The stroke with which lines on a picture of `side` pixels look as they do on one of `usual`."""
    return max(1, round(side / usual))


def blend(image: np.ndarray, colors: np.ndarray, opacity: float) -> np.ndarray:
    """uint8 RGB (h, w, 3): `opacity` of `colors` over the rest of `image`."""
    return cv2.addWeighted(colors, float(opacity), image, 1 - float(opacity), 0)


def heat(
    image: np.ndarray,
    values: np.ndarray,
    low: float,
    high: float,
    colormap: str,
    opacity: float,
    fade: bool = False,
) -> np.ndarray:
    """Values (h, w) coloured from `low` to `high` over an image of the same size; fade: as `Look` says."""
    colors = colorize(values, low, high, colormap)
    if not fade:
        return blend(image, colors, opacity)
    alpha = np.float32(opacity) * _weight(values, low, high, colormap)[..., None]  # (h, w, 1)
    return (alpha * colors + (1 - alpha) * image + 0.5).astype(np.uint8)


def _weight(values: np.ndarray, low: float, high: float, colormap: str) -> np.ndarray:
    """w of `Look.fade`, float32 (h, w) in [0, 1]; 0 for NaN."""
    span = float(high) - float(low)
    if span <= 0:
        return np.zeros(values.shape, np.float32)
    share = (np.asarray(values, np.float32) - np.float32(low)) / np.float32(span)
    middle = 0.5 if colormap == "diverging" else 0.0
    known = np.clip(np.nan_to_num(share, nan=middle), 0, 1)
    return np.abs(2 * known - 1) if middle else known


def cut_out(image: np.ndarray, mask: np.ndarray, opacity: float = 0.8, stroke: int = 1) -> np.ndarray:
    """The image inside a bool (h, w) mask, faded to white by `opacity` outside, with the mask's borders in orange.

    The borders, outer and inner, have a thin dark edge, so that they read on any ground.
    stroke: how many times its usual width a line has, here and in what follows.
    """
    faded = blend(image, np.full_like(image, 255), opacity)
    out = np.where(mask[..., None], image, faded)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # A smooth line of OpenCV's is two pixels wider than it was told.
    out = cv2.drawContours(out, contours, -1, (0, 0, 0), 6 * stroke - 2, cv2.LINE_AA)
    return cv2.drawContours(out, contours, -1, (213, 94, 0), 4 * stroke - 2, cv2.LINE_AA)


def label_map(
    image: np.ndarray, labels: np.ndarray, colors: np.ndarray, opacity: float = 0.6, stroke: int = 1
) -> np.ndarray:
    """Labels (h, w) over an image of the same size: label i takes colors[i], borders are drawn light.

    colors: uint8 (label, 3), one for every value in `labels`.
    """
    out = blend(image, colors[labels], opacity)
    edge = np.zeros(labels.shape, np.uint8)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:, :] |= labels[1:, :] != labels[:-1, :]
    edge = cv2.dilate(edge, np.ones((stroke, stroke), np.uint8)).astype(bool)
    out[edge] = (255 - (255 - out[edge].astype(np.uint16)) // 3).astype(np.uint8)
    return out
