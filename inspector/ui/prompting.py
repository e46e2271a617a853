"""Prompting: a click or a box on a picture that a viewer shows is answered by a mask, in its turn among the runs."""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from inspector.errors import BusyError, ChoiceError, InputError
from inspector.models import catalog
from inspector.results import MOST_POINTS, PromptedRequest, PromptedResult, fit_mask, quoted
from inspector.ui import runs
from inspector.ui.guard import explained
from inspector.ui.share import visitor
from inspector.ui.turns import Caller, in_turn

LONGEST = 120.0  # seconds that a question waits for its turn
_WAITING = threading.BoundedSemaphore(4)  # each holds one of the threads that answer everybody

Shown = Callable[[str], tuple[Any, Mapping[str, np.ndarray]]]  # key -> result, its pictures by name


def segmenters() -> list[list[str]]:
    """[name, title] of those that take points and boxes: folders of the command line first, as nearest to hand."""
    specs = [catalog.spec(name) for name in catalog.names("segmenter")]
    able = sorted((spec for spec in specs if spec.promptable), key=lambda spec: spec.origin != "local")
    return [[spec.name, spec.title] for spec in able]


def answer(asked: Any, shown: Shown, who: Any) -> dict[str, Any]:
    """{mask, height, width, sure, share, warning} of a question, or {error}, a sentence.

    asked: {key, picture, points, labels, box, model}; points are [y, x] and the box [x0, y0, x1, y1], as shares of the
    picture's height and width. mask: bits in base 64, row by row, the longer side as masks are scored at; who: gradio's
    request.
    """
    try:
        result = _answered(asked, shown, who)
    except Exception as error:  # noqa: BLE001  # nobody would hear of it
        return {"error": str(explained(error))}
    mask = fit_mask(result.mask)
    return {
        "mask": base64.b64encode(np.packbits(mask).tobytes()).decode(),
        "height": mask.shape[0],
        "width": mask.shape[1],
        "sure": result.sure,
        "share": float(result.mask.mean()),
        "warning": result.provenance.warning,
    }


def _answered(asked: Any, shown: Shown, who: Any) -> PromptedResult:
    told = asked if isinstance(asked, dict) else {}
    if not isinstance(told.get("key"), str) or not isinstance(told.get("picture"), str):
        raise InputError("The question names no picture that is shown; click one.")
    if not _WAITING.acquire(blocking=False):
        raise BusyError("Too many ask for masks at once; try again in a moment.")
    try:
        result, pictures = shown(told["key"])
        if told["picture"] not in pictures:
            raise InputError(f"The result has no picture {quoted(told['picture'])}; click one that is shown.")
        request = request_of(told, pictures[told["picture"]], result.request)
        (pipeline,) = runs.load_pipelines(["prompted"])
        until = time.monotonic() + LONGEST
        caller = Caller(visitor(who), wanted=lambda: time.monotonic() < until)

        def work(_: Any) -> Iterator[Any]:
            return runs.drive(lambda: pipeline.stream(request), lambda: None)

        *_, last = in_turn("prompted", 1.0, caller, work)
        return last
    finally:
        _WAITING.release()


def request_of(told: Mapping[str, Any], image: np.ndarray, own: Any) -> PromptedRequest:
    """What is asked of a picture; own: the request of the result that shows it, which may know its scene.

    Raises InputError for what is no question.
    """
    size = image.shape[:2]
    points, labels, box = told.get("points") or [], told.get("labels") or [], told.get("box")
    if not isinstance(points, list) or len(points) > MOST_POINTS:
        raise ChoiceError(f"The points are {quoted(points)}; give at most {MOST_POINTS} of them.")
    given = getattr(own, "image", None)
    drawn = given is not None and np.array_equal(given, image)
    return PromptedRequest(
        image,
        points=tuple(_pixels(point, size) for point in points),  # type: ignore[misc]
        labels=tuple(labels) if isinstance(labels, list) else labels,
        box_xyxy=None if box is None else _pixels(box, (size[1], size[0]) * 2),  # type: ignore[arg-type]
        model=told.get("model") or segmenters()[0][0],
        scene=own.scene if drawn else None,
    )


def _pixels(shares: Any, sides: tuple[int, ...]) -> tuple[float, ...]:
    """Shares of sides as pixels, from the middle of the first to that of the last."""
    if not isinstance(shares, list) or len(shares) != len(sides):
        raise ChoiceError(f"A place is {quoted(shares)}; give {len(sides)} shares of the picture's sides.")
    if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in shares):
        raise ChoiceError(f"A place is {quoted(shares)}; shares of the picture's sides go from 0 to 1.")
    return tuple(min(max(share * side - 0.5, 0.0), side - 1.0) for share, side in zip(shares, sides, strict=True))
