"""Figures: labelled rows of pictures with colour bars, laid out as in a paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inspector.results import check_number
from inspector.views.color import lut
from inspector.views.overlay import picture

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Bar:
    """A colour bar: the values at its two ends, in the map's true scale."""

    low: float
    high: float
    colormap: str


@dataclass(frozen=True)
class Panel:
    """One picture, uint8 (h, w, 3), with its title and colour bar.

    key: what a click on it means; empty: keeps the place of a picture of this shape, and shows nothing.
    """

    image: np.ndarray
    title: str = ""
    bar: Bar | None = None
    key: str = ""
    empty: bool = False


@dataclass(frozen=True)
class Row:
    """Pictures beside each other, with a label written up their left side."""

    panels: Sequence[Panel]
    label: str = ""


@dataclass(frozen=True)
class Sheet:
    """A figure before it is drawn. legend: (name, uint8 colour) pairs; note: small print at the foot."""

    rows: Sequence[Row]
    title: str = ""
    note: str = ""
    legend: Sequence[tuple[str, np.ndarray]] = ()


@dataclass(frozen=True)
class Paper:
    """Colours of type and ground."""

    ink: Color = (28, 28, 30)
    faint: Color = (110, 110, 115)
    ground: Color = (255, 255, 255)


LIGHT = Paper()
DARK = Paper((236, 236, 240), (160, 166, 178), (30, 41, 59))  # the ground of the page's dark blocks


def number(value: float) -> str:
    """A value with three significant digits, short: 0.0123, 4.2e-06, 0."""
    if value == 0:
        return "0"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


def reflow(sheet: Sheet, columns: int) -> Sheet:
    """The sheet with rows of at most `columns` pictures, for a narrow screen."""
    if all(len(row.panels) <= columns for row in sheet.rows):
        return sheet
    rows = []
    for row in sheet.rows:
        panels = [panel for panel in row.panels if not panel.empty]
        rows += [Row(panels[start : start + columns], row.label) for start in range(0, len(panels), columns)]
    return replace(sheet, rows=rows)


def draw(sheet: Sheet, cell: int = 240, paper: Paper = LIGHT) -> np.ndarray:
    """The figure as uint8 RGB; each picture is `cell` pixels high, its type at least 14.

    Raises ChoiceError for a cell outside 40 to 1024.
    """
    check_number("cell", cell, 40, 1024, whole=True)
    return _Pen(sheet, cell, paper).draw()


def hit(sheet: Sheet, x: float, y: float, cell: int = 240) -> str:
    """The key of the picture at pixel (x, y) of the drawn sheet, "" beside the pictures."""
    for panel, left, top, width in _Pen(sheet, cell, LIGHT).places:
        if left <= x < left + width and top <= y < top + cell:
            return panel.key
    return ""


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    from matplotlib import get_data_path  # its DejaVu covers Greek, accents and arrows, on every machine

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def _shorten(text: str, width: float, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrap(text: str, width: float, font: ImageFont.FreeTypeFont) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


class _Pen:
    """The layout of one sheet while it is being drawn: sizes from the cell, rows from the top."""

    def __init__(self, sheet: Sheet, cell: int, paper: Paper) -> None:
        self.sheet, self.cell, self.paper = sheet, cell, paper
        size = max(14, round(cell * 0.064))
        self.size, self.font, self.small = size, _font(size), _font(round(size * 0.85))
        self.line, self.gap, self.bar = round(size * 1.5), max(6, cell // 30), max(6, cell // 28)
        self.left = self.gap + (self.line + self.gap if any(row.label for row in sheet.rows) else 0)
        self.top = self.gap + (round(self.line * 1.4) if sheet.title else 0)
        widths = [sum(self._width(panel) + self.gap for panel in row.panels) for row in sheet.rows]
        self.total = max(self.left + max(widths, default=0), 2 * cell)

    def _width(self, panel: Panel) -> int:
        return max(1, round(self.cell * panel.image.shape[1] / panel.image.shape[0]))

    def _title(self, row: Row) -> int:
        return self.line if any(panel.title for panel in row.panels) else 0

    def _height(self, row: Row) -> int:
        bar = self.bar + self.line if any(panel.bar for panel in row.panels) else 0
        return self._title(row) + self.cell + bar + self.gap

    @cached_property
    def tops(self) -> list[int]:
        """The upper edge of each row, then of what follows the rows."""
        return [
            self.top + sum(self._height(row) for row in self.sheet.rows[:n]) for n in range(len(self.sheet.rows) + 1)
        ]

    @cached_property
    def places(self) -> list[tuple[Panel, int, int, int]]:
        """(panel, left, top, width) of each picture."""
        found = []
        for row, top in zip(self.sheet.rows, self.tops, strict=False):
            left = self.left
            for panel in row.panels:
                found.append((panel, left, top + self._title(row), self._width(panel)))
                left += self._width(panel) + self.gap
        return found

    def draw(self) -> np.ndarray:
        """Title, rows, legend, note."""
        legend, foot = self._legend(), self.tops[-1]
        notes = _wrap(self.sheet.note, self.total - 2 * self.gap, self.small)
        height = foot + (len(legend) + len(notes)) * self.line + (self.gap if legend or notes else 0)
        self.canvas = Image.new("RGB", (self.total, height), self.paper.ground)
        self.pen = ImageDraw.Draw(self.canvas)
        if self.sheet.title:
            bold = _font(round(self.size * 1.15), True)
            text = _shorten(self.sheet.title, self.total - 2 * self.gap, bold)
            self.pen.text((self.gap, self.gap), text, self.paper.ink, bold)
        for panel, left, top, width in self.places:
            self._panel(panel, left, top, width)
        for row, top in zip(self.sheet.rows, self.tops, strict=False):
            self._label(row.label, top + self._title(row))
        for line in legend:
            self._legend_line(line, foot)
            foot += self.line
        for text in notes:
            self.pen.text((self.gap, foot), text, self.paper.faint, self.small)
            foot += self.line
        return np.array(self.canvas)

    def _panel(self, panel: Panel, left: int, top: int, width: int) -> None:
        if panel.empty:
            return
        if panel.title:
            text = _shorten(panel.title, width, self.font)
            self.pen.text((left + width / 2, top - self.line / 2), text, self.paper.ink, self.font, anchor="mm")
        self.canvas.paste(Image.fromarray(picture(panel.image, (self.cell, width))), (left, top))
        if panel.bar:
            y = top + self.cell + self.gap // 2
            ramp = cv2.resize(lut(panel.bar.colormap)[None], (width, self.bar), interpolation=cv2.INTER_LINEAR)
            self.canvas.paste(Image.fromarray(ramp), (left, y))
            below = y + self.bar + 2
            self.pen.text((left, below), number(panel.bar.low), self.paper.faint, self.small)
            self.pen.text((left + width, below), number(panel.bar.high), self.paper.faint, self.small, anchor="ra")

    def _label(self, text: str, top: int) -> None:
        if text:
            bold, strip = _font(self.size, True), Image.new("RGB", (self.cell, self.line), self.paper.ground)
            middle = (self.cell / 2, self.line / 2)
            ImageDraw.Draw(strip).text(middle, _shorten(text, self.cell, bold), self.paper.ink, bold, anchor="mm")
            self.canvas.paste(strip.rotate(90, expand=True), (self.gap, top))

    def _legend(self) -> list[list[tuple[str, np.ndarray, int]]]:
        """Legend entries with their x, broken into lines that fit."""
        lines: list[list[tuple[str, np.ndarray, int]]] = []
        x = self.total
        for name, color in self.sheet.legend:
            needed = round(self.font.getlength(name)) + self.line + 2 * self.gap
            if x + needed > self.total:
                lines.append([])
                x = self.left
            lines[-1].append((name, color, x))
            x += needed
        return lines

    def _legend_line(self, line: list[tuple[str, np.ndarray, int]], top: int) -> None:
        side = round(self.size * 0.9)
        for name, color, x in line:
            y = top + (self.line - side) // 2
            self.pen.rectangle((x, y, x + side, y + side), tuple(int(v) for v in color), self.paper.faint)
            self.pen.text((x + self.line, top + self.line / 2), name, self.paper.ink, self.font, anchor="lm")
