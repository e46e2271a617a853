"""Taking away: what is shown as figures, data and caption, and saved data back on the page."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import gradio as gr

from inspector.errors import ChoiceError
from inspector.results import check_choice
from inspector.ui import parts, runs
from inspector.ui.guard import guard
from inspector.ui.pictures import UPLOADS, resolve, save
from inspector.ui.session import RESULTS
from inspector.ui.share import visitor
from inspector.ui.source import Source
from inspector.ui.tab import Tab
from inspector.ui.viewer import choice_of, look_of
from inspector.views.archive import load_request, load_result
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from inspector.views.export import KINDS, check_scale, record, write_result
from inspector.views.figure import draw
from inspector.views.look import Look
from inspector.views.shown import sheet as shown_sheet

LAYOUTS = ("all maps, as in the paper", "what the viewer shows")
LARGEST = 400_000_000  # bytes of arrays in a file that a visitor gives
_TAKEN = "(_, ...rest) => [DenseViewer.shell.taken(), ...rest]"
# What a file that was changed by hand can make of the code that reads it.
_BROKEN = (
    AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError, cv2.error,
)  # fmt: skip
# Files are written and read one at a time, beside the runs.
FILES: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "files", "concurrency_limit": 1}


def build(tabs: Mapping[str, Tab]) -> None:
    """The section below the tabs that writes files of what the open one shows."""
    with gr.Accordion("Take it away", open=False):
        taken = gr.JSON(visible="hidden")
        with gr.Row():
            kinds = gr.CheckboxGroup(
                [kind.upper() for kind in KINDS],
                value=["PNG"],
                label="Figure as",
                info="Laid out as in the paper. PDF and SVG hold the exact pixels and real text.",
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
    def take(asked: gr.Request, shown: Any, chosen: list[str], of: str, factor: float, beside: bool) -> Any:
        who, started = visitor(asked), time.monotonic()
        runs.SHARE.admit(who)
        written = write(tabs, shown, tuple(kind.lower() for kind in chosen), int(factor), beside, of == LAYOUTS[1])
        runs.SHARE.charge(who, time.monotonic() - started)
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


def write(
    tabs: Mapping[str, Tab], shown: Any, kinds: tuple[str, ...], scale: int, beside: bool, panels: bool = False
) -> list[Path]:
    """Write figures, data, caption and the picture itself; returns their paths.

    shown: {tab, key, earlier, state} as the page says, which is not trusted. panels: the figure is of what the viewer
    shows, and not in the paper's layout. Raises InputError where nothing is shown, or it is no longer kept.
    """
    told = shown if isinstance(shown, dict) else {}
    if told.get("tab") not in tabs or not isinstance(told.get("key"), str):
        raise ChoiceError("There is nothing to save yet: press Run, or choose an example.")
    subject, result = tabs[told["tab"]].subject, _kept(told["key"], told["tab"])
    earlier = told.get("earlier")
    before = None
    if beside and subject.pairs and isinstance(earlier, list) and earlier and isinstance(earlier[0], str):
        before = _kept(earlier[0], told["tab"]) if RESULTS.has(earlier[0]) else None
    look, state = look_of(told.get("state")), told.get("state")
    check_scale(scale)
    if panels:
        sheet, before = shown_sheet(result, look, state if isinstance(state, dict) else {}, scale), None
    else:
        sheet = subject.figure(result, look, choice_of(state), before, scale)
    others = [] if before is None else [before]
    folder = Path(runs.fresh_folder())
    files = write_result(result, folder, look, sheet, scale, kinds, others)
    if result.request.image is not None:
        files.append(Path(save(result.request.image, folder)).rename(folder / "picture.png"))
    return files


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
    """A handler: path of a saved file to component -> value. A file that cannot be shown changes nothing."""

    @guard
    def show(path: str) -> dict[Any, Any]:
        if path.lower().endswith(".json"):
            name, values = load_request(path)
            request = request_of(name, values)
            if not tabs[name].subject.link(request):
                raise ChoiceError("result.json holds choices that the page has no control for; open maps.npz instead.")
            shown = runs.asking(tabs[name], request, "fresh")
        else:
            result = checked(tabs, load_result(path, LARGEST))
            name, request = tab_of(result), result.request
            shown = tabs[name].shown(keep(result), "fresh")
        return {chooser: gr.Tabs(selected=name), **tabs[name].filled(source, request), **shown}

    return show


def checked(tabs: Mapping[str, Tab], result: Any) -> Any:
    """A result from a file, once everything that shows it has worked on it.

    Raises ChoiceError where its parts do not fit together, as they do not in a file that was changed by hand.
    """
    try:
        pack(atlas_of(result))
        subject = tabs[tab_of(result)].subject
        subject.notes(result)
        draw(subject.figure(result, Look(), {}, None, 1))
        record(result)
    except _BROKEN as error:
        raise ChoiceError(
            f"The file was changed since it was saved: its parts do not fit together ({error})."
        ) from None
    return result


def keep(result: Any) -> str:
    """The key under which a result from a file is kept, with its picture.

    It is never taken for the answer to its request: that would let one visitor answer another.
    """
    if result.request.image is not None and result.request.scene is None:
        UPLOADS.put(result.request.image)
    return RESULTS.put_aside(result)


def request_of(tab: str, values: Mapping[str, Any]) -> Any:
    """The request that a result.json tells; its picture is the drawn scene it names.

    Raises ChoiceError where the picture was an upload, or a value does not fit.
    """
    from inspector import results

    check_choice("tab", tab, ("saliency", "attention", "clusters", "segmentation"))
    kind = getattr(results, f"{tab.capitalize()}Request")
    given = {name: value for name, value in values.items() if name not in ("image", "masks", "scene")}
    if values.get("image") is not None:
        if not isinstance(values.get("scene"), int):
            raise ChoiceError("result.json does not hold the uploaded picture; open maps.npz, which does.")
        given |= resolve(None, values["scene"])
    try:
        return kind(**given)
    except (TypeError, AttributeError) as error:
        raise ChoiceError(f"result.json was changed since it was saved: {error}.") from None
