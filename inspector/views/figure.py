"""Figures: labelled rows of pictures with colour bars, laid out as in a paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from PIL import Image, ImageDraw

from inspector.results import check_number
from inspector.views.color import lut
from inspector.views.lettering import drawable, font, shorten, wrap
from inspector.views.marks import Block, Line, Swatch
from inspector.views.overlay import picture

Color = tuple[int, int, int]
TITLE_LINES = 4
CELL = 240  # pixels that a picture is high on paper, where nobody says otherwise
INK: Color = (28, 28, 30)
FAINT: Color = (110, 110, 115)  # of small print
GROUND: Color = (255, 255, 255)


@dataclass(frozen=True)
class Bar:
    """A colour bar: the values at its two ends, in the map's true scale."""

    low: float
    high: float
    colormap: str


@dataclass(frozen=True)
class Panel:
    """One picture, uint8 (h, w, 3), with its title and colour bar.

    empty: keeps the place of a picture of this shape, and shows nothing.
    """

    image: np.ndarray
    title: str = ""
    bar: Bar | None = None
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


def number(value: float) -> str:
    """A value with three significant digits, short: 0.0123, 4.2e-06, 0."""
    if value == 0:
        return "0"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


class Layout:
    """Where everything of a sheet lies, in pixels from the upper left corner; each picture is `cell` pixels high.

    What draws a sheet, in pixels or on paper, takes `blocks`, `swatches` and `lines`, which do not overlap.
    Raises ChoiceError for a cell outside 40 to 1024.
    """

    def __init__(self, sheet: Sheet, cell: int = CELL) -> None:
        check_number("cell", cell, 40, 1024, whole=True)
        self.sheet, self.cell = sheet, cell
        self.size = max(14, round(cell * 0.064))
        self.small = round(self.size * 0.85)
        self.line, self.gap, self.bar = round(self.size * 1.5), max(6, cell // 30), max(6, cell // 28)
        self.left = self.gap + (self.line + self.gap if any(row.label for row in sheet.rows) else 0)
        self.top = self.gap + (round(self.line * 1.4) if sheet.title else 0)
        widths = [sum(self._width(panel) + self.gap for panel in row.panels) for row in sheet.rows]
        self.width = max(self.left + max(widths, default=0), 2 * cell)

    def _width(self, panel: Panel) -> int:
        return max(1, round(self.cell * panel.image.shape[1] / panel.image.shape[0]))

    def _title(self, row: Row) -> int:
        return self.line * max((len(self._titles(panel)) for panel in row.panels), default=0)

    def _titles(self, panel: Panel) -> list[str]:
        """A panel's title as lines that fit its width, so that a long one keeps its end."""
        if panel.empty or not panel.title:
            return []
        width, type_ = self._width(panel), font(self.size)
        lines = wrap(drawable(panel.title), width, type_)
        last = shorten(" ".join(lines[TITLE_LINES - 1 :]), width, type_)
        return [*lines[: TITLE_LINES - 1], last] if len(lines) > TITLE_LINES else lines

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

    @cached_property
    def _legend(self) -> list[list[tuple[str, np.ndarray, int]]]:
        """Legend entries with their x, broken into lines that fit."""
        lines: list[list[tuple[str, np.ndarray, int]]] = []
        x, room, type_ = self.width, self.width - self.left - self.line - 2 * self.gap, font(self.size)
        for name, color in self.sheet.legend:
            text = shorten(drawable(name), room, type_)
            needed = round(type_.getlength(text)) + self.line + 2 * self.gap
            if x + needed > self.width:
                lines.append([])
                x = self.left
            lines[-1].append((text, color, x))
            x += needed
        return lines

    @cached_property
    def _notes(self) -> list[str]:
        return wrap(drawable(self.sheet.note), self.width - 2 * self.gap, font(self.small))

    @property
    def height(self) -> int:
        """Of the whole sheet."""
        foot = len(self._legend) + len(self._notes)
        return self.tops[-1] + foot * self.line + (self.gap if foot else 0)

    def blocks(self) -> Iterator[Block]:
        """The pictures, each with its colour bar."""
        for panel, left, top, width in self.places:
            if not panel.empty:
                yield Block(panel.image, left, top, width, self.cell)
                if panel.bar:
                    y = top + self.cell + self.gap // 2
                    yield Block(lut(panel.bar.colormap)[None], left, y, width, self.bar, ramp=True)

    def swatches(self) -> Iterator[Swatch]:
        """The squares of the legend."""
        side = round(self.size * 0.9)
        for number_, entries in enumerate(self._legend):
            for _, color, x in entries:
                yield Swatch(color, x, self.tops[-1] + number_ * self.line + (self.line - side) // 2, side)

    def lines(self) -> Iterator[Line]:
        """All that is written, cut to the room it has."""
        if self.sheet.title:
            size = round(self.size * 1.15)
            yield self._cut(self.sheet.title, self.width - 2 * self.gap, Line("", self.gap, self.gap, size, bold=True))
        for panel, left, top, width in self.places:
            yield from () if panel.empty else self._about(panel, left, top, width)
        for row, top in zip(self.sheet.rows, self.tops, strict=False):
            x, y = self.gap + self.line / 2, top + self._title(row) + self.cell / 2
            if row.label:
                yield self._cut(row.label, self.cell, Line("", x, y, self.size, "mm", bold=True, up=True))
        y = self.tops[-1]
        for entries in self._legend:
            yield from (Line(text, x + self.line, y + self.line / 2, self.size, "lm") for text, _, x in entries)
            y += self.line
        for text in self._notes:
            yield Line(text, self.gap, y, self.small, faint=True)
            y += self.line

    def _about(self, panel: Panel, left: int, top: int, width: int) -> Iterator[Line]:
        for above, text in enumerate(reversed(self._titles(panel))):
            yield Line(text, left + width / 2, top - self.line * (above + 0.5), self.size, "mm")
        if panel.bar:
            below = top + self.cell + self.gap // 2 + self.bar + 2
            yield Line(number(panel.bar.low), left, below, self.small, faint=True)
            yield Line(number(panel.bar.high), left + width, below, self.small, "ra", faint=True)

    def _cut(self, text: str, width: float, line: Line) -> Line:
        return replace(line, text=shorten(drawable(text, line.bold), width, font(line.size, line.bold)))


def draw(sheet: Sheet, cell: int = CELL) -> np.ndarray:
    """The figure as uint8 RGB; each picture is `cell` pixels high, its type at least 14.

    Raises ChoiceError for a cell outside 40 to 1024.
    """
    layout = Layout(sheet, cell)
    canvas = Image.new("RGB", (layout.width, layout.height), GROUND)
    pen = ImageDraw.Draw(canvas)
    for block in layout.blocks():
        canvas.paste(Image.fromarray(_pixels(block)), (block.left, block.top))
    for swatch in layout.swatches():
        x, y, side = swatch.x, swatch.y, swatch.side
        pen.rectangle((x, y, x + side, y + side), tuple(int(v) for v in swatch.color), FAINT)
    for line in layout.lines():
        color, type_ = FAINT if line.faint else INK, font(line.size, line.bold)
        if line.up:
            strip = Image.new("RGB", (cell, layout.line), GROUND)
            ImageDraw.Draw(strip).text((cell / 2, layout.line / 2), line.text, color, type_, anchor=line.anchor)
            corner = int(line.x - layout.line / 2), int(line.y - cell / 2)
            canvas.paste(strip.rotate(90, expand=True), corner)
        else:
            pen.text((line.x, line.y), line.text, color, type_, anchor=line.anchor)
    return np.asarray(canvas)  # not one more copy


def _pixels(block: Block) -> np.ndarray:
    if block.ramp:
        return cv2.resize(block.image, (block.width, block.height), interpolation=cv2.INTER_LINEAR)
    return picture(block.image, (block.height, block.width))
