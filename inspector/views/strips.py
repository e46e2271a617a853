"""Strips: a figure's rows broken into lines of pictures that fill its width, so that no place stays blank."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from inspector.views.figure import Panel, Row, number
from inspector.views.lettering import font

POINTS = 0.5  # a pixel on paper, by cell: type of 15 pixels is then 7.5 points, what journals ask for in figures
DPI = 300  # pixels to the inch, where a figure is so many inches wide
LEAST = 210  # pixels, 0.7 inches: no picture is narrower there, and a row has more lines instead
MOST = 7  # pictures in a line, by cell
_SPREAD = 1.4  # how many times as high as the lowest line another may be: three pictures fill what four do
_NARROWED = 0.7  # by cell: what a line is narrowed to at most, to be as wide as another

Group = tuple[int, Sequence[Panel]]  # the number of the sheet's row, and the pictures of one of its lines


@dataclass(frozen=True)
class Measures:
    """Sizes in pixels: of type and small print, from a line of either to the next, between pictures, of a colour bar.

    points: a pixel on paper.
    """

    size: int
    small: int
    line: int
    fine: int
    gap: int
    bar: int
    points: float


ON_PAPER = Measures(size=30, small=25, line=36, fine=31, gap=14, bar=12, points=72 / DPI)  # type of 7.2 and of 6 points


def by_cell(cell: int) -> Measures:
    """Sizes that go with pictures of `cell` pixels."""
    size = max(14, round(cell * 0.064))
    lines = round(size * 1.5), round(size * 1.3)
    return Measures(size, round(size * 0.85), *lines, max(6, cell // 30), max(6, cell // 28), POINTS)


@dataclass(frozen=True)
class Strip:
    """Pictures beside each other, all `height` pixels high; row: the number of the sheet's row they are of."""

    row: int
    panels: Sequence[Panel]
    height: int
    widths: tuple[int, ...]


def balanced(panels: Sequence[Panel], count: int) -> list[Sequence[Panel]]:
    """So many lines, the first of which have one picture more where it does not come out even."""
    short, longer = divmod(len(panels), max(1, count))
    ends = [n * short + min(n, longer) for n in range(max(1, count) + 1)]
    return [panels[start:stop] for start, stop in pairwise(ends)]


def lines_by_cell(rows: Sequence[Row]) -> list[Group]:
    """The rows in lines of at most `MOST`."""
    return [(n, line) for n, row in enumerate(rows) for line in balanced(row.panels, -(-len(row.panels) // MOST))]


def lines_by_width(rows: Sequence[Row], room: float, most: int | None) -> list[Group]:
    """The rows in as few lines as leave each picture wide enough on paper; most: pictures in a line, None for any."""
    return [(n, line) for n, row in enumerate(rows) for line in _broken(row.panels, room, most)]


def room_by_cell(groups: Sequence[Group], cell: int, gap: int) -> int:
    """Pixels that the lines are wide, of pictures that are at most `cell` high.

    Lines that are a little wider than others become as wide; where shapes differ more, pictures keep their size.
    """
    wide = [sum(_width(panel, cell) for panel in line) + gap * (len(line) - 1) for _, line in groups]
    return round(max(min(wide), _NARROWED * max(wide))) if wide else 0


def filled(groups: Sequence[Group], room: float, gap: int, limit: float | None = None) -> list[Strip]:
    """The lines as wide as the room, none higher than `limit`; None is as much above the lowest as they may differ."""
    high = [_high(line, room, gap) for _, line in groups]
    limit = _SPREAD * min(high, default=0) if limit is None else limit
    return [_strip(n, line, min(limit, own), room, gap) for (n, line), own in zip(groups, high, strict=True)]


def _strip(row: int, panels: Sequence[Panel], height: float, room: float, gap: int) -> Strip:
    pixels = max(1, round(height))
    widths = [_width(panel, pixels) for panel in panels]
    left = round(room) - sum(widths) - gap * (len(widths) - 1)
    if widths and abs(left) <= len(widths):  # of rounding
        widths[-1] += left
    return Strip(row, panels, pixels, tuple(widths))


def _broken(panels: Sequence[Panel], room: float, most: int | None) -> list[Sequence[Panel]]:
    lines = [panels]
    for count in range(-(-len(panels) // most) if most else 1, len(panels) + 1):
        lines = balanced(panels, count)
        high = [_high(line, room, ON_PAPER.gap) for line in lines]
        if all(own * panel.aspect >= _least(panel) for line, own in zip(lines, high, strict=True) for panel in line):
            break
    return lines


def _least(panel: Panel) -> float:
    """Pixels that a picture is wide at least on paper: the two numbers of its bar do not touch."""
    ends = (panel.bar.low, panel.bar.high) if panel.bar else ()
    return max(LEAST, sum(font(ON_PAPER.small).getlength(number(end)) for end in ends) + ON_PAPER.gap)


def _width(panel: Panel, height: int) -> int:
    return max(1, round(height * panel.aspect))


def _high(panels: Sequence[Panel], room: float, gap: int) -> float:
    """The height at which pictures beside each other are as wide as the room."""
    aspects = sum(panel.aspect for panel in panels)
    return max(1.0, (room - gap * (len(panels) - 1)) / aspects) if panels else 1.0
