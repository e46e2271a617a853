"""Bringing back: saved data that a visitor gives, shown on the page again; nothing in it is trusted."""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import gradio as gr

from inspector import results
from inspector.errors import ChoiceError
from inspector.results import AttentionResult, ClustersResult, SaliencyResult, check_choice, check_scene
from inspector.settings import settings
from inspector.ui import doors, runs
from inspector.ui.guard import guard
from inspector.ui.pictures import UPLOADS, resolve
from inspector.ui.session import RESULTS
from inspector.ui.source import Source
from inspector.ui.tab import Tab, tab_of
from inspector.ui.take_away import FILES, PIXELS, pixels_of
from inspector.views.archive import fault_of, load_request, load_result
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from inspector.views.export import record
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.recipes import as_command, as_python

LARGEST = 400_000_000  # bytes of a file that a visitor gives, and of the arrays in it
VALUES = 40_000_000  # of the largest array that is made to show such a file; some copies of it are made on the way
TABS = ("saliency", "attention", "clusters", "segmentation")
# What a file that was changed by hand can make of the code that reads it.
_BROKEN = (
    AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError, cv2.error,
)  # fmt: skip


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
    if isinstance(edit := given.get("edit"), dict):
        if fault := fault_of(results.Edit, edit):
            raise ChoiceError(f"result.json was changed since it was saved: {fault}.")
        given["edit"] = results.Edit(**edit)
    return kind(**given, **({} if scene is None else resolve(None, scene)))
