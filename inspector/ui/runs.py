"""Runs: a pipeline's stream driven in one thread, watched, stopped, and its result kept."""

import contextvars
import importlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import gradio as gr

from inspector.errors import BusyError, Cancelled, ChoiceError, InspectorError, ModelError
from inspector.results import LOADED, AttentionRequest, Progress, check_text
from inspector.ui import doors, links, parts
from inspector.ui.controls import QUIET, whole
from inspector.ui.guard import explained
from inspector.ui.line import LINE, Place
from inspector.ui.pictures import UPLOADS
from inspector.ui.session import RESULTS
from inspector.ui.share import visitor
from inspector.ui.source import Source
from inspector.ui.tab import Example, Tab, Together, kept
from inspector.ui.turns import LOOK, WISHES, Caller, in_turn, session_of
from inspector.ui.viewer import failing
from inspector.views.export import inches_of, record, write_result

# Gradio hands every run over at once; the line decides whose turn it is.
GPU: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_id": "gpu",
    "concurrency_limit": None,
}
MODELS = ("model", "clip", "diffusion", "lora", "lora_scale", "embeddings")  # fields that say which models a run is of
_EDITED = "(_, ...rest) => [DenseViewer.shell.edited, ...rest]"
_END = object()
Refusal = Callable[[str, Any], BusyError | None]  # (visitor, (session, number) whose place is taken) -> why not


def drive(stream: Callable[[], Generator[Any, None, None]], check: Callable[[], None] = lambda: None) -> Iterator[Any]:
    """Yield what `stream()` yields, each step computed in one thread of its own, errors included.

    Gradio resumes a generator in whichever thread is free and closes it in the server's own, while torch's
    gradient mode and its locks belong to a thread. Closing this generator waits for nothing: the step that is
    under way ends, then the stream is closed in its own thread. The same where `check` raises, which is looked at
    during a step too.
    """
    context = contextvars.copy_context()  # the request that a ZeroGPU host charges
    thread = ThreadPoolExecutor(1, "run")
    source = stream()
    try:
        while True:
            step = thread.submit(lambda: context.run(next, source, _END))
            while not wait([step], LOOK).done:
                check()
            if (item := step.result()) is _END:
                return
            check()
            yield item
    finally:
        thread.submit(source.close)
        thread.shutdown(wait=False)


def idle() -> bool:
    """Whether no visitor waits for a run."""
    return not len(LINE)


def load_pipelines(tabs: Iterable[str]) -> list[Any]:
    """The tabs' pipelines; torch comes with the first of them, which takes seconds, so building a page does without."""
    return [importlib.import_module(f"inspector.pipelines.{tab}") for tab in tabs]


def compute(tab: str, request: Any, caller: Caller | None = None) -> Iterator[Progress | str]:
    """Progress of a request, then the key of its result, which is kept; a known result comes at once.

    Of the caller's share it takes what the clock says, with what is fetched meanwhile. Raises InputError where that is
    used up, Cancelled where the caller is gone.
    """
    caller = caller or Caller()
    key = RESULTS.find(request)
    if key:
        yield key
        return
    (pipeline,) = load_pipelines([tab])

    def work(place: Place) -> Iterator[Progress | str]:
        if key := RESULTS.find(request):  # somebody before us asked the same
            yield key
            return
        for item in drive(_stream(pipeline, request), caller.check):
            if isinstance(item, Progress):
                place.tell(item.seconds_left)
                yield item
            else:
                yield RESULTS.put(item)

    yield from in_turn(tab, units(request), caller, work)


def _stream(pipeline: Any, request: Any) -> Callable[[], Generator[Any, None, None]]:
    """What computes a request: its pipeline; probe words are asked of a known result where only they are new."""
    if not isinstance(request, AttentionRequest) or not request.probes:
        return lambda: pipeline.stream(request)
    base = replace(request, probes=())
    probes = importlib.import_module("inspector.pipelines.probes")

    def stream() -> Generator[Any, None, None]:
        for item in [] if RESULTS.find(base) else pipeline.stream(base):
            if isinstance(item, Progress):
                yield item
            else:
                RESULTS.put(item)
        yield from probes.stream(probes.Probing(RESULTS.get(RESULTS.find(base)), request.probes))

    return stream


def units(request: Any) -> float:
    """How long a request takes, in the line's units: calls of the UNet where it says how many."""
    return float(sum(request.calls.values())) if hasattr(request, "calls") else 1.0


def asking(
    tab: Tab,
    request: Any,
    asked: Any,
    how: str = "carry",
    state: Mapping[str, Any] | None = None,
    held: Sequence[Any] | None = None,
    edited: Any = None,
) -> dict[Any, Any]:
    """component -> value at once: what shows a known result, else what sets off the run of what the controls say.

    asked: gradio's request. how, state: as `viewer.showing`. held: requests whose results stand beside it from the
    start, or None. edited: the browser's number of the change that is asked for. Raises BusyError where no more runs
    are let in, ChoiceError for a held one that no address tells.
    """
    session, name = session_of(asked), tab.subject.name
    keys = [RESULTS.find(one) for one in (request, *(held or ()))]
    if all(keys):
        WISHES.drop(session, name)
        return tab.shown(keys[0], how, state=state, held=None if held is None else keys[1:], edited=edited)
    if refusal := tab.refusal(visitor(asked), (session, WISHES.last(session, name))):
        raise refusal
    told = None if held is None else [links.query(tab.subject.link(one)) for one in held]
    if told and not all(told):
        raise ChoiceError("Their results cannot be put side by side here; run them one by one, and hold each.")
    todo = {"nonce": WISHES.ask(session, name), "how": how, "state": dict(state or {}), "held": told, "edited": edited}
    return {tab.status: parts.waiting(), tab.todo: todo}


def on_page(tab: Tab) -> Callable[..., dict[Any, Any]]:
    """A handler that no queue holds up: the values of picture, scene and controls to component -> value."""

    def ask(asked: gr.Request, *values: Any) -> dict[Any, Any]:
        try:
            return asking(tab, tab.subject.make(*values), asked)
        except Exception as error:  # noqa: BLE001  # the status line would wait for ever
            return failed(tab, explained(error))

    return ask


def on_together(tab: Tab, together: Together) -> Callable[..., dict[Any, Any]]:
    """As `on_page`, of all at once; the controls then say what was asked."""

    def ask(asked: gr.Request, *values: Any) -> dict[Any, Any]:
        try:
            request = together.request(tab.subject.make(*values))
            own = {tab.controls[name]: value for name, value in tab.subject.fields(request).items()}
            return own | asking(tab, request, asked, "fresh", together.state)
        except Exception as error:  # noqa: BLE001  # likewise
            return failed(tab, explained(error))

    return ask


def on_edit(tab: Tab, source: Source, edit: Callable[..., Any]) -> Callable[..., dict[Any, Any]]:
    """As `on_example`, with the request of the shown result but for the word that was written over."""

    def ask(asked: gr.Request, told: Any, *how: Any) -> dict[Any, Any]:
        try:
            said = told if isinstance(told, dict) else {}
            for name in ("key", "word", "text"):
                check_text(name, said.get(name))
            request = edit(kept(said["key"], tab.subject.name), said["word"], said["text"], *how)
            if not tab.subject.link(request):
                raise ChoiceError(
                    "This result was made with choices that the page has no control for; press Run first."
                )
            return tab.filled(source, request) | asking(tab, request, asked, edited=said.get("id"))
        except Exception as error:  # noqa: BLE001  # likewise
            return failed(tab, explained(error))

    return ask


def on_example(tab: Tab, source: Source, example: Example) -> Callable[..., dict[Any, Any]]:
    """As `on_page`; it also fills the controls with an example's request."""

    def ask(asked: gr.Request) -> dict[Any, Any]:
        try:
            request = example.request()
            return tab.filled(source, request) | asking(tab, request, asked, "fresh", example.state)
        except Exception as error:  # noqa: BLE001  # likewise
            return failed(tab, explained(error))

    return ask


def on_stop(tab: Tab) -> Callable[..., dict[Any, Any]]:
    """A handler: the tab wants no answer any more, whether its run is under way, waits or was only just asked for."""

    def stop(asked: gr.Request) -> dict[Any, Any]:
        session, name = session_of(asked), tab.subject.name
        if not WISHES.last(session, name):
            return {tab.status: gr.skip()}  # nothing is asked for
        WISHES.drop(session, name)
        return {tab.status: parts.stopped(), tab.viewer: failing()}

    return stop


def on_turn(tab: Tab) -> Callable[..., Iterator[dict[Any, Any]]]:
    """A handler for the run's turn: what is to do, then the values of picture, scene and controls.

    An error becomes a sentence in the status line and the earlier result stays. A model that cannot be had is replaced
    by the embedded one, and the status line says so. A run whose question another one took the place of says nothing.
    """

    def run(asked: gr.Request, todo: Any, *values: Any) -> Iterator[dict[Any, Any]]:
        if not isinstance(todo, dict):
            return
        session, name, number = session_of(asked), tab.subject.name, todo.get("nonce")
        caller = Caller.of(asked, lambda: WISHES.holds(session, number))
        try:
            caller.check()
            request = tab.subject.make(*values)
            try:
                yield from _watch(tab, request, caller, todo)
            except ModelError as error:
                own = embedded(request)
                if own == models_of(request):
                    raise
                problem = parts.problem(f"{error} Went on with {' and '.join(own.values())}.")
                instead = tab.subject.fields(replace(request, **own))  # what failed is not named as in use
                yield {tab.controls[name]: instead[name] for name in MODELS if name in tab.controls}
                yield from _watch(tab, replace(request, **own), caller, todo, problem, own)
        except Cancelled as error:
            if not WISHES.last(session, name):
                yield {tab.status: parts.placeholder(str(error)), tab.viewer: failing()}
        except Exception as error:  # noqa: BLE001  # the status line would wait for ever
            if caller.wanted():
                yield failed(tab, explained(error))
        finally:
            WISHES.answered(session, name, number)

    return run


def failed(tab: Tab, error: InspectorError) -> dict[Any, Any]:
    """component -> value that tells what went wrong; what is shown stays."""
    return {tab.status: parts.problem(str(error)), tab.viewer: failing()}


def _watch(
    tab: Tab,
    request: Any,
    caller: Caller,
    todo: Mapping[str, Any],
    before: str = "",
    models: Mapping[str, str] | None = None,
) -> Iterator[dict[Any, Any]]:
    """models: what those that stand beside it are computed with, too, instead of their own."""
    held = None
    if isinstance(told := todo.get("held"), list):
        held = yield from _beside(tab, told, caller, models or {})
    for item in compute(tab.subject.name, request, caller):
        if isinstance(item, Progress):
            yield {tab.status: before + parts.progress(item)}
        else:
            yield tab.shown(item, str(todo.get("how")), before, todo.get("state"), held, todo.get("edited"))


def _beside(
    tab: Tab, told: Sequence[Any], caller: Caller, models: Mapping[str, str]
) -> Generator[dict[Any, Any], None, list[str]]:
    """Compute the requests that addresses tell, with their progress; returns the keys of their results."""
    keys = []
    for query in told[: len(links.HELD)]:
        request = replace(tab.subject.request(links.within(tab.subject.name, query)), **models)
        for item in compute(tab.subject.name, request, caller):
            if isinstance(item, Progress):
                yield {tab.status: parts.progress(item)}
            else:
                keys.append(item)
    return keys


def models_of(request: Any) -> dict[str, str]:
    """The request's fields that name a model."""
    names = ("model", "clip", "diffusion", *(["segmenter"] if getattr(request, "method", "") == LOADED else []))
    return {name: getattr(request, name) for name in names if hasattr(request, name)}


def embedded(request: Any) -> dict[str, str]:
    """The request's model fields, each with its default, which is the embedded model of its kind.

    As they are where no embedded one would do: beside a segmenter, and for an imported head.
    """
    if getattr(request, "method", "") == LOADED or getattr(request, "imported", False):
        return models_of(request)
    own = type(request).__dataclass_fields__
    return {name: str(own[name].default) for name in models_of(request)}


def answer(
    tab: str, make: Callable[[], Any], asked: gr.Request | None, columns: Any = None
) -> Iterator[tuple[Any, Any, Any]]:
    """What a named endpoint yields: (figure, numbers, files), on the way only the progress as `numbers`.

    columns: of a journal, 1 or 2, that the figure is as wide as; None is by scale.

    numbers: the result's record, and in `picture_notes` what reading the picture's file did that one does not see.

    Raises gr.Error with the sentence of what went wrong, which the client gets.
    """
    try:
        columns = whole(columns)
        inches_of(columns)  # before anything is computed
        for item in compute(tab, make(), Caller.of(asked)):
            if isinstance(item, Progress):
                yield None, told(item), None
            else:
                result = RESULTS.get(item)
                files = [str(path) for path in write_result(result, fresh_folder(), columns=columns)]
                image = result.request.image
                notes = () if image is None else UPLOADS.notes(image)
                yield files[0], record(result) | {"picture_notes": list(notes)}, files
    except Exception as error:  # noqa: BLE001  # gradio would answer {"error": null}
        raise doors.sentence(explained(error)) from None


def told(item: Progress) -> dict[str, Any]:
    """Progress as an endpoint tells it."""
    return {"step": item.step, "total": item.total, "message": item.message}


def fresh_folder() -> str:
    """A new folder whose files the page may hand out under a name that nobody can guess."""
    return str(doors.fresh_folder())


def connect(tab: Tab, source: Source) -> None:
    """Let triggers and examples ask, each in its turn run the pipeline, one at a time on the page, and Stop end it."""
    controls = list(tab.controls.values())
    inputs = [*source.inputs, *controls]
    models = [tab.controls[name] for name in MODELS if name in tab.controls]
    turn = tab.todo.change(on_turn(tab), [tab.todo, *inputs], [*tab.outputs, *models], trigger_mode="multiple", **GPU)
    # Not by the handler: it was refused at the queue, or the connection broke.
    turn.failure(lambda: lost(tab), None, [tab.status, tab.viewer], **QUIET)
    gr.on(list(tab.triggers), on_page(tab), inputs, [*tab.outputs, tab.todo], **QUIET)
    everything = [source.picture, source.scene, source.about, *controls, *tab.outputs, tab.todo]
    for together in tab.together:
        told_there = [*controls, *tab.outputs, tab.todo]
        together.button.click(on_together(tab, together), inputs, told_there, **QUIET)
    if tab.subject.edit:
        told = gr.JSON(visible="hidden")
        given = [told, *tab.edit_inputs]
        tab.edited.click(on_edit(tab, source, tab.subject.edit), given, everything, js=_EDITED, **QUIET)
    for example in tab.examples:
        example.button.click(on_example(tab, source, example), None, everything, **QUIET)
    tab.stop.click(on_stop(tab), None, [tab.status, tab.viewer], **QUIET)


def lost(tab: Tab) -> dict[Any, Any]:
    """component -> value where a run was not even begun."""
    return failed(tab, BusyError("The run was not begun, or its answer was lost on the way; press Run to try again."))
