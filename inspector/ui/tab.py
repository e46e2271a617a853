"""Tab: what each of the four says of itself, so that running, linking and saving are written once."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from inspector.errors import BusyError, ChoiceError, InputError
from inspector.ui import controls, links, parts, scenes
from inspector.ui.costs import Costs
from inspector.ui.pictures import UPLOADS, save
from inspector.ui.session import RESULTS, fingerprint
from inspector.ui.source import Source, told
from inspector.ui.viewer import showing, viewer
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.recipes import as_command, as_python


@dataclass(frozen=True)
class Subject:
    """A tab's functions.

    make: (image, scene, *values of the fields) -> request
    fields: request -> {field: value}, in the order of `make`
    first: () -> the request of the first example, whose values an address need not tell
    notes: result -> HTML of the tables below the viewer
    figure: (result, look, choice, before, scale) -> Sheet; choice: axis -> value of the viewer's active panel; before:
        the result that the visitor saw before in this tab, or None; scale: of the usual size
    pairs: whether the figure shows `before` too
    edit: (result, word or class, text, *values of the tab's `edit_inputs`) -> the request with the text in its place;
        None where nothing can be replaced
    live: fields that what is shown follows by itself, so that Run has nothing to say of them
    as_shown: (result, what the viewer remembers) -> the result as the viewer shows it, for files of it
    complete: what an address leaves open, from what it says: (values, whether it names a picture) -> values
    """

    name: str
    make: Callable[..., Any]
    fields: Callable[[Any], dict[str, Any]]
    first: Callable[[], Any]
    notes: Callable[[Any], str]
    figure: Callable[[Any, Look, Mapping[str, str], Any, int], Sheet]
    complete: Callable[[dict[str, Any], bool], dict[str, Any]] = lambda values, pictured: values
    pairs: bool = False
    edit: Callable[..., Any] | None = None
    live: tuple[str, ...] = ()
    as_shown: Callable[[Any, Mapping[str, Any]], Any] = lambda result, state: result

    def link(self, request: Any) -> dict[str, str]:
        """The parameters of the address that leads to a request; {} where none does, since a file said more."""
        usual = self.complete(self.fields(self.first()), request.image is not None)
        told = links.describe(self.name, request, self.fields(request), usual)
        try:
            back = self.request(links.Link(self.name, {name: text for name, text in told.items() if name != "tab"}))
        except InputError:
            return {}
        return told if fingerprint(back) == fingerprint(request) else {}

    def request(self, link: links.Link) -> Any:
        """The request that an address asks for.

        Raises ImageError for an uploaded picture that is gone, InputError for what the request refuses.
        """
        values = links.values(link, self.fields(self.first()))
        pictured = "scene" in link.given or "image" in link.given
        values = self.complete(values, pictured)
        if "image" in link.given:
            source: tuple[Any, Any] = (save(UPLOADS.get(link.given["image"]), gr.utils.get_upload_folder()), None)
        elif "scene" in link.given:
            source = (None, links.scene(link.given["scene"]))
        else:
            source = (None, self.first().scene)
        return self.make(*source, *values.values())


def picture_of(request: Any) -> str:
    """Which picture a result is of, in words."""
    if request.image is None:
        return "a generated picture"
    if request.scene is not None:
        return f"drawn scene {request.scene}"
    notes = UPLOADS.notes(request.image)
    return f"an own picture ({'; '.join(notes)})" if notes else "an own picture"


def tab_of(result: Any) -> str:
    """The name of the tab whose result this is."""
    return type(result).__name__.removesuffix("Result").lower()


def kept(key: str, tab: str) -> Any:
    """The result of a key. Raises InputError where it is no longer kept, ChoiceError where it is another tab's."""
    result = RESULTS.get(key)
    if tab_of(result) != tab:
        raise ChoiceError("That result is of another tab; open it there.")
    return result


@dataclass(frozen=True)
class Example:
    """A button, the request that it fills the controls with and runs, and how the viewer begins with it."""

    button: gr.Button
    request: Callable[[], Any]
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Together:
    """A button that asks all at once of what the controls ask, and says so in them.

    request: what the controls ask -> what is run instead. state: how the viewer begins with it.
    """

    button: gr.Button
    request: Callable[[Any], Any]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Tab:
    """A tab's functions and components.

    edited: no eye sees it; the browser presses it when somebody has written over a word.
    todo: {nonce, how, state, held} where what the controls say is still to be computed, as `runs.asking` makes it, or
        None.
    triggers: events that run it, beside those of its examples.
    refusal: (visitor, (session, number) of the question whose place is taken) -> why no run is let in, or None.
    edit_inputs: components that say how a word that is written over is asked for.
    costs: where what a run keeps is told before it, or None.
    """

    subject: Subject
    controls: Mapping[str, Any]
    status: gr.HTML
    viewer: gr.HTML
    notes: gr.HTML
    todo: gr.JSON
    edited: gr.Button
    run: gr.Button
    stop: gr.Button
    triggers: Sequence[Any]
    examples: Sequence[Example]
    together: Sequence[Together] = ()
    refusal: Callable[[str, Any], BusyError | None] = lambda who, besides: None
    edit_inputs: Sequence[Any] = ()
    costs: Costs | None = None

    @property
    def outputs(self) -> list[Any]:
        """What shows a result."""
        return [self.status, self.viewer, self.notes]

    def shown(
        self,
        key: str,
        how: str,
        before: str = "",
        state: Mapping[str, Any] | None = None,
        held: Sequence[str] | None = None,
        edited: Any = None,
    ) -> dict[Any, Any]:
        """component -> value that shows the result of a key.

        before: HTML above the status line. held: keys of the results that stand beside it from the start; None leaves
        those that the page holds. edited: the browser's number of the change that it answers. Else as `showing`.
        """
        result = RESULTS.get(key)
        recipes = parts.recipes(as_python(result.request), as_command(result.request))
        value = self._value(key, how, state) | ({"edited": edited} if isinstance(edited, int) else {})
        if held is not None:
            value["held"] = [self._value(other, how) for other in held]
        return {
            self.status: before + parts.done(result.provenance, picture_of(result.request)),
            self.viewer: value,
            self.notes: self.subject.notes(result) + recipes,
        }

    def _value(self, key: str, how: str, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = RESULTS.get(key).request
        asked = {name: links.text(value) for name, value in self.subject.fields(request).items() if value is not None}
        return showing(key, self.subject.link(request), how, state, asked | {"picture": picture_of(request)})

    def filled(self, source: Source, request: Any) -> dict[Any, Any]:
        """component -> value that says what a request says. A generated picture leaves the shared one alone."""
        own = {self.controls[name]: value for name, value in self.subject.fields(request).items()}
        if request.image is None:
            return own
        path = scenes.file(request.scene) if request.scene is not None else None
        path = path or save(request.image, gr.utils.get_upload_folder())
        return own | {source.picture: path, source.scene: request.scene, source.about: told(request.scene)}


def assemble(
    subject: Subject,
    handler: Callable[..., Any],
    own: Mapping[str, Any],
    todo: gr.JSON,
    buttons: tuple[gr.Button, gr.Button],
    triggers: Sequence[Any],
    examples: Sequence[Example],
    together: Sequence[Together] = (),
    edit_inputs: Sequence[Any] = (),
) -> Tab:
    """What every tab ends with, below its own controls: status line, viewer and tables, and its endpoint `handler`.

    own: field -> control, of which the endpoint takes those that it has a parameter for; buttons: Run and Stop.
    """
    asked = inspect.signature(handler).parameters
    controls.endpoint(subject.name, handler, [component for name, component in own.items() if name in asked])
    status = gr.HTML(parts.placeholder("Press Run, or choose an example."), elem_classes="status-line")
    return Tab(
        subject,
        own,
        status,
        viewer(subject.name),
        gr.HTML(elem_classes="told"),
        todo,
        gr.Button("Run with the other word", visible="hidden", elem_classes=f"edit-{subject.name}"),
        *buttons,
        triggers,
        examples,
        together,
        edit_inputs=edit_inputs,
    )
