"""Figures: pixels where they belong, and type that has room."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views.figure import Bar, Panel, Row, Sheet, number
from inspector.views.layout import TITLE_LINES, Layout
from inspector.views.lettering import font
from inspector.views.raster import draw

RED, GREEN = (np.full((10, 10, 3), color, np.uint8) for color in ((255, 0, 0), (0, 255, 0)))
WIDE = np.full((10, 20, 3), 50, np.uint8)


def sheet() -> Sheet:
    return Sheet(
        rows=[
            Row([Panel(RED, "red", Bar(0, 1, "viridis")), Panel(WIDE)], "first"),
            Row([Panel(GREEN), Panel(WIDE)]),
        ],
        note="small print",
        legend=[("car", np.array([1, 2, 3]))],
    )


def places(cell: int) -> list[tuple[int, int, int, int, tuple[int, ...]]]:
    """(top, left, bottom, right, colour) of the pictures of `sheet`, as its layout tells."""
    return [
        (top, left, top + height, left + width, tuple(panel.image[0, 0]))
        for panel, left, top, width, height in Layout(sheet(), cell).places
    ]


@pytest.mark.parametrize("cell", [60, 120])
def test_pictures_are_where_the_layout_says_and_nowhere_else(cell: int) -> None:
    pixels = draw(sheet(), cell)
    for top, left, bottom, right, color in places(cell):
        assert (pixels[top:bottom, left:right] == color).all()
        around = pixels[top - 1 : bottom + 1, left - 1 : right + 1].copy()
        around[1:-1, 1:-1] = 255
        assert not (around == color).all(-1).any()
        assert bottom - top == cell
    _, left, _, right, _ = places(cell)[1]
    assert right - left == 2 * cell  # twice as wide as high


def test_titles_stand_above_their_pictures() -> None:
    top, left = places(60)[0][:2]
    above = draw(sheet(), 60)[top - 18 : top - 1, left : left + 50]
    assert (above < 100).all(-1).any()  # ink, and none of it under the picture
    untitled = Sheet([Row([Panel(RED)])])
    assert (draw(untitled, 60) >= 200).any()
    assert not (draw(untitled, 60).max(-1) < 100).any()


def test_long_titles_wrap_and_keep_their_end() -> None:
    title = "horse · 20 of 20, t = 1 · mean of all layers · generation"
    narrow = Panel(np.zeros((40, 40, 3), np.uint8), title)
    layout = Layout(Sheet([Row([narrow, Panel(narrow.image, "short")])]))
    long = [line for line in layout.lines() if line.text != "short"]
    assert 1 < len(long) <= TITLE_LINES
    assert " ".join(line.text for line in sorted(long, key=lambda line: line.y)) == title
    (short,) = [line for line in layout.lines() if line.text == "short"]
    assert short.y == max(line.y for line in long)  # all stand right above their pictures
    vast = Layout(Sheet([Row([Panel(narrow.image, "word " * 99)])]))
    assert sum(1 for _ in vast.lines()) == TITLE_LINES
    assert min(line.y for line in vast.lines()) > 0


def test_long_titles_stay_over_their_picture() -> None:
    long = Sheet([Row([Panel(RED, "W" * 200), Panel(RED)])])
    pixels = draw(long, 80)
    assert pixels.shape[1] == draw(Sheet([Row([Panel(RED, "W"), Panel(RED)])]), 80).shape[1]


@pytest.mark.parametrize("cell", [40, 240])
def test_nothing_is_written_beyond_the_sheet(cell: int) -> None:
    vast = "W" * 300
    row = Row([Panel(RED, vast, Bar(-1e-9, 1e-9, "viridis")), Panel(WIDE, vast)], vast)
    layout = Layout(Sheet([row, row], vast, f"{vast} {vast}", [(vast, np.array([1, 2, 3]))] * 2), cell)
    for line in layout.lines():
        long = font(line.size, line.bold).getlength(line.text)
        before = {"l": 0, "m": 0.5, "r": 1}[line.anchor[0]] * long
        start, room = (line.y, layout.height) if line.up else (line.x, layout.width)
        assert start - before >= 0
        assert start - before + long <= room
        assert line.y <= layout.height


def test_the_layout_is_what_is_drawn() -> None:
    layout, pixels = Layout(sheet(), 120), draw(sheet(), 120)
    assert pixels.shape == (layout.height, layout.width, 3)
    for block in layout.blocks():
        shown = pixels[block.top : block.top + block.height, block.left : block.left + block.width]
        if not block.ramp:
            assert (shown == block.image[0, 0]).all()
    (swatch,) = layout.swatches()
    assert (pixels[swatch.y + 2 : swatch.y + swatch.side - 2, swatch.x + swatch.side // 2] == (1, 2, 3)).all()


def test_the_cell_is_checked() -> None:
    with pytest.raises(ChoiceError, match=r"cell is 4; use a whole number from 40 to 1024"):
        draw(sheet(), 4)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.12345, "0.123"), (-0.5, "-0.5"), (4.2e-6, "4.2e-06"), (123456.0, "1.2e+05")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text
