"""Taking away: what is shown as figures, data and caption, and saved data back on the page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import ChoiceError, InspectorError
from inspector.results import check_choice
from inspector.ui import parts, runs
from inspector.ui.guard import guard, warn
from inspector.ui.pictures import resolve, save
from inspector.ui.session import RESULTS
from inspector.ui.tab import Tab
from inspector.ui.viewer import choice_of, look_of
from inspector.views.archive import load_request, load_result
from inspector.views.export import KINDS, write_result

LARGEST = 400_000_000  # bytes of arrays in a file that a visitor gives
_TAKEN = "(_, ...rest) => [DenseViewer.shell.taken(), ...rest]"
# What a file that was changed by hand can make of the code that reads it.
_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError)


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
            scale = gr.Slider(1, 4, 2, step=1, label="Scale", info="Of the figure's pictures; 2 suits print.")
            earlier = gr.Checkbox(
                False, label="Clusters: the case before, above", info="As in the paper's Figure 4: two cases."
            )
        button = gr.Button("Save figure, data and caption", size="sm")
        files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False)
        caption = gr.HTML()

    @guard
    def take(shown: Any, chosen: list[str], factor: float, beside: bool) -> Any:
        written = write(tabs, shown, tuple(kind.lower() for kind in chosen), int(factor), beside)
        text = next(file for file in written if file.name == "caption.txt").read_text(encoding="utf-8")
        return gr.update(value=[str(file) for file in written], visible=True), parts.caption(text)

    button.click(
        take,
        [taken, kinds, scale, earlier],
        [files, caption],
        js=_TAKEN,
        show_progress="minimal",
        api_visibility="private",
    )


def write(tabs: Mapping[str, Tab], shown: Any, kinds: tuple[str, ...], scale: int, beside: bool) -> list[Path]:
    """Write figures, data, caption and the picture itself; returns their paths.

    shown: {tab, key, earlier, state} as the page says, which is not trusted. Raises InputError where nothing is shown,
    or it is no longer kept.
    """
    told = shown if isinstance(shown, dict) else {}
    if told.get("tab") not in tabs or not isinstance(told.get("key"), str):
        raise ChoiceError("There is nothing to save yet: press Run, or choose an example.")
    result = RESULTS.get(told["key"])
    before = [key for key in told.get("earlier") or [] if isinstance(key, str) and RESULTS.has(key)] if beside else []
    look, subject = look_of(told.get("state")), tabs[told["tab"]].subject
    others = [RESULTS.get(key) for key in before]
    sheet = subject.figure(result, look, choice_of(told.get("state")), others, scale)
    folder = Path(runs.fresh_folder())
    files = write_result(result, folder, look, sheet, scale, kinds, others)
    if result.request.image is not None:
        files.append(Path(save(result.request.image, folder)).rename(folder / "picture.png"))
    return files


def connect_saved(tabs: Mapping[str, Tab], chooser: gr.Tabs, source: Any) -> Any:
    """Let the upload of saved data show it again: maps.npz as it was, result.json by running its request."""
    everything = {component for tab in tabs.values() for component in (*tab.outputs, *tab.controls.values())}
    outputs = [chooser, source.picture, source.scene, source.about, *everything]
    return source.saved.upload(on_saved(tabs, chooser, source), source.saved, outputs, **runs.GPU)


def on_saved(tabs: Mapping[str, Tab], chooser: gr.Tabs, source: Any) -> Callable[..., Any]:
    """A handler: path of a saved file to component -> value."""

    def show(asked: gr.Request, path: str) -> Any:
        try:
            name, request, key = opened(path)
            tab = tabs[name]
            yield {chooser: gr.Tabs(selected=name), **tab.filled(source, request)}
            if key:
                yield shown(tab, key)
            else:
                yield from runs.watch(tab, request, runs.visitor(asked), "fresh")
        except InspectorError as error:
            warn(error)
            yield {chooser: gr.skip()}

    return show


def shown(tab: Tab, key: str) -> dict[Any, Any]:
    """What shows a saved result. Raises ChoiceError where its parts do not fit together."""
    try:
        return tab.shown(key, "fresh")
    except _BROKEN as error:
        raise ChoiceError(
            f"The file was changed since it was saved: its parts do not fit together ({error})."
        ) from None


def opened(path: str) -> tuple[str, Any, str]:
    """(tab, request, key of the result) of a saved file; the key is "" for a result.json, which holds no maps.

    A result from a file is never taken for the answer to its request: that would let one visitor answer another.
    """
    if path.lower().endswith(".json"):
        name, values = load_request(path)
        return name, request_of(name, values), ""
    result = load_result(path, LARGEST)
    key = RESULTS.put_aside(result)
    return type(result.request).__name__.removesuffix("Request").lower(), result.request, key


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
