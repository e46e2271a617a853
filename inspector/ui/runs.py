"""Runs: a pipeline's stream driven in one thread, watched, stopped, and its result kept."""

import contextvars
import importlib
import itertools
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import InspectorError, ModelError
from inspector.results import Progress
from inspector.ui import parts
from inspector.ui.session import RESULTS
from inspector.ui.share import Share, visitor
from inspector.ui.source import Source
from inspector.ui.tab import Example, Tab
from inspector.ui.viewer import failing
from inspector.views.export import record, write_result

GPU: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_id": "gpu",
    "concurrency_limit": 1,
}
_END = object()
_nonces = itertools.count(1)  # the same question twice is to be asked twice
_waiting: set[object] = set()  # one mark per run that a visitor waits for
SHARE = Share()


def drive(stream: Callable[[], Generator[Any, None, None]]) -> Iterator[Any]:
    """Yield what `stream()` yields, each step computed in one thread of its own, errors included.

    Gradio resumes a generator in whichever thread is free and closes it in the server's own, while torch's
    gradient mode and its locks belong to a thread. Closing this generator waits for nothing: the step that is
    under way ends, then the stream is closed in its own thread.
    """
    context = contextvars.copy_context()  # the request that a ZeroGPU host charges
    thread = ThreadPoolExecutor(1, "run")
    mark = object()
    _waiting.add(mark)
    source = stream()
    try:
        while (item := thread.submit(lambda: context.run(next, source, _END)).result()) is not _END:
            yield item
    finally:
        _waiting.discard(mark)
        thread.submit(source.close)
        thread.shutdown(wait=False)


def idle() -> bool:
    """Whether no visitor waits for a run."""
    return not _waiting


def load_pipelines(tabs: Iterable[str]) -> list[Any]:
    """The tabs' pipelines; torch comes with the first of them, which takes seconds, so building a page does without."""
    return [importlib.import_module(f"inspector.pipelines.{tab}") for tab in tabs]


def compute(tab: str, request: Any, who: str = "") -> Iterator[Progress | str]:
    """Progress of a request, then the key of its result, which is kept; a known result comes at once.

    who: the visitor whose share of computing it takes, by the clock and with what is fetched meanwhile; "" for
    nobody's. Raises InputError where that is used up.
    """
    key = RESULTS.find(request)
    if not key:
        if who:
            SHARE.admit(who)
        started = time.monotonic()
        (pipeline,) = load_pipelines([tab])
        try:
            for item in drive(lambda: pipeline.stream(request)):
                if isinstance(item, Progress):
                    yield item
                else:
                    key = RESULTS.put(item)
        finally:
            if who:
                SHARE.charge(who, time.monotonic() - started)
    yield key


def asking(tab: Tab, request: Any, how: str = "carry", state: Mapping[str, Any] | None = None) -> dict[Any, Any]:
    """component -> value at once: what shows a known result, else what sets off the run of what the controls say.

    how, state: as `viewer.showing`.
    """
    if key := RESULTS.find(request):
        return tab.shown(key, how, state=state)
    todo = {"nonce": next(_nonces), "how": how, "state": dict(state or {})}
    return {tab.status: parts.placeholder("Waiting for its turn."), tab.todo: todo}


def on_page(tab: Tab) -> Callable[..., dict[Any, Any]]:
    """A handler that no queue holds up: the values of picture, scene and controls to component -> value."""

    def ask(*values: Any) -> dict[Any, Any]:
        try:
            return asking(tab, tab.subject.make(*values))
        except InspectorError as error:
            return failed(tab, error)

    return ask


def on_example(tab: Tab, source: Source, example: Example) -> Callable[..., dict[Any, Any]]:
    """As `on_page`; it also fills the controls with an example's request."""

    def ask() -> dict[Any, Any]:
        try:
            request = example.request()
            return tab.filled(source, request) | asking(tab, request, "fresh", example.state)
        except InspectorError as error:
            return failed(tab, error)

    return ask


def on_turn(tab: Tab) -> Callable[..., Iterator[dict[Any, Any]]]:
    """A handler for the run's turn: what is to do, then the values of picture, scene and controls.

    An error becomes a sentence in the status line and the earlier result stays. A model that cannot be had is replaced
    by the embedded one, and the status line says so.
    """

    def run(asked: gr.Request, todo: Any, *values: Any) -> Iterator[dict[Any, Any]]:
        if not isinstance(todo, dict):
            return
        who = visitor(asked)
        try:
            request = tab.subject.make(*values)
            try:
                yield from _watch(tab, request, who, todo)
            except ModelError as error:
                own = embedded(request)
                if own == models_of(request):
                    raise
                problem = parts.problem(f"{error} Went on with {' and '.join(own.values())}.")
                yield from _watch(tab, replace(request, **own), who, todo, problem)
        except InspectorError as error:
            yield failed(tab, error)

    return run


def failed(tab: Tab, error: InspectorError) -> dict[Any, Any]:
    """component -> value that tells what went wrong; what is shown stays."""
    return {tab.status: parts.problem(str(error)), tab.viewer: failing()}


def _watch(tab: Tab, request: Any, who: str, todo: Mapping[str, Any], before: str = "") -> Iterator[dict[Any, Any]]:
    for item in compute(tab.subject.name, request, who):
        if isinstance(item, Progress):
            yield {tab.status: before + parts.progress(item)}
        else:
            yield tab.shown(item, str(todo.get("how")), before, todo.get("state"))


def models_of(request: Any) -> dict[str, str]:
    """The request's fields that name a model."""
    return {name: getattr(request, name) for name in ("model", "clip", "diffusion") if hasattr(request, name)}


def embedded(request: Any) -> dict[str, str]:
    """The request's model fields, each with its default, which is the embedded model of its kind."""
    own = type(request).__dataclass_fields__
    return {name: str(own[name].default) for name in models_of(request)}


def answer(tab: str, make: Callable[[], Any], asked: gr.Request | None) -> Iterator[tuple[Any, Any, Any]]:
    """What a named endpoint yields: (figure, numbers, files), on the way only the progress as `numbers`.

    Raises gr.Error with the sentence of what went wrong, which the client gets.
    """
    try:
        for item in compute(tab, make(), visitor(asked)):
            if isinstance(item, Progress):
                yield None, {"step": item.step, "total": item.total, "message": item.message}, None
            else:
                result = RESULTS.get(item)
                files = [str(path) for path in write_result(result, fresh_folder())]
                yield files[0], record(result), files
    except InspectorError as error:
        raise gr.Error(str(error), print_exception=False) from None


def fresh_folder() -> str:
    """A new folder whose files the page may hand out, and which is cleared away in time."""
    cache = Path(gr.utils.get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    return tempfile.mkdtemp(prefix="result-", dir=cache)


def connect(tab: Tab, source: Source) -> None:
    """Let triggers and examples ask, each in its turn run the pipeline, one at a time on the page, and Stop end it."""
    controls = list(tab.controls.values())
    at_once: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    inputs = [*source.inputs, *controls]
    # A new question ends the one under way, which is not dropped in its favour.
    turn = tab.todo.change(on_turn(tab), [tab.todo, *inputs], tab.outputs, trigger_mode="multiple", **GPU)
    gr.on(list(tab.triggers), on_page(tab), inputs, [*tab.outputs, tab.todo], cancels=[turn], **at_once)
    everything = [source.picture, source.scene, source.about, *controls, *tab.outputs, tab.todo]
    for example in tab.examples:
        example.button.click(on_example(tab, source, example), None, everything, cancels=[turn], **at_once)
    stopped = tab.stop.click(
        lambda: (parts.stopped(), failing(), None), None, [tab.status, tab.viewer, tab.todo], cancels=[turn], **at_once
    )
    stopped.then(_stopped_for_good, None, tab.status, **at_once)


def _stopped_for_good() -> str:
    """Stopped, said again: a report of progress that was on its way may have come after the first time."""
    time.sleep(0.6)
    return parts.stopped()
