"""Taking away: what is shown as figures, data and caption, with a preview of the figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import gradio as gr

from inspector.errors import ChoiceError, ImageError
from inspector.results import check_choice, check_number, check_text, quoted
from inspector.ui import doors, parts, places, runs, turns
from inspector.ui.controls import whole
from inspector.ui.guard import explained, guard, warn
from inspector.ui.links import HELD
from inspector.ui.pictures import save
from inspector.ui.session import RESULTS
from inspector.ui.tab import Tab, kept
from inspector.ui.viewer import choice_of, look_of
from inspector.views import animation
from inspector.views.export import COLUMNS, KINDS, check_scale, inches_of, write_result
from inspector.views.figure import Sheet
from inspector.views.layout import CELL, Layout, with_pixels
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.shown import numbers_of, results_of
from inspector.views.shown import sheet as shown_sheet
from inspector.views.strips import DPI
from inspector.views.zipped import write_zip

ALL_KINDS = (*KINDS, *animation.KINDS)
LAYOUTS = ("all maps, as in the paper", "what the viewer shows")
WIDTHS: Mapping[str, int | None] = {"by scale": None} | {
    f"{name} ({COLUMNS[count]:g} in)": count for name, count in (("one column", 1), ("two columns", 2))
}
PIXELS = 100_000_000  # of a figure
PREVIEW = 1_200_000  # of its preview
STATE = (
    *("colormap", "opacity", "scale", "smooth", "threshold", "fade", "follow", "show", "pin", "active", "panels"),
    *("weights", "region", "rivals", "mixture"),
)
LONGEST_STATE = 1000  # characters of a text in it
_TAKEN = "(_, ...rest) => [DenseViewer.shell.taken(), ...rest]"
# Files are written and read one at a time, beside the runs.
FILES: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "files", "concurrency_limit": 1}


@dataclass(frozen=True)
class Drawn:
    """What a figure shows: a kept result, with how the viewer shows it; make: scale -> the figure.

    beside: the other results in it; held: all that the page holds beside it.
    """

    result: Any
    look: Look
    state: Mapping[str, Any]
    make: Callable[[int], Sheet]
    beside: Sequence[Any] = ()
    held: Sequence[Any] = ()


def build(tabs: Mapping[str, Tab], drawer: gr.Accordion) -> None:
    """What writes files of what the open tab shows, in the drawer that it stands in."""
    taken = gr.JSON(visible="hidden")
    with gr.Row():
        kinds = gr.CheckboxGroup(
            [kind.upper() for kind in ALL_KINDS],
            value=["PNG"],
            label="Figure as",
            info="PDF and SVG hold exact pixels and real text; GIF, WEBM and MP4 play what the viewer shows.",
            min_width=200,
        )
        layout = gr.Radio(
            LAYOUTS, value=LAYOUTS[0], label="Figure of", info="Every map as in the paper, or the viewer's panels."
        )
        wide = gr.Radio(
            list(WIDTHS), value=next(iter(WIDTHS)), label="Width", info="Of a journal's columns, with type to be read."
        )
        scale = gr.Slider(1, 4, 2, step=1, label="Scale", info="Of the pictures, where the width is by scale.")
        earlier = gr.Checkbox(
            False, label="Clusters: the case before, above", info="As in the paper's Figure 4: two cases."
        )
    with gr.Row():
        button = gr.Button("Save figure, data and caption", size="sm")
        every = gr.Button("Save all maps as a ZIP", size="sm")
    label = f"Files, kept here for {places.AGE / 60:.0f} minutes"
    files = gr.File(label=label, file_count="multiple", interactive=False, visible=False)
    caption, seen = gr.HTML(), gr.HTML(elem_classes="figure-preview")

    @guard
    def take(asked: gr.Request, shown: Any, chosen: Any, of: Any, columns: Any, factor: Any, beside: Any) -> Any:
        with turns.charged(asked):
            written = write(tabs, shown, chosen, factor, beside, of == LAYOUTS[1], columns_of(columns))
        text = next(file for file in written if file.name == "caption.txt").read_text(encoding="utf-8")
        return gr.update(value=[str(file) for file in written], visible=True), parts.caption(text)

    @guard
    def take_all(asked: gr.Request, shown: Any) -> Any:
        with turns.charged(asked):
            return gr.update(value=[str(write_maps(tabs, shown))], visible=True)

    def look(asked: gr.Request, shown: Any, chosen: Any, of: Any, columns: Any, factor: Any, beside: Any) -> str:
        try:
            with turns.charged(asked):
                return preview(tabs, shown, chosen, factor, beside, of == LAYOUTS[1], columns_of(columns))
        except Exception as error:  # noqa: BLE001  # the drawer would show the figure of other choices
            return parts.problem(str(explained(error)))

    inputs = [taken, kinds, layout, wide, scale, earlier]
    button.click(take, inputs, [files, caption], js=_TAKEN, show_progress="minimal", **FILES)
    every.click(take_all, taken, files, js=_TAKEN, show_progress="minimal", **FILES)
    changed = [drawer.expand, kinds.change, layout.change, wide.change, scale.change, earlier.change]
    gr.on(changed, look, inputs, seen, js=_TAKEN, trigger_mode="always_last", show_progress="hidden", **FILES)
    files.download(still_kept, None, None, show_progress="hidden", **FILES)


def still_kept(clicked: gr.DownloadData) -> None:
    """Say so where a file is clicked whose time is over: the browser would only say that there is no file."""
    try:
        doors.read(clicked.file.path, 0)
    except ImageError:
        warn(ChoiceError("That file is no longer kept here; press Save again."))


def write(
    tabs: Mapping[str, Tab],
    shown: Any,
    kinds: Any,
    scale: Any,
    beside: Any,
    panels: bool = False,
    columns: int | None = None,
) -> list[Path]:
    """Write figures, data, caption and the picture itself; returns their paths.

    shown: {tab, key, held, earlier, state} as the page says; kinds: of `ALL_KINDS`, in any case, each once. Nothing
    of it is trusted. panels: the figure is of what the viewer shows, and not in the paper's layout; columns: of
    `COLUMNS`, None for a figure by scale. Raises InputError where nothing is shown, or it is no longer kept, and for a
    kind, a scale or a state that cannot be.
    """
    kinds, scale = asked_for(kinds), whole(scale)
    drawn = drawn_of(tabs, shown, beside, panels, bool(set(kinds) & set(animation.KINDS)))
    check_scale(scale)
    if columns is None:
        check_size(drawn.make(1), scale)  # known from small pictures, before large ones are made
    sheet = with_pixels(drawn.make, scale, inches_of(columns))
    result, look = drawn.result, drawn.look
    films = [kind for kind in kinds if kind in animation.KINDS]
    state, held = drawn.state, drawn.held
    moving = {kind: animation.animation(result, look, state, kind, scale, held=held) for kind in films}
    folder, still = Path(runs.fresh_folder()), tuple(kind for kind in kinds if kind in KINDS)
    files = write_result(result, folder, look, sheet, scale, still, drawn.beside, columns)
    for kind, data in moving.items():
        files.append(folder / f"steps.{kind}")
        files[-1].write_bytes(data)
    if moving:
        files.append(folder / "steps.txt")
        files[-1].write_text(animation.caption(result, look, state, held) + "\n", encoding="utf-8")
    if result.request.image is not None:
        files.append(Path(save(result.request.image, folder)).rename(folder / "picture.png"))
    return files


def write_maps(tabs: Mapping[str, Tab], shown: Any) -> Path:
    """Write every map of what the open tab shows, in the viewer's colours. Raises InputError as `write`."""
    drawn = drawn_of(tabs, shown, False, False)
    path = Path(runs.fresh_folder()) / "maps.zip"
    write_zip(drawn.result, path, drawn.look)
    return path


def preview(
    tabs: Mapping[str, Tab], shown: Any, kinds: Any, scale: Any, beside: Any, panels: bool, columns: int | None
) -> str:
    """HTML of the figure that `write` would write, drawn by the same code from small pictures: at its size on paper,
    or, by scale, as large as there is room. Raises as `write`.
    """
    kinds, scale, inches = asked_for(kinds), whole(scale), inches_of(columns)
    check_scale(scale)
    drawn = drawn_of(tabs, shown, beside, panels or not set(kinds) & set(KINDS))
    if not kinds:
        return parts.hint("No figure is chosen: the data and the caption alone are written.")
    sheet = drawn.make(1)
    if inches is None:
        check_size(sheet, scale)
    image = draw(sheet, inches=inches)
    height, width = image.shape[:2]
    told = f"{width / DPI:g} × {height / DPI:.1f} in, as large as here; {width} × {height} pixels, {DPI} to the inch."
    if inches is None:
        layout = Layout(sheet, CELL * scale)
        told = f"{layout.width} × {layout.height} pixels; here it is as wide as the drawer."
    if (shrunk := (PREVIEW / (height * width)) ** 0.5) < 1:
        image = cv2.resize(image, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    return parts.preview(image, told, inches)


def drawn_of(tabs: Mapping[str, Tab], shown: Any, beside: Any, panels: bool, moving: bool = False) -> Drawn:
    """What a figure of the open tab shows; moving: or a film; the values and what is raised: as of `write`."""
    told = shown if isinstance(shown, dict) else {}
    name, key, earlier = (told.get(part) for part in ("tab", "key", "earlier"))
    if not isinstance(name, str) or name not in tabs or not isinstance(key, str):
        raise ChoiceError("There is nothing to save yet: press Run, or choose an example.")
    state = state_of(told.get("state"))
    subject, look = tabs[name].subject, look_of(state)
    result = subject.as_shown(kept(key, name), state)
    keys = told.get("held")
    wanted = keys[: len(HELD)] if isinstance(keys, list) else []
    seen = numbers_of(state) if panels or moving else set()  # what is not shown may be gone
    places = [one if isinstance(one, str) and str(n) in seen else None for n, one in enumerate(wanted, 1)]
    held = tuple(None if one is None else kept(one, name) for one in places)
    if panels:
        shown = tuple(results_of(state, held))
        return Drawn(result, look, state, lambda scale: shown_sheet(result, look, state, scale, held=held), shown, held)
    before = None
    if beside and subject.pairs and isinstance(earlier, list) and earlier and isinstance(earlier[0], str):
        before = kept(earlier[0], name) if RESULTS.has(earlier[0]) else None
    choice = choice_of(state)
    others = () if before is None else (before,)
    return Drawn(result, look, state, lambda scale: subject.figure(result, look, choice, before, scale), others, held)


def columns_of(width: Any) -> int | None:
    """The columns of one of `WIDTHS`. Raises ChoiceError for anything else."""
    check_text("width", width)
    check_choice("width", width, tuple(WIDTHS))
    return WIDTHS[width]


def asked_for(kinds: Any) -> tuple[str, ...]:
    """The kinds of figure that a visitor asks for, each once. Raises ChoiceError for anything else."""
    if not isinstance(kinds, list | tuple):
        raise ChoiceError(f"The figure's kinds are {quoted(kinds)}; choose some of {', '.join(ALL_KINDS)}.")
    found: dict[str, None] = {}
    for kind in kinds:
        check_text("kind", kind)
        check_choice("kind", kind.lower(), ALL_KINDS)
        found[kind.lower()] = None
    return tuple(found)


def state_of(told: Any) -> dict[str, Any]:
    """What a figure needs of what a viewer remembers; {} where it says nothing. Raises ChoiceError for odd numbers."""
    state = {name: told[name] for name in STATE if name in told} if isinstance(told, dict) else {}
    waiting: list[Any] = [state]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item
        elif isinstance(item, str):
            check_text("What the viewer shows", item, LONGEST_STATE)
        elif item is not None and not isinstance(item, bool):
            check_number("A number of the viewer", item, -1e9, 1e9)
    return state


def check_size(sheet: Sheet, scale: int) -> None:
    """Raise ChoiceError for a figure of more pixels than are drawn."""
    pixels = pixels_of(sheet, scale)
    if pixels > PIXELS:
        raise ChoiceError(
            f"The figure would have {pixels / 1e6:.0f} million pixels; at most {PIXELS / 1e6:.0f} million are drawn. "
            "Choose a smaller scale, or save what the viewer shows."
        )


def pixels_of(sheet: Sheet, scale: int) -> int:
    """Pixels of a figure that is drawn at a scale."""
    layout = Layout(sheet, CELL * scale)
    return layout.width * layout.height
