"""Overlays on pictures small enough to count."""

import numpy as np
import pytest

from inspector.results import resize_maps
from inspector.views import overlay
from inspector.views.color import lut

GREY = np.full((8, 8, 3), 100, np.uint8)


def test_opacity_runs_from_picture_to_colour() -> None:
    colors = np.full((8, 8, 3), 200, np.uint8)
    assert (overlay.blend(GREY, colors, 0) == 100).all()
    assert (overlay.blend(GREY, colors, 1) == 200).all()
    assert (overlay.blend(GREY, colors, 0.25) == 125).all()


def test_a_fading_map_leaves_what_is_low_as_it_is() -> None:
    values = np.array([[0.0, 1.0, 2.0, 4.0, 9.0, np.nan]])
    image = np.full((1, 6, 3), 100, np.uint8)
    faded = overlay.heat(image, values, 0, 4, "grey", 0.5, fade=True)
    # 0; then 100 + 0.5 * w * (the colour - 100) for w = 1/4, 1/2, 1 and colours 64, 128, 255; NaN is nothing.
    assert faded[0, :, 0].tolist() == [100, 96, 107, 178, 178, 100]
    assert (overlay.heat(image, values, 0, 0, "grey", 0.5, fade=True) == 100).all()


def test_of_signed_values_zero_fades() -> None:
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    image = np.full((1, 5, 3), 100, np.uint8)
    table = lut("diverging").astype(float)
    faded = overlay.heat(image, values, -2, 2, "diverging", 0.8, fade=True)
    assert (faded[0, 2] == 100).all()
    assert np.abs(faded[0, 0] - (20 + 0.8 * table[0])).max() <= 1
    assert np.abs(faded[0, 1] - (60 + 0.4 * table[64])).max() <= 1
    assert np.abs(faded[0, 4] - (20 + 0.8 * table[255])).max() <= 1


def test_nothing_is_drawn_into_what_was_given() -> None:
    before, mask = GREY.copy(), np.eye(8, dtype=bool)
    for drawn in (
        overlay.heat(GREY, np.ones((8, 8)), 0, 1, "viridis", 0.6),
        overlay.heat(GREY, np.ones((8, 8)), 0, 1, "viridis", 0.6, fade=True),
        overlay.cut_out(GREY, mask),
        overlay.label_map(GREY, mask.astype(int), np.array([[0, 0, 0], [255, 0, 0]], np.uint8)),
        overlay.picture(GREY, (8, 8)),
    ):
        assert drawn is not GREY
        assert drawn.dtype == np.uint8
        drawn[:] = 0
    assert (before == GREY).all()


def test_cells_stay_squares_and_smooth_maps_agree_with_the_results() -> None:
    grid = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    cells = overlay.enlarge(grid, (4, 4), smooth=False)
    assert (cells == np.repeat(np.repeat(grid, 2, 0), 2, 1)).all()
    assert np.allclose(overlay.enlarge(grid, (4, 6)), resize_maps(grid, (4, 6)))


def test_labels_are_never_mixed_into_new_ones() -> None:
    labels = np.array([[0, 30], [7, 0]], np.int32)
    assert set(np.unique(overlay.enlarge(labels, (9, 9)))) == {0, 7, 30}


def test_cut_out_keeps_the_inside_and_fades_the_outside() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    out = overlay.cut_out(np.full((40, 40, 3), 100, np.uint8), mask, 0.8)
    assert (out[20, 20] == 100).all()
    assert (out[2, 2] == 224).all()  # 0.2 * 100 + 0.8 * 255
    assert tuple(out[20, 10]) == (213, 94, 0)


def test_a_label_takes_its_colour_inside_and_a_light_border_between() -> None:
    labels = np.zeros((4, 8), int)
    labels[:, 4:] = 1
    colors = np.array([[0, 0, 0], [200, 0, 0]], np.uint8)
    out = overlay.label_map(np.zeros((4, 8, 3), np.uint8), labels, colors, 1.0)
    assert (out[:, 7] == (200, 0, 0)).all()
    assert (out[:, 1] == 0).all()
    assert (out[:, 4] > (200, 100, 100)).all()


def test_lines_on_a_picture_twice_as_large_are_twice_as_wide() -> None:
    mask = np.zeros((240, 240), bool)
    mask[60:180, 60:180] = True

    def lines(stroke: int) -> list[float]:
        black, orange = (np.full((240, 240, 3), color, np.uint8) for color in ((0, 0, 0), (213, 94, 0)))
        line = overlay.cut_out(black, mask, 0, stroke)[..., 0].sum()
        edges = (213 - overlay.cut_out(orange, mask, 0, stroke)[..., 0]).sum()
        border = overlay.label_map(black, mask.astype(int), np.zeros((2, 3), np.uint8), 1, stroke)
        return [float(line), float(edges), float(border.sum())]

    twice = np.divide(lines(overlay.stroke_of(480, 240)), lines(1))
    assert twice == pytest.approx([2, 2, 2], rel=0.1)
    assert overlay.stroke_of(60, 240) == 1


def test_fit_keeps_the_aspect() -> None:
    assert overlay.fit((100, 200, 3), 640) == (320, 640)
    assert overlay.fit((200, 100, 3), 50) == (50, 25)
