"""Runs: a pipeline's stream driven in one thread, watched, stopped, and its result kept."""

import contextvars
import importlib
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
from inspector.ui.guard import warn
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
_waiting: set[object] = set()  # one mark per run that a visitor waits for
SHARE = Share()


def drive(stream: Callable[[], Generator[Any, None, None]], waited_for: bool = True) -> Iterator[Any]:
    """Yield what `stream()` yields, each step computed in one thread of its own, errors included.

    Gradio resumes a generator in whichever thread is free and closes it in the server's own, while torch's
    gradient mode and its locks belong to a thread. Closing this generator waits for nothing: the step that is
    under way ends, then the stream is closed in its own thread.

    waited_for: False for work in the background, which gives way to visitors (see `idle`).
    """
    context = contextvars.copy_context()  # the request that a ZeroGPU host charges
    thread = ThreadPoolExecutor(1, "run")
    mark = object()
    if waited_for:
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

    who: the visitor whose share of computing it takes, "" for nobody's. Raises InputError where that is used up.
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


def watch(
    tab: Tab, request: Any, who: str, how: str, state: Mapping[str, Any] | None = None
) -> Iterator[dict[Any, Any]]:
    """component -> value while a request runs, then what shows its result. how, state: as `viewer.showing`.

    A model that cannot be had is replaced by the embedded one, and the status line says so; any other error is raised.
    """
    try:
        yield from _watch(tab, request, who, how, state)
    except ModelError as error:
        own = embedded(request)
        if own == models_of(request):
            raise
        warn(error)
        problem = parts.problem(f"{error} Went on with {' and '.join(own.values())}.")
        yield from _watch(tab, replace(request, **own), who, how, state, problem)


def _watch(
    tab: Tab, request: Any, who: str, how: str, state: Mapping[str, Any] | None, before: str = ""
) -> Iterator[dict[Any, Any]]:
    for item in compute(tab.subject.name, request, who):
        if isinstance(item, Progress):
            yield {tab.status: before + parts.progress(item)}
        else:
            yield tab.shown(item, how, before, state)


def on_page(tab: Tab) -> Callable[..., Iterator[dict[Any, Any]]]:
    """A handler of the page: the values of picture, scene and controls to component -> value.

    An error becomes a sentence in the status line and the earlier result stays.
    """

    def run(asked: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        try:
            yield from watch(tab, tab.subject.make(*values), visitor(asked), "carry")
        except InspectorError as error:
            warn(error)
            yield {tab.status: parts.problem(str(error))}

    return run


def on_example(tab: Tab, source: Source, example: Example) -> Callable[..., Iterator[dict[Any, Any]]]:
    """A handler that fills the controls with an example's request, then runs it."""

    def run(asked: gr.Request) -> Iterator[dict[Any, Any]]:
        try:
            request = example.request()
            yield tab.filled(source, request)
            yield from watch(tab, request, visitor(asked), "fresh", state=example.state)
        except InspectorError as error:
            warn(error)
            yield {tab.status: parts.problem(str(error))}

    return run


def linked(tab: Tab, request: Any, who: str) -> Iterator[dict[Any, Any]]:
    """As `watch` for what an address asked for; an error also tells the page that there is nothing to wait for."""
    try:
        yield from watch(tab, request, who, "link")
    except InspectorError as error:
        warn(error)
        yield {tab.status: parts.problem(str(error)), tab.viewer: failing()}


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


def connect(tab: Tab, source: Source, others: Iterable[Any] = ()) -> None:
    """Let the tab's triggers and examples run its pipeline, one run at a time on the whole page, and Stop end it.

    others: further events that run it, which Stop ends too.
    """
    controls = list(tab.controls.values())
    started = [gr.on(list(tab.triggers), on_page(tab), [*source.inputs, *controls], tab.outputs, **GPU)]
    everything = [source.picture, source.scene, source.about, *controls, *tab.outputs]
    for example in tab.examples:
        started.append(example.button.click(on_example(tab, source, example), None, everything, **GPU))
    tab.stop.click(
        parts.stopped,
        None,
        tab.status,
        cancels=[*started, *others],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
