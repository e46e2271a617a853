"""Request and result of the prompted pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results.checks import LONGEST_NAME, check_image, check_number, check_scene, check_text
from inspector.results.common import Provenance
from inspector.results.quoting import quoted
from inspector.results.recorded import check_array, check_kind, check_measured

MOST_POINTS = 64
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PromptedRequest:
    """The mask of what is meant by points or a box in a picture.

    points: (y, x) each, in pixels of the picture; labels: one for each, 1 for a point in the mask and 0 for one that is
    not, all 1 where there are none; box_xyxy: x0, y0, x1, y1 around the mask, likewise, or None.
    model: a segmenter that takes points and boxes; scene: number of the drawn scene that `image` is, told for the
    record only.
    """

    image: np.ndarray
    points: tuple[Point, ...] = ()
    labels: tuple[int, ...] = ()
    box_xyxy: Box | None = None
    model: str = "scenes-sam"
    scene: int | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        check_scene(self.scene)
        check_text("model", self.model, LONGEST_NAME)
        set_(self, "image", check_image(self.image))
        size: tuple[int, int] = self.image.shape[:2]
        set_(self, "points", _points(self.points, size))
        set_(self, "labels", _labels(self.labels, len(self.points)))
        set_(self, "box_xyxy", None if self.box_xyxy is None else _box(self.box_xyxy, size))
        if self.box_xyxy is None and 1 not in self.labels:
            raise ChoiceError("Nothing says what the mask is of; give a point that lies in it, or a box around it.")


@dataclass(frozen=True)
class PromptedResult:
    """mask: bool (h, w) of the picture's size; sure: the IoU that the model expects of it, in [0, 1]."""

    request: PromptedRequest
    mask: np.ndarray
    sure: float
    provenance: Provenance

    def __post_init__(self) -> None:
        check_kind("request", self.request, PromptedRequest)
        check_array("mask", self.mask, np.bool_, self.request.image.shape[:2])
        check_measured("sure", self.sure, 0, 1)
        check_kind("provenance", self.provenance, Provenance)


def _numbers(what: str, value: Any, names: Sequence[str], highest: Sequence[float]) -> tuple[float, ...]:
    """A list of as many numbers as names, each from 0 to its highest. Raises ChoiceError."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != len(names):
        raise ChoiceError(f"{what} is {quoted(value)}; give {', '.join(names)}.")
    plain = tuple(item.item() if isinstance(item, np.generic) else item for item in value)
    for name, item, high in zip(names, plain, highest, strict=True):
        check_number(f"{name} of {what[0].lower()}{what[1:]}", item, 0, high)
    return tuple(float(item) for item in plain)


def _points(points: Any, size: tuple[int, int]) -> tuple[Point, ...]:
    if not isinstance(points, tuple | list | np.ndarray):
        raise ChoiceError(f"The points are {quoted(points)}; give a list of (y, x).")
    if len(points) > MOST_POINTS:
        raise ChoiceError(f"{len(points):,} points given; at most {MOST_POINTS} are allowed.")
    highest = [side - 1 for side in size]
    found = [_numbers("A point", point, ("y", "x"), highest) for point in points]
    return tuple((y, x) for y, x in found)


def _labels(labels: Any, count: int) -> tuple[int, ...]:
    if not isinstance(labels, tuple | list | np.ndarray):
        raise ChoiceError(f"The labels are {quoted(labels)}; give 1 or 0 for each point.")
    plain = tuple(item.item() if isinstance(item, np.generic) else item for item in labels) or (1,) * count
    if len(plain) != count:
        raise ChoiceError(f"{len(plain)} labels are given for {count} points; give 1 or 0 for each, or none.")
    for label in plain:
        check_number("The label of a point", label, 0, 1, whole=True)
    return plain


def _box(box: Any, size: tuple[int, int]) -> Box:
    """Raises ChoiceError also for a box without an inside."""
    across, down = size[1], size[0]  # a box may end where the picture does
    x0, y0, x1, y1 = _numbers("The box", box, ("x0", "y0", "x1", "y1"), (across, down, across, down))
    if x0 >= x1 or y0 >= y1:
        raise ChoiceError(f"The box goes from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}); x0 and y0 have to be the smaller.")
    return x0, y0, x1, y1
