"""Taking away: what is shown as figures, data and caption, and saved data back on the page."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import gradio as gr

from inspector import results
from inspector.errors import ChoiceError
from inspector.results import (
    AttentionResult,
    ClustersResult,
    SaliencyResult,
    check_choice,
    check_number,
    check_scene,
    check_text,
    quoted,
)
from inspector.settings import settings
from inspector.ui import doors, parts, runs, turns
from inspector.ui.controls import whole
from inspector.ui.guard import guard
from inspector.ui.pictures import UPLOADS, resolve, save
from inspector.ui.session import RESULTS
from inspector.ui.share import visitor
from inspector.ui.source import Source
from inspector.ui.tab import Tab
from inspector.ui.viewer import choice_of, look_of
from inspector.views import animation
from inspector.views.archive import fault_of, load_request, load_result
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from inspector.views.export import KINDS, check_scale, record, write_result
from inspector.views.figure import Sheet
from inspector.views.layout import CELL, Layout
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.recipes import as_command, as_python
from inspector.views.shown import sheet as shown_sheet

ALL_KINDS = (*KINDS, *animation.KINDS)
LAYOUTS = ("all maps, as in the paper", "what the viewer shows")
LARGEST = 400_000_000  # bytes of a file that a visitor gives, and of the arrays in it
VALUES = 40_000_000  # of the largest array that is made to show such a file; some copies of it are made on the way
PIXELS = 100_000_000  # of a figure
TABS = ("saliency", "attention", "clusters", "segmentation")
STATE = ("colormap", "opacity", "scale", "smooth", "threshold", "show", "pin", "active", "panels")
LONGEST_STATE = 1000  # characters of a text in it
_TAKEN = "(_, ...rest) => [DenseViewer.shell.taken(), ...rest]"
# What a file that was changed by hand can make of the code that reads it.
_BROKEN = (
    AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError, cv2.error,
)  # fmt: skip
# Files are written and read one at a time, beside the runs.
FILES: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "files", "concurrency_limit": 1}


def build(tabs: Mapping[str, Tab]) -> None:
    """What writes files of what the open tab shows."""
    taken = gr.JSON(visible="hidden")
    with gr.Row():
        kinds = gr.CheckboxGroup(
            [kind.upper() for kind in ALL_KINDS],
            value=["PNG"],
            label="Figure as",
            info="PDF and SVG hold exact pixels and real text; GIF and WEBM play what the viewer shows.",
            min_width=200,
        )
        layout = gr.Radio(
            LAYOUTS, value=LAYOUTS[0], label="Figure of", info="Every map as in the paper, or the viewer's panels."
        )
        scale = gr.Slider(1, 4, 2, step=1, label="Scale", info="Of the figure's pictures; 2 suits print.")
        earlier = gr.Checkbox(
            False, label="Clusters: the case before, above", info="As in the paper's Figure 4: two cases."
        )
    button = gr.Button("Save figure, data and caption", size="sm")
    files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False)
    caption = gr.HTML()

    @guard
    def take(asked: gr.Request, shown: Any, chosen: Any, of: Any, factor: Any, beside: Any) -> Any:
        who, started = visitor(asked), time.monotonic()
        turns.SHARE.admit(who)
        try:
            written = write(tabs, shown, chosen, factor, beside, of == LAYOUTS[1])
        finally:
            turns.SHARE.charge(who, time.monotonic() - started)
        text = next(file for file in written if file.name == "caption.txt").read_text(encoding="utf-8")
        return gr.update(value=[str(file) for file in written], visible=True), parts.caption(text)

    button.click(
        take,
        [taken, kinds, layout, scale, earlier],
        [files, caption],
        js=_TAKEN,
        show_progress="minimal",
        **FILES,
    )


def write(tabs: Mapping[str, Tab], shown: Any, kinds: Any, scale: Any, beside: Any, panels: bool = False) -> list[Path]:
    """Write figures, data, caption and the picture itself; returns their paths.

    shown: {tab, key, earlier, state} as the page says; kinds: of `ALL_KINDS`, in any case, each written once. Nothing
    of it is trusted. panels: the figure is of what the viewer shows, and not in the paper's layout. Raises InputError
    where nothing is shown, or it is no longer kept, and for a kind, a scale or a state that cannot be.
    """
    told = shown if isinstance(shown, dict) else {}
    name, key, earlier = (told.get(part) for part in ("tab", "key", "earlier"))
    if not isinstance(name, str) or name not in tabs or not isinstance(key, str):
        raise ChoiceError("There is nothing to save yet: press Run, or choose an example.")
    kinds, scale, state = asked_for(kinds), whole(scale), state_of(told.get("state"))
    check_scale(scale)
    subject, result = tabs[name].subject, _kept(key, name)
    before = None
    if beside and subject.pairs and isinstance(earlier, list) and earlier and isinstance(earlier[0], str):
        before = _kept(earlier[0], name) if RESULTS.has(earlier[0]) else None
    look = look_of(state)
    if panels:
        sheet, before = shown_sheet(result, look, state, scale), None
        check_size(sheet, scale)
    else:
        # Its size is known from small pictures, before large ones are made.
        sheet = subject.figure(result, look, choice_of(state), before, 1)
        check_size(sheet, scale)
        sheet = subject.figure(result, look, choice_of(state), before, scale) if scale > 1 else sheet
    others = [] if before is None else [before]
    moving = {kind: animation.animation(result, look, state, kind, scale) for kind in kinds if kind in animation.KINDS}
    folder = Path(runs.fresh_folder())
    files = write_result(result, folder, look, sheet, scale, tuple(kind for kind in kinds if kind in KINDS), others)
    for kind, data in moving.items():
        files.append(folder / f"steps.{kind}")
        files[-1].write_bytes(data)
    if result.request.image is not None:
        files.append(Path(save(result.request.image, folder)).rename(folder / "picture.png"))
    return files


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


def _kept(key: str, tab: str) -> Any:
    """The result of a key. Raises ChoiceError where it is another tab's."""
    result = RESULTS.get(key)
    if tab_of(result) != tab:
        raise ChoiceError("That result is of another tab; open it there.")
    return result


def tab_of(result: Any) -> str:
    """The name of the tab whose result this is."""
    return type(result).__name__.removesuffix("Result").lower()


def connect_saved(tabs: Mapping[str, Tab], chooser: gr.Tabs, source: Source) -> None:
    """Let the upload of saved data show it again: maps.npz as it was, result.json by running its request."""
    everything = {part for tab in tabs.values() for part in (*tab.outputs, tab.todo, *tab.controls.values())}
    outputs = [chooser, source.picture, source.scene, source.about, *everything]
    source.saved.upload(on_saved(tabs, chooser, source), source.saved, outputs, show_progress="hidden", **FILES)


def on_saved(tabs: Mapping[str, Tab], chooser: gr.Tabs, source: Source) -> Callable[..., Any]:
    """A handler: gradio's request and the path of a saved file to component -> value.

    A file that cannot be shown changes nothing.
    """

    @guard
    def show(asked: gr.Request, path: Any) -> dict[Any, Any]:
        content = doors.read(path, LARGEST)
        if len(content) > LARGEST:
            raise ChoiceError(f"The file has more than {LARGEST / 1e6:g} MB; at most that much is read.")
        if str(path).lower().endswith(".json"):
            name, values = load_request(content)
            check_choice("tab", name, tuple(tabs))
            request = request_of(name, values)
            if not tabs[name].subject.link(request):
                raise ChoiceError("result.json holds choices that the page has no control for; open maps.npz instead.")
            shown = runs.asking(tabs[name], request, asked, "fresh")
        else:
            result = checked(tabs, load_result(content, LARGEST))
            name, request = tab_of(result), result.request
            shown = tabs[name].shown(keep(result), "fresh")
        return {chooser: gr.Tabs(selected=name), **tabs[name].filled(source, request), **shown}

    return show


def checked(tabs: Mapping[str, Tab], result: Any) -> Any:
    """A result from a file, once everything that shows it has worked on it.

    Its parts fit together, or it would be no result; how much is made of them is looked at before any is. Raises
    ChoiceError where that is too much, or where something cannot be shown after all.
    """
    name = tab_of(result)
    check_choice("tab", name, tuple(tabs))
    needed, allowed = values_of(result)
    if needed > allowed:
        raise ChoiceError(
            f"Showing this file would take {needed / 1e6:.0f} million values; at most {allowed / 1e6:.0f} million are "
            "made here. Use fewer classes or steps, or a smaller picture."
        )
    subject = tabs[name].subject
    try:
        pack(atlas_of(result))
        subject.notes(result)
        sheet = subject.figure(result, Look(), {}, None, 1)
        if pixels_of(sheet, 1) <= PIXELS:  # else it is shown all the same, and its figure refused when asked for
            draw(sheet)
        record(result)
        subject.link(result.request)
        as_python(result.request)
        as_command(result.request)
    except _BROKEN as error:
        why = " ".join(str(error).split())[:160]
        raise ChoiceError(f"The file was changed since it was saved: its parts do not fit together ({why}).") from None
    return result


def values_of(result: Any) -> tuple[int, int]:
    """How many values the largest array has that is made to show a result, and how many it may have.

    For the classes that is what the largest request makes here, however a file came by its picture.
    """
    request, limits = result.request, settings().limits
    if isinstance(result, AttentionResult):
        largest = max(layer.shape[-2] * layer.shape[-1] for layers in result.maps.values() for layer in layers.values())
        return max(map(len, result.steps.values())) * len(result.tokens) * largest, VALUES
    height, width = request.image.shape[:2]
    most = max(VALUES, limits.max_classes * limits.work_side**2)
    if isinstance(result, ClustersResult):
        return max(result.features.size, 3 * height * width), most
    grids = result.grid_signed if isinstance(result, SaliencyResult) else result.grid_scores
    # A grid is copied for every picture of a class; 256 x 256 cells of 64 classes are the most that a model here has.
    return max(16 * grids.size, len(result.names) * height * width), most


def keep(result: Any) -> str:
    """The key under which a result from a file is kept, with its picture.

    It is never taken for the answer to its request: that would let one visitor answer another.
    """
    if result.request.image is not None and result.request.scene is None:
        UPLOADS.put(result.request.image)
    return RESULTS.put_aside(result)


def request_of(tab: str, values: Mapping[str, Any]) -> Any:
    """The request that a result.json tells; its picture is the drawn scene it names.

    Raises InputError where the picture was an upload, or a name or a value does not fit.
    """
    check_choice("tab", tab, TABS)
    kind = getattr(results, f"{tab.capitalize()}Request")
    given = {name: value for name, value in values.items() if name not in ("image", "masks", "scene")}
    scene = values.get("scene") if values.get("image") is not None else None
    if values.get("image") is not None:
        if scene is None:
            raise ChoiceError("result.json does not hold the uploaded picture; open maps.npz, which does.")
        check_scene(scene)
    if fault := fault_of(kind, (*given, *(("image",) if scene is not None else ()))):
        raise ChoiceError(f"result.json was changed since it was saved: {fault}.")
    return kind(**given, **({} if scene is None else resolve(None, scene)))
