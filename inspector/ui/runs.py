"""Runs: a pipeline's stream driven in one thread, watched, stopped, and its result kept."""

import contextvars
import importlib
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import InspectorError, ModelError
from inspector.results import Progress
from inspector.ui import parts
from inspector.ui.guard import warn
from inspector.ui.session import RESULTS
from inspector.views.export import record, write_result
from inspector.views.look import Look

_END = object()
_waiting: set[object] = set()  # one mark per run that a visitor waits for


def drive(stream: Callable[[], Generator[Any, None, None]], visitor: bool = True) -> Iterator[Any]:
    """Yield what `stream()` yields, each step computed in one thread of its own, errors included.

    Gradio resumes a generator in whichever thread is free and closes it in the server's own, while torch's
    gradient mode and its locks belong to a thread. Closing this generator waits for nothing: the step that is
    under way ends, then the stream is closed in its own thread.

    visitor: False for work in the background, which gives way to visitors (see `idle`).
    """
    context = contextvars.copy_context()  # the request that a ZeroGPU host charges
    thread = ThreadPoolExecutor(1, "run")
    mark = object()
    if visitor:
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


def compute(tab: str, request: Any, visitor: bool = True) -> Iterator[Progress | str]:
    """Progress of a request, then the key of its result, which is kept; a known result comes at once."""
    key = RESULTS.find(request)
    if not key:
        (pipeline,) = load_pipelines([tab])
        for item in drive(lambda: pipeline.stream(request), visitor):
            if isinstance(item, Progress):
                yield item
            else:
                key = RESULTS.put(item)
    yield key


def on_page(tab: str, make: Callable[..., Any]) -> Callable[..., Iterator[tuple[Any, Any]]]:
    """A handler of the page: the values of the controls to (status line, key of the result).

    An error becomes a sentence in the status line and the earlier result stays. A model that cannot be had
    is replaced by the embedded one, and the status line says so.
    """

    def run(*values: Any) -> Iterator[tuple[Any, Any]]:
        try:
            request = make(*values)
            try:
                yield from _watch(tab, request)
            except ModelError as error:
                own = embedded(request)
                if own == _models(request):
                    raise
                warn(error)
                yield from _watch(tab, replace(request, **own), f"{error} Went on with {' and '.join(own.values())}.")
        except InspectorError as error:
            warn(error)
            yield parts.problem(str(error)), gr.skip()

    return run


def _watch(tab: str, request: Any, before: str = "") -> Iterator[tuple[Any, Any]]:
    first = parts.problem(before) if before else ""
    for item in compute(tab, request):
        if isinstance(item, Progress):
            yield first + parts.progress(item), gr.skip()
        else:
            yield first + parts.done(RESULTS.get(item).provenance), item


def _models(request: Any) -> dict[str, str]:
    return {name: getattr(request, name) for name in ("model", "clip", "diffusion") if hasattr(request, name)}


def embedded(request: Any) -> dict[str, str]:
    """The request's model fields, each with its default, which is the embedded model of its kind."""
    own = type(request).__dataclass_fields__
    return {name: str(own[name].default) for name in _models(request)}


def answer(tab: str, make: Callable[[], Any]) -> Iterator[tuple[Any, Any, Any]]:
    """What a named endpoint yields: (figure, numbers, files), on the way only the progress as `numbers`.

    Raises gr.Error with the sentence of what went wrong, which the client gets.
    """
    try:
        for item in compute(tab, make()):
            if isinstance(item, Progress):
                yield None, {"step": item.step, "total": item.total, "message": item.message}, None
            else:
                result = RESULTS.get(item)
                files = write(result)
                yield files[0], record(result), files
    except InspectorError as error:
        raise gr.Error(str(error), print_exception=False) from None


def write(result: Any, look: Look | None = None, sheet: Any = None) -> list[str]:
    """Write figure, maps and numbers where the page may hand them out, and where they are cleared away in time."""
    cache = Path(gr.utils.get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="result-", dir=cache)
    return [str(path) for path in write_result(result, folder, look, sheet)]


@dataclass(frozen=True)
class Example:
    """A button that fills controls, then runs. fill: () -> the values of `outputs`, or a generator of them."""

    button: gr.Button
    outputs: Sequence[Any]
    fill: Callable[[], Any]


def preset(button: gr.Button, values: Mapping[Any, Any]) -> Example:
    """An example that gives each component its value."""
    chosen = list(values.values())
    return Example(button, list(values), lambda: chosen)


def connect(
    tab: str,
    make: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: tuple[gr.HTML, gr.State],
    triggers: Sequence[Any],
    stop: gr.Button,
    examples: Sequence[Example],
) -> None:
    """Let `triggers` and the examples run the pipeline, one run at a time on the whole page, and Stop end it.

    inputs: the controls `make` takes; outputs: status line and the key of the result.
    """
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    on_gpu = quiet | {"concurrency_id": "gpu", "concurrency_limit": 1}
    handler = on_page(tab, make)
    started = [gr.on(list(triggers), handler, list(inputs), list(outputs), **on_gpu)]
    for example in examples:
        filled = example.button.click(example.fill, None, list(example.outputs), **on_gpu)
        started += [filled, filled.then(handler, list(inputs), list(outputs), **on_gpu)]
    stop.click(parts.stopped, None, outputs[0], cancels=started, queue=False, **quiet)
