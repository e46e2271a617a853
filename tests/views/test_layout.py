"""Layouts on paper: as wide as was asked for, readable there, and no place blank."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views.export import COLUMNS, figure_of, write_figure
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.layout import PAGE, Layout, with_pixels
from inspector.views.lettering import font
from inspector.views.look import Look
from inspector.views.strips import DPI, balanced
from tests.views import samples
from tests.views.pdf import page_of

RESULTS = [samples.saliency, samples.attention, samples.clusters, samples.segmentation]
SQUARE = Panel(np.zeros((48, 48, 3), np.uint8), "up 3.2  32×32", Bar(-1.23e-5, 4.56e-5, "viridis"))


def rows_of(layout: Layout) -> dict[int, list[tuple[int, int]]]:
    """Top of a line of pictures -> (left, right) of each."""
    found: dict[int, list[tuple[int, int]]] = {}
    for _, left, top, width, _ in layout.places:
        found.setdefault(top, []).append((left, left + width))
    return found


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("make", RESULTS)
def test_a_figure_is_exactly_as_wide_as_a_journals_columns(make: Callable, columns: int, tmp_path: Path) -> None:
    for kind in ("png", "pdf", "svg"):
        write_figure(make(), tmp_path / f"a.{kind}", columns=columns)
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == {1: 990, 2: 2070}[columns]
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert json.loads(image.info["inspector"])["tab"] == make.__name__
        inches = image.height / 300
    svg = ElementTree.fromstring((tmp_path / "a.svg").read_bytes())
    assert svg.attrib["width"] == f"{72 * COLUMNS[columns]:g}pt"
    assert float(svg.attrib["height"].removesuffix("pt")) == pytest.approx(72 * inches, abs=0.01)
    assert f"/MediaBox [ 0 0 {72 * COLUMNS[columns]:g} ".encode() in (tmp_path / "a.pdf").read_bytes()
    assert page_of((tmp_path / "a.pdf").read_bytes())


@pytest.mark.parametrize("inches", COLUMNS.values())
@pytest.mark.parametrize("count", range(1, 15))
def test_however_many_pictures_they_fill_the_width_and_can_be_read(count: int, inches: float) -> None:
    layout = Layout(Sheet([Row([SQUARE] * count, "generation"), Row([SQUARE] * count, "noise once")]), inches=inches)
    assert layout.width == round(inches * DPI)
    assert layout.height <= PAGE * DPI
    heights = {height for *_, height in layout.places}
    for pictures in rows_of(layout).values():
        blank = layout.width - layout.type.gap - pictures[-1][1] + pictures[0][0] - layout.left
        assert blank <= layout.width / 3 or max(heights) < min(heights) * 1.01
        assert all(right - left >= 0.7 * DPI for left, right in pictures)
        assert all(b[0] - a[1] == layout.type.gap for a, b in pairwise(pictures))
    for line in layout.lines():
        assert line.size * 72 / DPI >= (6 if line.faint else 7)
        assert "…" not in line.text
    texts = [line for line in layout.lines() if line.faint]
    for low, high in zip(texts[::2], texts[1::2], strict=True):  # of one bar
        assert low.x + font(low.size).getlength(low.text) < high.x - font(high.size).getlength(high.text)


@pytest.mark.parametrize(("count", "lines", "sizes"), [(7, 2, [4, 3]), (10, 3, [4, 3, 3]), (6, 2, [3, 3]), (3, 1, [3])])
def test_lines_are_as_long_as_each_other(count: int, lines: int, sizes: list[int]) -> None:
    assert [len(line) for line in balanced([SQUARE] * count, lines)] == sizes
    layout = Layout(Sheet([Row([Panel(SQUARE.image, "short")] * count)]), inches=3.3)
    assert [len(pictures) for pictures in rows_of(layout).values()] == sizes
    for pictures in rows_of(layout).values():  # to the pixel
        assert (pictures[0][0], pictures[-1][1]) == (layout.left, layout.width - layout.type.gap)


def test_a_row_in_several_lines_keeps_its_label_in_the_middle_of_them() -> None:
    layout = Layout(Sheet([Row([SQUARE] * 8, "generation")]), inches=3.3)
    (label,) = [line for line in layout.lines() if line.up]
    tops = [top for _, _, top, _, _ in layout.places]
    assert label.text == "generation"
    assert label.y == pytest.approx((tops[0] + tops[-1] + next(layout.places)[4]) / 2, abs=1)


def test_a_label_that_is_longer_than_its_row_has_more_lines() -> None:
    words = "a picture of two sheep on a meadow"
    layout = Layout(Sheet([Row([SQUARE] * 3, words)]), inches=3.3)
    told = sorted((line.x, line.text) for line in layout.lines() if line.up)
    assert 1 < len(told) <= 3
    assert " ".join(text for _, text in told) == words
    assert all(x < layout.left for x, _ in told)


def test_what_does_not_fit_a_page_is_refused_in_a_sentence() -> None:
    with pytest.raises(ChoiceError, match=r"At a width of 3.3 in the figure would be higher than 9.2 in, a page"):
        Layout(Sheet([Row([SQUARE] * 60)]), inches=3.3)
    tall = Panel(np.zeros((300, 60, 3), np.uint8))
    layout = Layout(Sheet([Row([tall])]), inches=3.3)  # a picture that would be 16 inches high is made smaller
    assert layout.height <= PAGE * DPI
    ((left, right),) = next(iter(rows_of(layout).values()))
    assert left == pytest.approx(layout.width - right, abs=2)
    with pytest.raises(ChoiceError, match=r"columns is 3; use a whole number from 1 to 2"):
        figure_of(samples.clusters(), Look(), columns=3)


def test_by_cell_lines_are_of_one_width_and_no_picture_is_larger_than_a_cell() -> None:
    layout = Layout(Sheet([Row([SQUARE] * 9)]), 100)
    first, second = rows_of(layout).values()
    assert (len(first), len(second)) == (5, 4)
    assert (first[0][0], first[-1][1]) == (second[0][0], pytest.approx(second[-1][1], abs=3))
    assert max(height for *_, height in layout.places) == 100


@pytest.mark.parametrize("make", RESULTS)
def test_pictures_on_paper_have_the_pixels_that_are_drawn(make: Callable) -> None:
    for columns, inches in COLUMNS.items():
        drawn = list(Layout(figure_of(make(), Look(), columns=columns), inches=inches).places)
        assert all(panel.image.shape[1] >= width for panel, _, _, width, _ in drawn)


def test_pixels_are_made_as_they_are_needed() -> None:
    asked: list[int] = []

    def make(scale: int) -> Sheet:
        asked.append(scale)
        return Sheet([Row([Panel(np.zeros((100 * scale, 100 * scale, 3), np.uint8))] * 3)])

    with_pixels(make, 2)
    with_pixels(make, 2, 3.3)
    assert asked == [2, 1, 4]  # three pictures of 311 pixels
