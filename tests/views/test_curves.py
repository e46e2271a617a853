"""Charts with bands: every curve, band and name is on the picture, at a width that a page shows."""

import numpy as np
import pytest

from inspector.views import curves
from inspector.views.curves import Band, Chart, Curve


def a_band(*made: Curve, charts: int = 1, falling: bool = False) -> Band:
    return Band("What it shows", [Chart("model", made, "t", "AP", falling)] * charts)


def share(image: np.ndarray, color: str, far: int = 24) -> float:
    """Share of the pixels that are about a colour."""
    wanted = np.array(list(bytes.fromhex(color[1:])))
    return float((np.abs(image.astype(int) - wanted).max(-1) <= far).mean())


def middle(image: np.ndarray, color: str) -> tuple[float, float]:
    """Mean (x, y) of the pixels of a colour."""
    rows, columns = np.nonzero(np.abs(image.astype(int) - list(bytes.fromhex(color[1:]))).max(-1) <= 24)
    return float(columns.mean()), float(rows.mean())


RISING = Curve("rising", (1, 101, 701), (0.1, 0.2, 0.9), (0.05, 0.1, 0.2), slot=0)
FLAT = Curve("flat", (1, 101, 701), (0.5, 0.5, 0.5), None, slot=5)


def test_the_picture_is_as_wide_as_said_and_the_same_twice() -> None:
    image = curves.draw([a_band(RISING, FLAT, charts=2), a_band(FLAT, charts=2)])
    assert image.dtype == np.uint8
    assert image.shape[1:] == (round(curves.WIDTH * curves.DPI), 3)
    assert np.array_equal(image, curves.draw([a_band(RISING, FLAT, charts=2), a_band(FLAT, charts=2)]))
    assert (image[0, 0] == 255).all()


def test_every_curve_has_its_colour_and_its_band() -> None:
    blue, red = curves._COLORS[0], curves._COLORS[5]
    whole = curves.draw([a_band(RISING, FLAT)])
    assert share(whole, blue) > 1e-3
    assert share(whole, red) > 1e-3
    bare = curves.draw([a_band(Curve("rising", RISING.x, RISING.y, None), FLAT)])
    shaded = "#" + "".join(f"{round(255 - 0.14 * (255 - channel)):02x}" for channel in bytes.fromhex(blue[1:]))
    assert share(whole, shaded, far=3) > share(bare, shaded, far=3) + 0.01


def test_a_falling_axis_puts_low_values_to_the_right() -> None:
    late = Curve("late", (601, 701), (0.5, 0.5), None, slot=0)
    early = Curve("early", (1, 101), (0.5, 0.5), None, slot=5)
    for falling in (False, True):
        plot = curves.draw([a_band(late, early, falling=falling)])[128:-88]
        assert (middle(plot, curves._COLORS[0])[0] < middle(plot, curves._COLORS[5])[0]) == falling


def test_charts_of_a_band_share_their_scale() -> None:
    high = Chart("high", [Curve("one", (1, 2), (0.9, 0.9), None, slot=5)], "t", "AP")
    low = Chart("low", [Curve("other", (1, 2), (0.1, 0.1), None, slot=0)], "t", "AP")
    plot = curves.draw([Band("Both", [high, low])])[128:-88]
    assert middle(plot, curves._COLORS[5])[1] < middle(plot, curves._COLORS[0])[1] - 100


@pytest.mark.parametrize("count", [1, 4, 6, 7])
def test_every_name_is_in_the_legend(count: int) -> None:
    """Each more name adds ink of its own colour above the plot, though all curves are the same."""
    made = [Curve(f"curve {place}", (1, 2), (0.5, 0.6), None, slot=place) for place in range(count)]
    image = curves.draw([a_band(*made)])
    legend = image[: round((curves._TITLE + 0.17 * -(-count // 3)) * curves.DPI)]
    for place in range(count):
        assert share(legend, curves._COLORS[place]) > 1e-4, place
