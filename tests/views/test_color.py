"""Colour maps against matplotlib's end colours, the palette against simulated colour blindness."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views import color

# Machado, Oliveira and Fernandes 2009, severity 1: protan, deutan, tritan; rows act on linear RGB.
BLINDNESS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB (n, 3) of linear sRGB (n, 3), D65."""
    ratio = np.clip(linear, 0, 1) @ np.transpose(TO_XYZ) / [0.95047, 1, 1.08883]
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def linear(colors: np.ndarray) -> np.ndarray:
    scaled = np.asarray(colors, float) / 255
    return np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)


def smallest_distance(colors: np.ndarray, blindness: str) -> float:
    seen = lab(linear(colors) @ np.transpose(BLINDNESS[blindness]))
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    return float(distances[np.triu_indices(len(seen), 1)].min())


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize(("count", "least"), [(8, 16.0), (16, 13.5), (32, 7.5)])
def test_label_colours_stay_apart_for_everyone(count: int, least: float, blindness: str) -> None:
    assert smallest_distance(color.palette(count), blindness) >= least


def test_the_palette_has_32_colours_and_then_repeats() -> None:
    assert len({tuple(item) for item in color.palette(32)}) == 32
    assert (color.palette(40)[32:] == color.palette(8)).all()
    assert color.palette(0).shape == (0, 3)


@pytest.mark.parametrize("name", [name for name in color.SEQUENTIAL if name != "turbo"])
def test_lightness_only_rises(name: str) -> None:
    """What jet does not do, and turbo, which nobody gets who does not ask for it."""
    assert color.SEQUENTIAL[0] != "turbo"
    lightness = lab(linear(color.lut(name)))[:, 0]
    assert (np.diff(lightness) > -0.3).all()
    assert lightness[-1] - lightness[0] > 60


def test_colorize_takes_the_ends_and_clips() -> None:
    table = color.lut("viridis")
    pixels = color.colorize(np.array([[0.0, 10.0, 5.0], [-3.0, 99.0, np.nan]]), 0, 10)
    expected = [[table[0], table[255], table[128]], [table[0], table[255], table[0]]]
    assert pixels.dtype == np.uint8
    assert (pixels == expected).all()


def test_a_flat_map_takes_the_lower_end() -> None:
    assert (color.colorize(np.ones((2, 2)), 1, 1) == color.lut("viridis")[0]).all()


def test_diverging_is_light_at_zero_and_unlike_at_its_ends() -> None:
    pixels = color.colorize(np.array([[-1.0, 0.0, 1.0]]), -1, 1, "diverging")[0].astype(int)
    assert pixels[1].min() > 235
    assert pixels[0][2] > pixels[0][0]
    assert pixels[2][0] > pixels[2][2]


def test_an_unknown_map_lists_the_known_ones() -> None:
    with pytest.raises(ChoiceError, match=r"'jet'; use one of viridis, cividis"):
        color.lut("jet")
