"""Shown: the panels that a viewer shows, as a figure of its own beside the paper's layout."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspector.results import ClustersResult
from inspector.views.atlas import Atlas, Axis, Block, Labels
from inspector.views.atlases import atlas_of
from inspector.views.export import Result, basis
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import cut_out, enlarge, fit, heat, label_map, picture, stroke_of

NAMED = ("arm", "step", "layer")  # what a picture of attention is of
SIDE = 320  # pixels of a picture's longer side at scale 1
Choice = Mapping[str, str]


def sheet(result: Result, look: Look, state: Mapping[str, Any], scale: int = 1, atlas: Atlas | None = None) -> Sheet:
    """One row with a picture per panel of a viewer, from what it remembers of itself, which is not trusted.

    state: {panels: [{axis: value}], show, pin: {y, x}, follow}; what does not fit the result is as the viewer begins.
    follow: true lays a map over the picture predicted at its step. atlas: the result's, where it is at hand.
    """
    atlas = atlas or atlas_of(result, None)
    choices = _choices(atlas, state)
    grids = [_grid(atlas, result, choice, state.get("pin")) for choice in choices]
    spans = [_span(atlas, grid, look, [other for other in grids if other]) if grid else None for grid in grids]
    side = SIDE * scale
    panels = [
        _panel(atlas, choice, grid, span, look, state, side)
        for choice, grid, span in zip(choices, grids, spans, strict=True)
    ]
    legend: dict[str, Any] = {}
    for choice in choices:
        labels = None if _find(atlas.blocks, choice) else _find(atlas.labels, choice)
        if labels is not None:
            legend |= {labels.names[index]: labels.colors[index] for index in np.unique(labels.values)}
    note = _note(atlas, result, look, state)
    if isinstance(result, ClustersResult) and any(grid and grid[0].computed for grid in grids):
        y, x = _pixel(result, state.get("pin"))
        note = f"{note} Similarity is to the pixel at row {y}, column {x} of the picture."
    return Sheet([Row(panels)], note=note, legend=tuple(legend.items()))


def _note(atlas: Atlas, result: Result, look: Look, state: Mapping[str, Any]) -> str:
    """What is shown of which question, by which models, and how the colours are to be read."""
    request: Any = result.request
    classes = ", ".join("/".join(synonyms) for synonyms in getattr(request, "classes", ()))
    asked = f" of “{request.prompt}”" if getattr(request, "prompt", "") else f" of {classes}" if classes else ""
    scale = "each map has its own scale" if look.scale == "own" else "all maps have one scale"
    cut = f"; threshold {look.threshold:g} of each map's maximum" if state.get("show") in ("mask", "outline") else ""
    over = "; over the picture predicted at the step" if _follows(atlas, state) else ""
    return f"{atlas.facts['title']}{asked}; {basis(result)}; {scale}{cut}{over}."


def _follows(atlas: Atlas, state: Mapping[str, Any]) -> bool:
    return state.get("follow") is True and bool(atlas.facts.get("previews"))


def _choices(atlas: Atlas, state: Mapping[str, Any]) -> list[Choice]:
    first = {axis.name: axis.values[axis.first] for axis in atlas.axes}
    panels = state.get("panels")
    told = [panel for panel in panels if isinstance(panel, Mapping)][:4] if isinstance(panels, list) else []
    known = [{a.name: panel[a.name] for a in atlas.axes if panel.get(a.name) in a.values} for panel in told]
    return [first | panel for panel in known or atlas.facts.get("panels") or [{}]]


def _find(parts: Sequence[Any], choice: Choice) -> Any:
    """The block or labels at a choice, or None."""
    return next((part for part in parts if all(choice[axis] == value for axis, value in part.at.items())), None)


def _grid(atlas: Atlas, result: Result, choice: Choice, pin: Any) -> tuple[Block, np.ndarray] | None:
    """The block of a choice and its map (h, w), or None where labels or a picture are shown."""
    block = _find(atlas.blocks, choice)
    if block is None:
        return None
    if isinstance(result, ClustersResult) and block.computed:
        return block, result.similarity(*_pixel(result, pin))
    maps: Any = block.maps
    for name in block.inner:
        axis = _axis(atlas, name)
        maps = maps[min(axis.values.index(choice[name]), len(maps) - 1)]
    return block, np.asarray(maps, np.float32)


def _pixel(result: ClustersResult, pin: Any) -> tuple[int, int]:
    """(y, x) of the picture's pixel that a viewer has pinned; the middle where it has none."""
    height, width = result.request.image.shape[:2]
    place = [pin.get(axis) if isinstance(pin, Mapping) else None for axis in ("y", "x")]
    y, x = (value if isinstance(value, int | float) and 0 <= value < 1 else 0.5 for value in place)
    return int(y * height), int(x * width)


def _axis(atlas: Atlas, name: str) -> Axis:
    return next(axis for axis in atlas.axes if axis.name == name)


def _span(
    atlas: Atlas, own: tuple[Block, np.ndarray], look: Look, shown: Sequence[tuple[Block, np.ndarray]]
) -> tuple[float, float]:
    """Values at the ends of a map's colours; on the shared scale those of all maps of its kind that are shown."""
    block, grid = own
    alike = [other for kind, other in shown if kind.signed == block.signed] if look.scale == "shared" else [grid]
    low, high = min(float(item.min()) for item in alike), max(float(item.max()) for item in alike)
    if block.signed:
        top = max(abs(low), abs(high))
        return -top, top
    return (min(0.0, low) if atlas.facts.get("zero") else low), high


def _panel(
    atlas: Atlas,
    choice: Choice,
    own: tuple[Block, np.ndarray] | None,
    span: tuple[float, float] | None,
    look: Look,
    state: Mapping[str, Any],
    side: int,
) -> Panel:
    title = _title(atlas, choice)
    if own is None or span is None:
        return Panel(_plain(atlas, choice, look, side), title)
    block, grid = own
    stepped = f"{block.picture}/{choice.get('step')}" if _follows(atlas, state) else block.picture
    image = atlas.pictures.get(stepped, atlas.pictures[block.picture])
    size = fit(image.shape, side)
    ground, values = picture(image, size), enlarge(grid, size, look.smooth)
    inside = values >= max(look.threshold * float(grid.max()), 1e-12)
    stroke = stroke_of(side, SIDE)
    show = state.get("show")
    if show == "mask":
        return Panel(cut_out(ground, inside, stroke=stroke), f"{title} ≥ {look.threshold:g}")
    colormap = "diverging" if block.signed else look.colormap
    drawn = heat(ground, values, *span, colormap, look.opacity, look.fade)
    if show == "outline":
        drawn = cut_out(drawn, inside, 0.0, stroke=stroke)
    return Panel(drawn, title, Bar(*span, colormap))


def _plain(atlas: Atlas, choice: Choice, look: Look, side: int) -> np.ndarray:
    """Labels over their picture, or the picture alone."""
    labels: Labels | None = _find(atlas.labels, choice)
    if labels is None:
        key = (atlas.facts.get("plain") or {}).get(choice.get(str(atlas.facts.get("plainAxis")), ""))
        image = atlas.pictures[key or next(iter(atlas.pictures))]
        return picture(image, fit(image.shape, side))
    image = atlas.pictures[labels.picture]
    size = fit(image.shape, side)
    values = enlarge(labels.values.astype(np.int32), size, smooth=False)
    return label_map(picture(image, size), values, labels.colors, look.opacity)


def _title(atlas: Atlas, choice: Choice) -> str:
    """A choice in words, as the viewer says it; arm, step and layer also where there is only one."""
    part = _find(atlas.blocks, choice) or _find(atlas.labels, choice)
    named = [*part.at, *getattr(part, "inner", ())] if part else [axis.name for axis in atlas.axes]
    told = [axis for axis in atlas.axes if axis.name in named]
    several = [axis for axis in told if len(axis.values) > 1 or axis.name in NAMED] or told
    return " · ".join(_word(atlas, axis, choice, part) for axis in several)


def _word(atlas: Atlas, axis: Axis, choice: Choice, part: Any) -> str:
    names: Sequence[str] = axis.shown
    ticks = (atlas.facts.get("ticks") or {}).get(axis.name)
    if ticks:
        names = ticks[choice[str(atlas.facts["ticksBy"])]]
    return names[min(axis.values.index(choice[axis.name]), len(names) - 1)]
