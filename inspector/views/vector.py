"""Vector: a sheet as PDF or SVG for a paper, laid out as `raster.draw` does it, with exact pixels and real type."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from inspector import __version__
from inspector.results import check_choice
from inspector.views.export import dumps
from inspector.views.figure import FAINT, INK, Color, Sheet
from inspector.views.layout import CELL, Layout
from inspector.views.marks import Line

KINDS = ("pdf", "svg")
_INCH = 72  # points
_SETTINGS: dict[Any, Any] = {
    "text.parse_math": False,  # a dollar sign is somebody's word
    "pdf.fonttype": 42,  # TrueType, which publishers accept; type 3 many refuse
    "svg.fonttype": "none",  # text; where DejaVu is missing, the reader's sans-serif, which is narrower
    "svg.hashsalt": "dense-inspector",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
}
_LOCK = Lock()


def vector(sheet: Sheet, kind: str, origin: Mapping[str, Any], cell: int = CELL, inches: float | None = None) -> bytes:
    """The sheet as a file of `kind`, "pdf" or "svg"; the same bytes for the same sheet.

    Pictures lie in it with the pixels they have, whatever sets sizes on paper: the width in inches, or the cell at half
    a point a pixel.
    origin: where it came from, as JSON the keywords of a PDF and the description of an SVG.
    Raises ChoiceError for another kind, and as `Layout`.
    """
    check_choice("kind", kind, KINDS)
    layout = Layout(sheet, cell, inches)
    points = layout.type.points
    told = dumps(origin, ascii=True)  # no letter that XML or a PDF's strings could not hold
    maker = {"Creator": f"Dense Inspector {__version__}"}
    about = {"pdf": {"Keywords": told, "CreationDate": None}, "svg": {"Description": told, "Date": None}}
    packed = io.BytesIO()
    with printing():
        page = Figure(figsize=(layout.width * points / _INCH, layout.height * points / _INCH))
        paint(page, layout, (0, 0, 1, 1), kind)
        page.savefig(packed, format=kind, metadata=maker | about[kind])
    return packed.getvalue()


@contextmanager
def printing() -> Iterator[None]:
    """What is drawn and saved with matplotlib meanwhile has real type, and is the same whatever a matplotlibrc says.

    Its settings are global, so one thread at a time.
    """
    with _LOCK, matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def paint(page: Figure, layout: Layout, box: tuple[float, float, float, float], kind: str = "pdf") -> None:
    """Draw a layout into the middle of a box of a page that will be saved as `kind`, as large as it fits.

    box: (left, bottom, width, height) as fractions of the page.
    """
    wide, high = page.get_size_inches() * _INCH
    points = min(box[2] * wide / layout.width, box[3] * high / layout.height)
    width, height = layout.width * points / wide, layout.height * points / high
    axes = page.add_axes((box[0] + (box[2] - width) / 2, box[1] + (box[3] - height) / 2, width, height))
    axes.set_axis_off()
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    turned = kind == "pdf"  # for it matplotlib turns the rows about; turned here too, pictures lie upright in the file
    for block in layout.blocks():
        extent = (block.left, block.left + block.width, block.top + block.height, block.top)
        rows = block.image[::-1] if turned else block.image
        axes.imshow(rows, origin="lower" if turned else "upper", extent=extent, interpolation="none", aspect="auto")
    for swatch in layout.swatches():
        color, edge = _fraction(tuple(swatch.color)), _fraction(FAINT)
        square = Rectangle((swatch.x, swatch.y), swatch.side, swatch.side, fc=color, ec=edge, lw=points)
        axes.add_patch(square)
    for line in layout.lines():
        _write(axes, line, points)


def _write(axes: Axes, line: Line, points: float) -> None:
    x, y = (line.x + line.drop, line.y) if line.up else (line.x, line.y + line.drop)
    axes.text(
        x,
        y,
        line.text,
        fontsize=line.size * points,
        weight="bold" if line.bold else "normal",
        color=_fraction(FAINT if line.faint else INK),
        ha={"l": "left", "m": "center", "r": "right"}[line.anchor[0]],
        va="baseline",
        rotation=90 if line.up else 0,
        rotation_mode="anchor",
    )


def _fraction(color: Color) -> tuple[float, ...]:
    return tuple(int(channel) / 255 for channel in color)
