"""Figures: pixels where they belong, clicks that find their picture, narrow screens."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views.figure import DARK, Bar, Layout, Panel, Row, Sheet, draw, hit, number, reflow
from inspector.views.lettering import font

RED, GREEN = (np.full((10, 10, 3), color, np.uint8) for color in ((255, 0, 0), (0, 255, 0)))
WIDE = np.full((10, 20, 3), 50, np.uint8)


def sheet() -> Sheet:
    return Sheet(
        rows=[
            Row([Panel(RED, "red", Bar(0, 1, "viridis"), key="a"), Panel(WIDE, key="b")], "first"),
            Row([Panel(RED, empty=True, key="none"), Panel(GREEN, key="c")]),
        ],
        note="small print",
        legend=[("car", np.array([1, 2, 3]))],
    )


def boxes(cell: int) -> dict[str, tuple[int, int, int, int]]:
    """key -> rows and columns where `hit` finds it."""
    size = draw(sheet(), cell).shape
    found: dict[str, list[tuple[int, int]]] = {}
    for y in range(0, size[0], 2):
        for x in range(0, size[1], 2):
            found.setdefault(hit(sheet(), x, y, cell), []).append((y, x))
    return {key: (*map(int, np.min(at, 0)), *map(int, np.max(at, 0))) for key, at in found.items()}


@pytest.mark.parametrize("cell", [60, 120])
def test_a_click_finds_the_picture_that_is_drawn_there(cell: int) -> None:
    found, pixels = boxes(cell), draw(sheet(), cell)
    for key, color in (("a", (255, 0, 0)), ("b", (50, 50, 50)), ("c", (0, 255, 0))):
        top, left, bottom, right = found[key]
        assert (pixels[top : bottom + 1, left : right + 1] == color).all()
        assert bottom - top >= cell - 3
    assert found["b"][3] - found["b"][1] >= 2 * cell - 3  # twice as wide as high


def test_an_empty_panel_keeps_its_place_and_shows_nothing() -> None:
    found, pixels = boxes(60), draw(sheet(), 60)
    assert found["c"][1] == found["b"][1]
    top, left = found["c"][0], found["a"][1]
    assert (pixels[top : top + 50, left : left + 50] == 255).all()


def test_titles_stand_above_their_pictures() -> None:
    top, left = boxes(60)["a"][:2]
    above = draw(sheet(), 60)[top - 18 : top - 1, left : left + 50]
    assert (above < 100).all(-1).any()  # ink, and none of it under the picture
    untitled = Sheet([Row([Panel(RED)])])
    assert (draw(untitled, 60) >= 200).any()
    assert not (draw(untitled, 60).max(-1) < 100).any()


def test_dark_paper_has_light_type() -> None:
    light, dark = draw(sheet(), 60), draw(sheet(), 60, DARK)
    assert light.shape == dark.shape
    assert tuple(light[0, 0]) == (255, 255, 255)
    assert tuple(dark[0, 0]) == DARK.ground


def test_a_narrow_screen_breaks_rows_and_drops_the_holes() -> None:
    narrow = reflow(sheet(), 1)
    assert [[panel.key for panel in row.panels] for row in narrow.rows] == [["a"], ["b"], ["c"]]
    assert [row.label for row in narrow.rows] == ["first", "first", ""]
    assert reflow(sheet(), 2).rows[1].panels[0].empty  # nothing to break


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
