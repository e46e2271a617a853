"""Booklet: results as the pages of a PDF, each with its figure as large as the page has room, caption and numbers."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from inspector.errors import ChoiceError
from inspector.views.export import MAX_SCALE, Result, caption_of, figure_of
from inspector.views.layout import Layout
from inspector.views.lettering import drawable, font, wrap
from inspector.views.look import Look
from inspector.views.naming import named
from inspector.views.table import lines, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = (8.27, 11.69)  # inches, A4
MARGIN = 0.6  # inches
WIDE, HIGH = PAGE[0] - 2 * MARGIN, PAGE[1] - 2 * MARGIN
FIGURE = 0.5  # of the page's height is the figure's at least, whatever there is to read
MOST = 12  # pictures in a line of a figure
LETTER = 0.602  # width of a letter of DejaVu Sans Mono, of its size


@dataclass(frozen=True)
class Part:
    """One result of a report. rows: what was measured; state: what the page's viewer opens with."""

    heading: str
    result: Result
    rows: Sequence[Mapping[str, Any]]
    note: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Text:
    """A line of type. size: points; mono: of a table; head: the lines that a page begins with if it goes on there."""

    text: str
    size: float
    bold: bool = False
    mono: bool = False
    head: tuple["_Text", ...] = ()

    @property
    def high(self) -> float:
        """Inches from it to the next line."""
        return self.size * 1.35 / 72


def pdf_of(title: str, parts: Sequence[Part]) -> bytes:
    """A PDF whose every part begins a page: heading, figure as `vector` draws it, caption, note and numbers.

    What does not fit goes on on the next page; the same bytes for the same parts.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    from inspector.views.vector import printing

    packed = io.BytesIO()
    about = {"Title": title, "Creator": "Dense Inspector", "CreationDate": None}
    with printing(), PdfPages(packed, metadata=about) as pages:
        for part in parts:
            for page in _pages(part):
                pages.savefig(page)
    return packed.getvalue()


def figure_for(result: Result, high: float) -> Layout:
    """A result's figure as large as it gets on a page, at most `high` inches: with the most picture for its room."""
    sheet, found = figure_of(result, Look()), []
    for most in range(1, MOST + 1):
        try:
            found.append((most, Layout(sheet, inches=WIDE, high=high, most=most)))
        except ChoiceError:
            continue
    if not found:  # of too many pictures, so small as it takes
        return Layout(sheet)
    most, layout = max(found, key=lambda pair: _worth(pair[1]))
    needed = max(width / panel.image.shape[1] for panel, _, _, width, _ in layout.places)
    sharp = figure_of(result, Look(), min(MAX_SCALE, ceil(needed)))
    return Layout(sharp, inches=WIDE, high=high + 0.02, most=most)  # whose sides are rounded otherwise


def _worth(layout: Layout) -> float:
    """How much picture there is, less where lines stand narrow in the middle of the page."""
    filled = sum(sum(strip.widths) for strip in layout.strips) / (len(layout.strips) * layout.width)
    return filled * sum(width * height for *_, width, height in layout.places)


def _pages(part: Part) -> Iterator["Figure"]:
    from matplotlib.figure import Figure

    from inspector.views.vector import paint

    heading, rest = _paragraph(part.heading, 15, bold=True), _reading(part)
    top = sum(line.high for line in heading) + 0.1
    room = max(FIGURE * HIGH, HIGH - top - sum(line.high for line in rest) - 0.1)
    layout = figure_for(part.result, room)
    page = Figure(figsize=PAGE)
    y = _write(page, heading, 0)
    high = min(room, layout.height * layout.type.points / 72)
    paint(page, layout, _box(y + 0.1, high))
    y += 0.2 + high
    for line in rest:
        if y + line.high > HIGH:
            yield page
            page = Figure(figsize=PAGE)
            y = _write(page, line.head, 0)
        y = _write(page, (line,), y)
    yield page


def _reading(part: Part) -> list[_Text]:
    """What is read below the figure: caption, note, table."""
    found = [*_paragraph(caption_of(part.result, Look()), 8.5), _Text("", 4)]
    if part.note:
        found += [*_paragraph(part.note, 10), _Text("", 4)]
    rows = [drawable(line) for line in lines(named(table(part.rows))).splitlines()]
    size = min(9.0, 72 * WIDE / (LETTER * max(map(len, rows), default=1)))
    head = tuple(_Text(row, size, mono=True) for row in rows[:2])
    return [*found, *head, *(_Text(row, size, mono=True, head=head) for row in rows[2:])]


def _paragraph(text: str, size: float, bold: bool = False) -> list[_Text]:
    letters = font(round(10 * size), bold)  # ten pixels to a point: whole sizes are coarse
    return [_Text(line, size, bold) for line in wrap(drawable(text, bold), 720 * WIDE, letters)]


def _write(page: "Figure", texts: Sequence[_Text], y: float) -> float:
    """Write lines from `y` inches below the margin on; returns where the next one goes."""
    for line in texts:
        page.text(
            MARGIN / PAGE[0],
            1 - (MARGIN + y) / PAGE[1],
            line.text,
            fontsize=line.size,
            weight="bold" if line.bold else "normal",
            family=["DejaVu Sans Mono", "DejaVu Sans"] if line.mono else ["DejaVu Sans"],
            va="top",
        )
        y += line.high
    return y


def _box(y: float, high: float) -> tuple[float, float, float, float]:
    """As fractions of the page, what begins `y` inches below the margin and is `high`."""
    return MARGIN / PAGE[0], 1 - (MARGIN + y + high) / PAGE[1], WIDE / PAGE[0], high / PAGE[1]
