"""Recorded: checks of what a result holds beside its request: arrays, labels, rows of numbers, texts.

They say what was found and what is expected. What a pipeline made passes; a file that was changed by hand does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, RecordingError
from inspector.results.checks import LONGEST_NAME, check_text
from inspector.results.quoting import described, quoted
from inspector.settings import settings

GRID_SIDE = 4096  # cells of a recorded grid's side
GREATEST = 1e30  # of a recorded number: float32 can still tell the difference of two
_PART = 16_000_000  # bytes of an array that are looked at together
_HALF = 0x7C00  # float16's bits of infinity: NaN has more of them, every other number fewer

Numbers = (int, float, np.integer, np.floating, np.bool_)


def misfit(text: str) -> ChoiceError:
    """The error of parts that do not fit together."""
    return ChoiceError(f"The result's parts do not fit together: {text}.")


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise ChoiceError unless `value` is of a class."""
    if not isinstance(value, kind):
        raise misfit(f"{name} is {quoted(value)}; a {kind.__name__} is expected")


def check_array(name: str, value: Any, dtype: type, shape: tuple[int | None, ...]) -> None:
    """Raise ChoiceError unless `value` is an array of this dtype and shape; None in it: of 1 to `GRID_SIDE`.

    Raises RecordingError for numbers that are not finite, or beyond `GREATEST`.
    """
    expected = f"{np.dtype(dtype)} ({', '.join('n' if side is None else str(side) for side in shape)})"
    if not isinstance(value, np.ndarray):
        raise misfit(f"{name} is {quoted(value)}; {expected} is expected")
    if value.dtype != dtype or value.ndim != len(shape) or not all(map(_is_side, value.shape, shape)):
        raise misfit(f"{name} is {described(value)}; {expected} is expected")
    if value.dtype.kind == "f" and not all(map(_is_finite, _parts(value))):
        raise RecordingError(
            f"{name} holds numbers that are not finite, or far too large; the model's weights may be damaged, or half "
            "precision too coarse for it."
        )


def _is_side(own: int, asked: int | None) -> bool:
    return own == asked if asked is not None else 1 <= own <= GRID_SIDE


def _parts(array: np.ndarray) -> Iterable[np.ndarray]:
    """The array, in parts where it is large: what is computed of it takes memory too."""
    return array if array.nbytes > _PART else (array,)


def _is_finite(part: np.ndarray) -> bool:
    if part.size == 0:
        return True
    if part.dtype == np.float16:  # whose comparisons are slow
        return bool((part.view(np.uint16) & 0x7FFF).max() < _HALF)
    return bool(part.min() >= -GREATEST and part.max() <= GREATEST)


def check_labels(name: str, value: Any, shape: tuple[int | None, ...], count: int) -> None:
    """Raise ChoiceError unless `value` is int32 of this shape, each number from 0 to `count` - 1."""
    check_array(name, value, np.int32, shape)
    low, high = int(value.min()), int(value.max())
    if low < 0 or high >= count:
        raise misfit(f"{name} go from {low} to {high}; 0 to {count - 1} is expected")


def check_same(name: str, names: Iterable[Any], expected: Iterable[Any]) -> None:
    """Raise ChoiceError unless two lists of names are one."""
    found, wanted = list(names), list(expected)
    if found != wanted:
        raise misfit(f"{name} has {quoted(found)}; {quoted(wanted)} is expected")


def check_mapping(name: str, value: Any, most: int) -> None:
    """Raise ChoiceError unless `value` is a mapping of at most `most` names, which are texts."""
    if not isinstance(value, Mapping):
        raise misfit(f"{name} is {quoted(value)}; a value for each name is expected")
    if len(value) > most:
        raise misfit(f"{name} has {len(value):,} parts; at most {most} are expected")
    for key in value:
        check_text(f"a name in {name}", key, LONGEST_NAME)


def check_list(name: str, value: Any, kind: type, most: int) -> None:
    """Raise ChoiceError unless `value` is a list or tuple of at most `most` items of one class."""
    if not isinstance(value, tuple | list):
        raise misfit(f"{name} is {quoted(value)}; a list is expected")
    if len(value) > most:
        raise misfit(f"{name} has {len(value):,} parts; at most {most:,} are expected")
    for item in value:
        if not isinstance(item, kind):
            raise misfit(f"{name} holds {quoted(item)}; only {kind.__name__} is expected")


def check_measured(name: str, value: Any, low: float = -GREATEST, high: float = GREATEST) -> None:
    """Raise ChoiceError unless `value` is a number, Python's or numpy's, in [low, high]; RecordingError for NaN."""
    if not isinstance(value, Numbers) or isinstance(value, bool | np.bool_):
        raise misfit(f"{name} is {quoted(value)}; a number is expected")
    if value != value:
        raise RecordingError(f"{name} is not a number; the model's weights may be damaged.")
    if not low <= value <= high:
        raise misfit(f"{name} is {quoted(value)}; {low:g} to {high:g} is expected")


def check_rows(name: str, value: Any, needed: Mapping[str, type], most: int) -> None:
    """Raise ChoiceError unless `value` is a list of at most `most` rows, as `check_row` wants each."""
    check_list(name, value, Mapping, most)
    for row in value:
        check_row(name, row, needed)


def check_row(name: str, row: Any, needed: Mapping[str, type] = {}) -> None:
    """Raise ChoiceError unless `row` is a mapping of texts, truth values and numbers, also those that are not finite.

    needed: keys that it must have, and whether a text (`str`) or a number (`float`) stands there.
    """
    check_mapping(name, row, 100)
    for key, value in row.items():
        if isinstance(value, str):
            check_text(f"{key} in {name}", value, settings().limits.max_prompt)
        elif value is not None and not isinstance(value, Numbers):
            raise misfit(f"{key} in {name} is {quoted(value)}; a text or a number is expected")
        elif isinstance(value, int) and abs(value) >= 2**63:
            raise misfit(f"{key} in {name} is {quoted(value)}; a smaller number is expected")
    for key, kind in needed.items():
        if not isinstance(row.get(key), str if kind is str else Numbers):
            raise misfit(
                f"{key} in {name} is {quoted(row.get(key))}; a {'text' if kind is str else 'number'} is expected"
            )


def check_names(name: str, value: Any, most: int) -> Sequence[str]:
    """The texts of a list, each no longer than a name; ChoiceError for anything else."""
    check_list(name, value, str, most)
    for item in value:
        check_text(f"a part of {name}", item, LONGEST_NAME)
    return tuple(value)
