"""Layout: where everything of a sheet lies, at a size in pixels or at a width on paper."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from math import ceil

import numpy as np

from inspector.errors import ChoiceError
from inspector.results import check_number
from inspector.views import strips
from inspector.views.color import lut
from inspector.views.figure import Panel, Sheet, number
from inspector.views.lettering import drawable, font, shorten, wrap
from inspector.views.marks import Block, Line, Swatch
from inspector.views.strips import DPI, LEAST, ON_PAPER, Strip

CELL = 240  # pixels that a picture is high, where nobody says otherwise
PAGE = 9.2  # inches that a figure may be high on paper
TITLE_LINES = 8
LABEL_LINES = 3
GLUE = "\u00a0"


class Layout:
    """Where everything of a sheet lies, in pixels from the upper left corner; `type.points` is a pixel on paper.

    cell: pixels that the largest pictures are high, where `inches` is None. inches: width of the figure on paper, at
    `DPI`, with titles of 7.2 points and small print of 6 whatever there is to show; high: inches that it may be high
    there; most: pictures in a line, None for as many as stay 0.7 inches wide. What draws a sheet, in pixels or on
    paper, takes `blocks`, `swatches` and `lines`, which do not overlap.
    Raises ChoiceError for a cell outside 40 to 1024, and for a figure that would be higher than `high`.
    """

    def __init__(
        self, sheet: Sheet, cell: int = CELL, inches: float | None = None, high: float = PAGE, most: int | None = None
    ) -> None:
        check_number("cell", cell, 40, 1024, whole=True)
        self.sheet = sheet
        self.type = strips.by_cell(cell) if inches is None else ON_PAPER
        self.top = self.type.gap + (round(self.type.line * 1.4) if sheet.title else 0)
        labelled = any(row.label for row in sheet.rows)
        for self._label_lines in range(1, LABEL_LINES + 1):
            self.left = self.type.gap + (self._label_lines * self.type.line + self.type.gap if labelled else 0)
            if inches is None:
                self._by_cell(cell)
            else:
                self._by_width(inches, high, most)
            if all(len(lines) <= self._label_lines for _, lines in self._labels()):
                break

    def _by_cell(self, cell: int) -> None:
        groups = strips.lines_by_cell(self.sheet.rows)
        room = strips.room_by_cell(groups, cell, self.type.gap)
        self.width = max(self.left + room + self.type.gap, 2 * cell)
        self._stack(strips.filled(groups, room, self.type.gap, cell))

    def _by_width(self, inches: float, high: float, most: int | None) -> None:
        self.width = round(inches * DPI)
        room = self.width - self.left - self.type.gap
        groups = strips.lines_by_width(self.sheet.rows, room, most)
        self._stack(strips.filled(groups, room, self.type.gap))
        while self.height > round(high * DPI):
            limit = 0.95 * max((strip.height for strip in self.strips), default=0)
            if limit * min((panel.aspect for _, line in groups for panel in line), default=0) < LEAST:
                raise ChoiceError(
                    f"At a width of {inches:g} in the figure would be higher than {high:g} in, a page; show fewer "
                    "pictures, or make it wider or by scale."
                )
            self._stack(strips.filled(groups, room, self.type.gap, limit))

    def _stack(self, lines: list[Strip]) -> None:
        """Take these lines, one below the other."""
        self.strips, self.tops, top = lines, list[int](), self.top
        for strip in lines:
            titles = [len(self._titles(panel, width)) for panel, width in zip(strip.panels, strip.widths, strict=True)]
            self.tops.append(top + self.type.line * max(titles, default=0))
            bar = self.type.bar + self.type.fine + self.type.gap // 2 if any(panel.bar for panel in strip.panels) else 0
            top = self.tops[-1] + strip.height + bar + self.type.gap
        self.foot = top

    def _titles(self, panel: Panel, width: int) -> list[str]:
        """A panel's title as lines that fit its width, so that a long one keeps its end."""
        type_ = font(self.type.size)
        glued = re.sub(r" +(?=[=≥] |[\d.]+$)|(?<=[=≥]) ", GLUE, drawable(panel.title))  # "t = 5" and "mIoU 0.5"
        lines = [line.replace(GLUE, " ") for line in wrap(glued, width, type_)]
        last = shorten(" ".join(lines[TITLE_LINES - 1 :]), width, type_)
        return [*lines[: TITLE_LINES - 1], last] if len(lines) > TITLE_LINES else lines

    def _labels(self) -> list[tuple[float, list[str]]]:
        """(middle, lines) of each row's label; the lines are as long as the row is high."""
        found = []
        for number_, row in enumerate(self.sheet.rows):
            own = [n for n, strip in enumerate(self.strips) if strip.row == number_]
            top, bottom = self.tops[own[0]], self.tops[own[-1]] + self.strips[own[-1]].height
            lines = wrap(drawable(row.label, bold=True), bottom - top, font(self.type.size, True))
            found.append(((top + bottom) / 2, lines))
        return found

    @property
    def places(self) -> Iterator[tuple[Panel, int, int, int, int]]:
        """(panel, left, top, width, height) of each picture; a line that does not fill the figure is in its middle."""
        for strip, top in zip(self.strips, self.tops, strict=True):
            wide = sum(strip.widths) + self.type.gap * (len(strip.widths) - 1)
            left = self.left + max(0, self.width - self.left - self.type.gap - wide) // 2
            for panel, width in zip(strip.panels, strip.widths, strict=True):
                yield panel, left, top, width, strip.height
                left += width + self.type.gap

    @cached_property
    def _legend(self) -> list[list[tuple[str, np.ndarray, int]]]:
        """Legend entries with their x, broken into lines that fit."""
        lines: list[list[tuple[str, np.ndarray, int]]] = []
        line, gap, type_ = self.type.line, self.type.gap, font(self.type.size)
        x, room = self.width, self.width - self.left - line - 2 * gap
        for name, color in self.sheet.legend:
            text = shorten(drawable(name), room, type_)
            needed = round(type_.getlength(text)) + line + 2 * gap
            if x + needed > self.width:
                lines.append([])
                x = self.left
            lines[-1].append((text, color, x))
            x += needed
        return lines

    @cached_property
    def _notes(self) -> list[str]:
        return wrap(drawable(self.sheet.note), self.width - 2 * self.type.gap, font(self.type.small))

    @property
    def height(self) -> int:
        """Of the whole sheet."""
        foot = len(self._legend) * self.type.line + len(self._notes) * self.type.fine
        return self.foot + foot + (self.type.gap if foot else 0)

    def blocks(self) -> Iterator[Block]:
        """The pictures, each with its colour bar."""
        for panel, left, top, width, height in self.places:
            yield Block(panel.image, left, top, width, height)
            if panel.bar:
                y = top + height + self.type.gap // 2
                yield Block(lut(panel.bar.colormap)[None], left, y, width, self.type.bar, ramp=True)

    def swatches(self) -> Iterator[Swatch]:
        """The squares of the legend."""
        side, line = round(self.type.size * 0.9), self.type.line
        for number_, entries in enumerate(self._legend):
            for _, color, x in entries:
                yield Swatch(color, x, self.foot + number_ * line + (line - side) // 2, side)

    def lines(self) -> Iterator[Line]:
        """All that is written, cut to the room it has."""
        line, gap, size = self.type.line, self.type.gap, self.type.size
        if self.sheet.title:
            heading = Line("", gap, gap, round(size * 1.15), bold=True)
            yield self._cut(self.sheet.title, self.width - 2 * gap, heading)
        for place in self.places:
            yield from self._about(*place)
        for row, (middle, texts) in zip(self.sheet.rows, self._labels(), strict=True):
            kept = texts[: self._label_lines]
            if len(texts) > len(kept):
                kept[-1] += "…"
            x = gap + (self._label_lines - len(kept)) * line / 2
            for text in kept if row.label else ():
                yield Line(text, x + line / 2, middle, size, "mm", bold=True, up=True)
                x += line
        y = self.foot
        for entries in self._legend:
            yield from (Line(text, x + line, y + line / 2, size, "lm") for text, _, x in entries)
            y += line
        for text in self._notes:
            yield Line(text, gap, y, self.type.small, faint=True)
            y += self.type.fine

    def _about(self, panel: Panel, left: int, top: int, width: int, height: int) -> Iterator[Line]:
        for above, text in enumerate(reversed(self._titles(panel, width))):
            yield Line(text, left + width / 2, top - self.type.line * (above + 0.5), self.type.size, "mm")
        if panel.bar:
            below = top + height + self.type.gap // 2 + self.type.bar + 2
            yield Line(number(panel.bar.low), left, below, self.type.small, faint=True)
            yield Line(number(panel.bar.high), left + width, below, self.type.small, "ra", faint=True)

    def _cut(self, text: str, width: float, line: Line) -> Line:
        return replace(line, text=shorten(drawable(text, line.bold), width, font(line.size, line.bold)))


def with_pixels(make: Callable[[int], Sheet], scale: int = 1, inches: float | None = None) -> Sheet:
    """What `make(scale)` makes; at a width on paper, the scale at which no picture is drawn with more pixels than it
    has. Raises ChoiceError as `Layout`.
    """
    if inches is None:
        return make(scale)
    sheet = make(1)
    drawn = [(panel.image.shape[1], width) for panel, _, _, width, _ in Layout(sheet, inches=inches).places]
    needed = max((width / own for own, width in drawn), default=1)
    return make(ceil(needed)) if needed > 1 else sheet
