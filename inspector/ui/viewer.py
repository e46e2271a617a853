"""The viewer: what is shown of a recorded result, redrawn from numpy when a control moves; it runs no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from inspector.ui import controls, runs
from inspector.ui.guard import guard
from inspector.ui.pictures import show
from inspector.ui.session import RESULTS
from inspector.views.figure import DARK, LIGHT, Sheet, draw, hit, reflow
from inspector.views.look import Look
from inspector.views.overlay import fit

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 4}
WIDE, NARROW = 1180, 580  # of a figure on a desk and on a phone, pixels
SIDE = 640  # longer side of a close-up, pixels
Point = tuple[float, float] | None
Screen = dict[str, bool] | None  # {"narrow", "dark"}, as the browser says


@dataclass(frozen=True)
class Choice:
    """A control of what is shown. figure: whether the figure depends on it, or the close-up alone."""

    component: Any
    figure: bool = False


@dataclass(frozen=True)
class Viewer:
    """One tab's result: its components, and the functions that fill them.

    figure: (result, look, *choices) -> Sheet
    close: (result, look, point, *choices) -> a value for each component of `outputs`
    adopt: (result, *choices) -> an update for each choice, when a new result arrives
    jump: (result, key of the picture clicked in the figure, *choices) -> the choices' new values
    shape: result -> shape (h, w, ...) of the image that points refer to
    pictures: those of `outputs` that answer to a click.
    frame: what holds it all, hidden until there is a result.
    columns: pictures beside each other in the figure on a wide screen.
    """

    frame: gr.Column
    screen: gr.JSON
    looks: controls.Looks
    choices: Sequence[Choice]
    sheet: gr.Image
    pictures: Sequence[gr.Image]
    outputs: Sequence[Any]
    figure: Callable[..., Sheet]
    close: Callable[..., Sequence[Any]]
    adopt: Callable[..., Sequence[Any]]
    jump: Callable[..., Sequence[Any]]
    shape: Callable[[Any], tuple[int, ...]]
    columns: int = 5
    key: gr.State = field(default_factory=lambda: gr.State(""))
    point: gr.State = field(default_factory=lambda: gr.State(None))

    def wire(self, save: gr.Button, files: gr.File) -> None:
        """Connect every control. Sliders act while they move; of a burst the last value counts."""
        parts, close = [choice.component for choice in self.choices], list(self.outputs)
        everything, common, quiet = [self.sheet, *close], self._common, QUIET
        self.redraw(self.key.change(self._adopt, [self.key, *parts], [self.frame, self.point, *parts], **quiet))
        for component in self.looks.inputs:
            component.input(self._draw_all, common, everything, trigger_mode="always_last", **quiet)
        for choice in self.choices:
            if hasattr(choice.component, "input"):
                handler, outputs = (self._draw_all, everything) if choice.figure else (self._draw_close, close)
                choice.component.input(handler, common, outputs, trigger_mode="always_last", **quiet)
        for picture in self.pictures:  # of clicks none may be dropped, nor an old one replayed
            picture.select(self._pick, common, [self.point, *close], trigger_mode="multiple", **quiet)
        self.sheet.select(self._jump, common, [*parts, *close], trigger_mode="multiple", **quiet)
        save.click(self._save, common, files, show_progress="minimal", api_visibility="private")

    def redraw(self, event: Any) -> None:
        """Draw everything after an event."""
        event.then(self._draw_all, self._common, [self.sheet, *self.outputs], **QUIET)

    @property
    def _common(self) -> list[Any]:
        choices = [choice.component for choice in self.choices]
        return [self.key, self.point, self.screen, *self.looks.inputs, *choices]

    def _split(self, values: Sequence[Any]) -> tuple[Look, tuple[Any, ...]]:
        count = len(self.looks.inputs)
        return controls.look(*values[:count]), tuple(values[count:])

    @guard
    def _adopt(self, key: str, *choices: Any) -> Any:
        if not key:
            return gr.skip()
        return gr.update(visible=True), None, *self.adopt(RESULTS.get(key), *choices)

    @guard
    def _draw_all(self, key: str, point: Point, screen: Screen, *values: Any) -> Any:
        if not key:
            return gr.skip()
        result, (look, choices) = RESULTS.get(key), self._split(values)
        sheet, cell = on_screen(self.figure(result, look, *choices), screen, self.columns)
        paper = DARK if screen and screen.get("dark") else LIGHT
        return show(draw(sheet, cell, paper)), *self.close(result, look, point, *choices)

    @guard
    def _draw_close(self, key: str, point: Point, screen: Screen, *values: Any) -> Any:
        if not key:
            return gr.skip()
        look, choices = self._split(values)
        return tuple(self.close(RESULTS.get(key), look, point, *choices))

    @guard
    def _pick(self, event: gr.SelectData, key: str, point: Point, screen: Screen, *values: Any) -> Any:
        if not key:
            return gr.skip()
        result, (look, choices) = RESULTS.get(key), self._split(values)
        picked = to_image(event.index, self.shape(result))
        return picked, *self.close(result, look, picked, *choices)

    @guard
    def _jump(self, event: gr.SelectData, key: str, point: Point, screen: Screen, *values: Any) -> Any:
        if not key:
            return gr.skip()
        result, (look, choices) = RESULTS.get(key), self._split(values)
        sheet, cell = on_screen(self.figure(result, look, *choices), screen, self.columns)
        clicked = hit(sheet, event.index[0], event.index[1], cell)
        if not clicked:
            return gr.skip()
        chosen = tuple(self.jump(result, clicked, *choices))
        return *chosen, *self.close(result, look, point, *chosen)

    @guard
    def _save(self, key: str, point: Point, screen: Screen, *values: Any) -> Any:
        if not key:
            gr.Warning("There is nothing to save yet: press Run, or choose an example.")
            return gr.skip()
        result, (look, choices) = RESULTS.get(key), self._split(values)
        return gr.update(value=runs.write(result, look, self.figure(result, look, *choices)), visible=True)


def on_screen(sheet: Sheet, screen: Screen, columns: int) -> tuple[Sheet, int]:
    """The sheet in rows that fit the visitor's screen, and the height of its pictures in pixels."""
    narrow = bool(screen and screen.get("narrow"))
    sheet = reflow(sheet, columns if not narrow else 2 if columns <= 5 else 3)
    widest = max(2, *(len(row.panels) for row in sheet.rows))
    return sheet, min(300, (NARROW if narrow else WIDE) // widest)


def to_image(index: Sequence[float], shape: tuple[int, ...], side: int = SIDE) -> tuple[float, float]:
    """(y, x) in an image of `shape` of the pixel [x, y] clicked in its close-up, kept inside the image."""
    shown = fit(shape, side)
    y, x = (index[1] + 0.5) * shape[0] / shown[0] - 0.5, (index[0] + 0.5) * shape[1] / shown[1] - 0.5
    return min(max(y, 0.0), shape[0] - 1.0), min(max(x, 0.0), shape[1] - 1.0)


def from_image(point: tuple[float, float], shape: tuple[int, ...], side: int = SIDE) -> tuple[float, float]:
    """(y, x) in the close-up of a point of the image."""
    shown = fit(shape, side)
    return (point[0] + 0.5) * shown[0] / shape[0] - 0.5, (point[1] + 0.5) * shown[1] / shape[1] - 0.5
