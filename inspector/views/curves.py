"""Curves: line charts with bands, side by side and below each other, as one picture that reads at a page's width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inspector.views.color import PALETTE
from inspector.views.figure import FAINT, INK
from inspector.views.vector import printing

WIDTH = 7.0  # inches
DPI = 200  # 1,400 pixels wide; shown at 700, type of SIZE points has 12 pixels
SIZE = 8.5  # points
_MARKERS = "osD^vPX*"
_DASHES: tuple[object, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1, 1.5)))
# Okabe and Ito's without their yellow, which is faint on white; markers and dashes tell curves apart without colour.
_COLORS = [color for color in PALETTE[:8] if color != "#f0e442"]
_LEFT, _RIGHT, _GAP = 0.62, 0.12, 0.42  # inches beside and between charts
_HIGH, _TITLE, _LINE, _BELOW = 1.55, 0.44, 0.17, 0.44  # of a chart, what is written above it, legend lines, the axis


@dataclass(frozen=True)
class Curve:
    """One curve: y over x, both as long; half: half the height of its band, or None; slot: of colour and marker."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    half: Sequence[float] | None = None
    slot: int = 0


@dataclass(frozen=True)
class Chart:
    """Curves in one frame. title: above it; falling: the x axis goes from high to low."""

    title: str
    curves: Sequence[Curve]
    x_label: str
    y_label: str
    falling: bool = False


@dataclass(frozen=True)
class Band:
    """Charts beside each other that share their y axis and one legend; heading: what they show."""

    heading: str
    charts: Sequence[Chart]


def draw(bands: Sequence[Band]) -> np.ndarray:
    """The picture as uint8 RGB (h, w, 3) on white, `WIDTH` inches at `DPI` pixels to the inch."""
    columns = max(len(band.charts) for band in bands)
    highs = [_TITLE + _LINE * _legend_lines(band) + _HIGH + _BELOW for band in bands]
    page = Figure(figsize=(WIDTH, sum(highs)), dpi=DPI, facecolor="white")
    with printing():
        top = sum(highs)
        for band, high in zip(bands, highs, strict=True):
            _band(page, band, columns, top, high)
            top -= high
        canvas = FigureCanvasAgg(page)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _band(page: Figure, band: Band, columns: int, top: float, high: float) -> None:
    whole = page.get_figheight()
    page.text(0.08 / WIDTH, (top - 0.06) / whole, band.heading, size=SIZE + 1, weight="bold", va="top", color=_ink(INK))
    wide = (WIDTH - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
    bottom = top - high + _BELOW
    first: Axes | None = None
    for column, chart in enumerate(band.charts):
        left = _LEFT + column * (wide + _GAP)
        axes = page.add_axes((left / WIDTH, bottom / whole, wide / WIDTH, _HIGH / whole), sharey=first)
        _chart(axes, chart, labelled=first is None)
        first = first or axes
    handles = [Line2D([], [], label=curve.name, **_style(curve)) for curve in _named(band)]
    page.legend(
        handles=handles,
        ncols=_columns(band),
        loc="lower left",
        bbox_to_anchor=((_LEFT - 0.08) / WIDTH, (bottom + _HIGH + 0.17) / whole),
        frameon=False,
        fontsize=SIZE,
        handlelength=2.6,
        columnspacing=1.2,
        labelspacing=0.15,
        borderpad=0,
        borderaxespad=0,
    )


def _chart(axes: Axes, chart: Chart, labelled: bool) -> None:
    for curve in chart.curves:
        x, y = np.asarray(curve.x, float), np.asarray(curve.y, float)
        if curve.half is not None:
            half = np.asarray(curve.half, float)
            axes.fill_between(x, y - half, y + half, color=_COLORS[curve.slot % len(_COLORS)], alpha=0.14, lw=0)
        axes.plot(x, y, **_style(curve))
    axes.set_title(chart.title, size=SIZE, color=_ink(INK), pad=3)
    axes.set_xlabel(chart.x_label, size=SIZE, color=_ink(INK), labelpad=2)
    if labelled:
        axes.set_ylabel(chart.y_label, size=SIZE, color=_ink(INK), labelpad=3)
    axes.tick_params(labelsize=SIZE - 0.5, length=2.5, color=_ink(FAINT), labelcolor=_ink(INK))
    axes.grid(color="#e6e6ea", lw=0.6)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_ink(FAINT))
    if chart.falling:
        axes.invert_xaxis()


def _style(curve: Curve) -> dict[str, Any]:
    place = curve.slot
    return {
        "color": _COLORS[place % len(_COLORS)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "ls": _DASHES[place % len(_DASHES)],
        "ms": 3.2,
        "lw": 1.3,
    }


def _named(band: Band) -> list[Curve]:
    """The curves of all charts, each name once."""
    return list({curve.name: curve for chart in band.charts for curve in chart.curves}.values())


def _columns(band: Band) -> int:
    names = len(_named(band))
    return max(1, names) if names < 5 else 3


def _legend_lines(band: Band) -> int:
    return -(-len(_named(band)) // _columns(band))


def _ink(color: tuple[int, int, int]) -> str:
    return "#" + bytes(color).hex()
