"""Shown: the panels that a viewer shows, as a figure of its own beside the paper's layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inspector.results import AttentionResult, ClustersResult
from inspector.views.atlas import Atlas, Axis, Block, Labels
from inspector.views.atlases import atlas_of
from inspector.views.export import Result, basis
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.naming import apart
from inspector.views.overlay import cut_out, enlarge, fit, heat, label_map, picture, stroke_of
from inspector.views.questions import with_answer

NAMED = ("arm", "step", "layer")  # what a picture of attention is of
DIFFERENCE = "difference"  # `of` of a panel that shows what the others differ by
SIDE = 320  # pixels of a picture's longer side at scale 1
Choice = Mapping[str, str]


@dataclass(frozen=True)
class _Shown:
    """A panel's choice in its own result. named: what sets that result apart from the others."""

    result: Result
    atlas: Atlas
    choice: Choice
    named: str = ""


def sheet(
    result: Result,
    look: Look,
    state: Mapping[str, Any],
    scale: int = 1,
    atlas: Atlas | None = None,
    held: Sequence[Result | None] = (),
) -> Sheet:
    """One row with a picture per panel of a viewer, from what it remembers of itself, which is not trusted.

    state: {panels: [{axis: value, of}], show, pin: {y, x}, follow}; what does not fit the result is as the viewer
    begins. follow: true lays a map over the picture predicted at its step. held: further results, of which a panel's
    `of` names one, from "1", or says "difference", as in the viewer. atlas: the result's, where it is at hand.
    """
    shown, between = _panels(atlas or atlas_of(result, None), result, state, held)
    grids = [_grid(one, state.get("pin")) for one in shown]
    panels = [
        _panel(one, grid, _span(one.atlas, grid, look, [other for other in grids if other]) if grid else None, look,
               state, SIDE * scale)
        for one, grid in zip(shown, grids, strict=True)
    ]  # fmt: skip
    if between:
        panels.append(_between(shown, grids, look, state, SIDE * scale))
    legend: dict[str, Any] = {}
    for one in shown:
        labels = None if _find(one.atlas.blocks, one.choice) else _find(one.atlas.labels, one.choice)
        if labels is None:
            continue
        for index in np.unique(labels.values):
            name, color = labels.names[index], labels.colors[index]
            other = legend.get(name)  # another result may have the name in another colour
            legend[name if other is None or np.array_equal(other, color) else f"{name} ({one.named})"] = color
    return Sheet([Row(panels)], note=_notes(shown, grids, look, state), legend=tuple(legend.items()))


def _notes(shown: Sequence[_Shown], grids: Sequence[Any], look: Look, state: Mapping[str, Any]) -> str:
    own, *others = {id(one.result): one for one in shown}.values()
    note = _note(own.atlas, own.result, look, state)
    note += "".join(f" {other.named}: {basis(other.result)}." for other in others)
    similar = (one for one, grid in zip(shown, grids, strict=True) if grid and grid[0].computed)
    if isinstance(result := next((one.result for one in similar), None), ClustersResult):
        y, x = _pixel(result, state.get("pin"))
        note = f"{note} Similarity is to the pixel at row {y}, column {x} of the picture."
    return note


def numbers_of(state: Mapping[str, Any]) -> set[str]:
    """What the panels of a viewer say of which result they are: "1" for the first that is held."""
    return {panel["of"] for panel in _told(state) if isinstance(panel.get("of"), str)}


def results_of(state: Mapping[str, Any], held: Sequence[Result | None]) -> list[Result]:
    """Those of the held results that a viewer's panels show, each once."""
    wanted = numbers_of(state)
    return [result for number, result in enumerate(held, 1) if result is not None and str(number) in wanted]


def _told(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    panels = state.get("panels")
    return [panel for panel in panels if isinstance(panel, Mapping)][:4] if isinstance(panels, list) else []


def _panels(
    atlas: Atlas, result: Result, state: Mapping[str, Any], held: Sequence[Result | None]
) -> tuple[list[_Shown], bool]:
    """What each panel shows, and whether there is one for what they differ by."""
    told, wanted = _told(state), numbers_of(state)
    results = {0: result} | {n: one for n, one in enumerate(held, 1) if one is not None and str(n) in wanted}
    atlases, names = {0: atlas}, dict(zip(results, _names(list(results.values())), strict=True))
    shown = []
    for panel in told or atlas.facts.get("panels") or [{}]:
        of = next((number for number in results if panel.get("of") == str(number)), 0)
        if panel.get("of") == DIFFERENCE:
            continue
        own = atlases.setdefault(of, atlas if of == 0 else atlas_of(results[of], None))
        first = {axis.name: axis.values[axis.first] for axis in own.axes}
        known = {axis.name: panel[axis.name] for axis in own.axes if panel.get(axis.name) in axis.values}
        choice = first | known
        if isinstance(asked := results[of], AttentionResult):
            own = with_answer(own, asked, choice, state)
        shown.append(_Shown(results[of], own, choice, names[of]))
    if not shown:
        return _panels(atlas, result, {**state, "panels": []}, held)
    return shown, len(shown) > 1 and any(panel.get("of") == DIFFERENCE for panel in told)


def _names(results: Sequence[Result]) -> list[str]:
    """What sets each result apart; a letter for each where that is not told, and "" for one alone."""
    if len(results) == 1:
        return [""]
    names = apart([one.request for one in results])
    return names if all(names) and len(set(names)) == len(names) else [chr(ord("A") + n) for n in range(len(names))]


def _between(shown: Sequence[_Shown], grids: Sequence[Any], look: Look, state: Mapping[str, Any], side: int) -> Panel:
    """The first two maps' signed difference, or the share of panels that do not have the most frequent label."""
    first, second = grids[:2]
    place = Block({}, (), None, _picture(shown[0]), signed=bool(first))
    if first and second and first[1].shape == second[1].shape:
        grid = first[1] - second[1]
        top = float(np.abs(grid).max())
        return _panel(replace(shown[0], named="A − B"), (place, grid), (-top, top), look, state, side, title="A − B")
    labels = [found for one in shown if (found := _find(one.atlas.labels, one.choice)) and _votes(one)]
    if not first and len(labels) > 1 and len({one.values.shape for one in labels}) == 1:
        named = np.stack([np.array(one.names)[one.values] for one in labels])
        votes = np.max([(named == other).sum(0) for other in named], axis=0)
        grid, most = 1 - votes / len(labels), 1 - 1 / len(labels)
        title = "share of the results that do not have the most frequent label"
        return _panel(shown[0], (place, grid.astype(np.float32)), (0.0, most), look, state, side, title=title)
    return Panel(_plain(shown[0], look, side), "A − B: the grids differ" if first else "A − B: no difference")


def _votes(one: _Shown) -> bool:
    """Whether what a panel's labels are called means the same in every result: of clusters only the numbers agree."""
    return any(value in one.atlas.facts.get("votes", ()) for value in one.choice.values())


def _picture(one: _Shown) -> str:
    """The key of the picture below what a panel shows."""
    part = _find(one.atlas.blocks, one.choice) or _find(one.atlas.labels, one.choice)
    return part.picture if part else next(iter(one.atlas.pictures))


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


def _find(parts: Sequence[Any], choice: Choice) -> Any:
    """The block or labels at a choice, or None."""
    return next((part for part in parts if all(choice[axis] == value for axis, value in part.at.items())), None)


def _grid(one: _Shown, pin: Any) -> tuple[Block, np.ndarray] | None:
    """The block of a panel's choice and its map (h, w), or None where labels or a picture are shown."""
    block = _find(one.atlas.blocks, one.choice)
    if block is None:
        return None
    if isinstance(one.result, ClustersResult) and block.computed:
        return block, one.result.similarity(*_pixel(one.result, pin))
    if block.maps is None:  # a question whose answer was not kept
        return None
    maps: Any = block.maps
    for name in block.inner:
        axis = _axis(one.atlas, name)
        maps = maps[min(axis.values.index(one.choice[name]), len(maps) - 1)]
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
    one: _Shown,
    own: tuple[Block, np.ndarray] | None,
    span: tuple[float, float] | None,
    look: Look,
    state: Mapping[str, Any],
    side: int,
    title: str = "",
) -> Panel:
    atlas, choice = one.atlas, one.choice
    title = title or " · ".join(filter(None, (one.named, _title(atlas, choice))))
    if own is None or span is None:
        return Panel(_plain(one, look, side), title)
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


def _plain(one: _Shown, look: Look, side: int) -> np.ndarray:
    """Labels over their picture, or the picture alone."""
    atlas, choice = one.atlas, one.choice
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
    usual = atlas.facts.get("usual") or {}
    told = [axis for axis in atlas.axes if axis.name in named and choice[axis.name] != usual.get(axis.name)]
    several = [axis for axis in told if len(axis.values) > 1 or axis.name in NAMED] or told
    return " · ".join(_word(atlas, axis, choice, part) for axis in several)


def _word(atlas: Atlas, axis: Axis, choice: Choice, part: Any) -> str:
    names: Sequence[str] = axis.shown
    ticks = (atlas.facts.get("ticks") or {}).get(axis.name)
    if ticks:
        names = ticks[choice[str(atlas.facts["ticksBy"])]]
    return names[min(axis.values.index(choice[axis.name]), len(names) - 1)]
