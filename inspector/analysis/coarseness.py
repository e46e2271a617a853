"""Coarseness of maps, for the hypothesis that attention goes from coarse to fine while a picture is denoised."""

import math

import numpy as np


def spectral_centroid(map_: np.ndarray) -> float:
    """Mean frequency of the power spectrum of a map (h, w), in cycles per picture; nan for a constant one.

    The power |FFT|^2 of the map less its mean weighs the frequency sqrt(fx^2 + fy^2), from 1 for one wave across the
    picture up to sqrt(h^2 + w^2) / 2. The map's scale does not matter. A discrete transform takes the picture for
    periodic, so a slope across it counts as some power at high frequencies, in every arm alike.
    """
    values = np.asarray(map_, np.float64)
    power = np.abs(np.fft.fft2(values - values.mean())) ** 2
    rows, columns = (np.fft.fftfreq(length, 1 / length) for length in values.shape)
    total = power.sum()
    if not total > 1e-24 * max(1.0, float(np.square(values).sum())):
        return math.nan
    return float((np.hypot(rows[:, None], columns[None]) * power).sum() / total)


def excess(map_: np.ndarray) -> float:
    """Share of a map's attention that lies above uniform, in [0, 1): sum of max(p - 1 / n, 0) over its n cells.

    p: the map divided by its sum. It is the total variation distance to the uniform map; nan for a map of zeros.
    """
    values = np.asarray(map_, np.float64)
    total = values.sum()
    return float(np.maximum(values / total - 1 / values.size, 0).sum()) if total > 0 else math.nan
