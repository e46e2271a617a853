"""How coarse a map is, by hand on waves and blocks."""

import math

import numpy as np
import pytest

from inspector.analysis.coarseness import excess, spectral_centroid


@pytest.mark.parametrize(("across", "down"), [(1, 0), (0, 3), (3, 4)])
def test_the_centroid_of_a_wave_is_its_frequency(across: int, down: int) -> None:
    rows, columns = np.indices((32, 16)) / np.array([32, 16])[:, None, None]
    wave = 5 + 0.1 * np.cos(2 * np.pi * (across * columns + down * rows))
    assert spectral_centroid(wave) == pytest.approx(math.hypot(across, down))


def test_the_centroid_weighs_by_power_and_knows_no_scale() -> None:
    columns = np.arange(32) / 32
    wave = np.cos(2 * np.pi * columns) + 2 * np.cos(2 * np.pi * 5 * columns)
    map_ = np.broadcast_to(wave, (32, 32))
    assert spectral_centroid(map_) == pytest.approx((1 * 1 + 4 * 5) / 5)
    assert spectral_centroid(1e-4 * map_ + 0.3) == pytest.approx(21 / 5)


def test_a_constant_map_has_no_centroid() -> None:
    assert math.isnan(spectral_centroid(np.full((8, 8), 0.3)))


def test_excess_by_hand() -> None:
    assert excess(np.ones((4, 4))) == pytest.approx(0)
    assert excess(np.array([[8.0, 0.0], [0.0, 0.0]])) == pytest.approx(0.75)  # all in one cell of four
    assert excess(np.array([[3.0, 3.0], [1.0, 1.0]])) == pytest.approx(0.25)
    assert math.isnan(excess(np.zeros((2, 2))))
