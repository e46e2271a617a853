"""Archive: a result as arrays with names and a text that says how they fit together, and back again.

An array is named by its place in the result, such as "maps/generation/mid_block..." or "request/image"; what is no
array stands in the text. Reading makes only results, requests and their parts, and no object of any other kind. Nothing
that a file says is believed: `members` looks at its sizes, this module at its text, the results at their parts.
"""

import io
import json
import math
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from inspector.errors import ChoiceError, InspectorError
from inspector.results import (
    AttentionRequest,
    AttentionResult,
    ClustersRequest,
    ClustersResult,
    Edit,
    Panoptic,
    Proposed,
    Provenance,
    SaliencyRequest,
    SaliencyResult,
    Segment,
    SegmentationRequest,
    SegmentationResult,
    Token,
    Vote,
    check_text,
    quoted,
)
from inspector.views import members
from inspector.views.members import LONGEST, Members

ENTRY = "result"  # of the archive: the text
LARGEST = 2_000_000_000  # bytes of arrays that are read
DEEPEST = 20  # parts inside parts; a result has six
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_RESULTS = (SaliencyResult, AttentionResult, ClustersResult, SegmentationResult)
_REQUESTS = (SaliencyRequest, AttentionRequest, ClustersRequest, SegmentationRequest)
_PARTS = (*_REQUESTS, Edit, Panoptic, Proposed, Provenance, Segment, Token, Vote)
_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*_RESULTS, *_PARTS)}
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
Source = str | Path | bytes | IO[bytes]


def take_apart(result: Any) -> dict[str, np.ndarray]:
    """name -> array, and under `ENTRY` the text that `put_together` needs."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_flat(result, "", arrays), ensure_ascii=False, allow_nan=False)
    return arrays | {ENTRY: np.array(text)}


def put_together(arrays: Mapping[str, np.ndarray]) -> Any:
    """The result whose parts these are. Raises ChoiceError for anything else."""
    if ENTRY not in arrays:
        raise ChoiceError("This is no result that was saved here, or it was changed since (its text is missing).")
    return _made(str(arrays[ENTRY]), arrays)


def load_request(source: Source) -> tuple[str, dict[str, Any]]:
    """(tab, field -> value) of a result.json's request; pictures and masks stand there as their shapes.

    source: a path, or the file's content. Raises ChoiceError for what cannot be read or was not written here.
    """
    try:
        with _opened(source) as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ValueError(f"it is larger than {LONGEST / 1e6:g} MB")
        told = _parsed(content.decode("utf-8"))
    except (*_BROKEN, OSError, MemoryError) as error:
        raise ChoiceError(
            f"This cannot be read as a saved result: {_reason(error)}; give a maps.npz or a result.json."
        ) from None
    tab, request = (told.get(name) if isinstance(told, dict) else None for name in ("tab", "request"))
    if not isinstance(tab, str) or not isinstance(request, dict):
        raise ChoiceError("This is no result that was saved here; give a maps.npz or a result.json.")
    return tab, request


def load_result(source: Source, largest: int = LARGEST) -> Any:
    """A saved result: the folder that --out wrote, its maps.npz, or that file's content. Nothing is unpickled.

    largest: bytes of arrays that are read.
    Raises ChoiceError for a file that cannot be read, was not written here, or is too large.
    """
    if isinstance(source, str | Path) and Path(source).is_dir():
        source = Path(source) / "maps.npz"
    try:
        with _opened(source) as file:
            members.check_end(file)
            with zipfile.ZipFile(file) as packed:
                arrays = Members(packed, largest)
                return _made(arrays.text(ENTRY), arrays)
    except members.UNREADABLE as error:
        raise ChoiceError(f"This cannot be read as a saved result: {_reason(error)}; give a maps.npz.") from None


def fault_of(kind: type, given: Collection[str]) -> str:
    """What is wrong with the names of the values that are to make a request, result or part; "" where nothing is."""
    known = {item.name: item.default is MISSING and item.default_factory is MISSING for item in fields(kind)}
    unknown = [name for name in given if name not in known]
    missing = [name for name, needed in known.items() if needed and name not in given]
    if unknown:
        return f"a {kind.__name__} has no {quoted(unknown[0])}"
    return f"a {kind.__name__} needs {quoted(missing[0])}" if missing else ""


@contextmanager
def _opened(source: Source) -> Iterator[IO[bytes]]:
    """The file of a path, which is closed again; a content or a stream as it is."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | Path):
        with open(source, "rb") as file:
            yield file
    else:
        yield source


def _reason(error: BaseException) -> str:
    """Why something failed, in a few words on one line."""
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    if isinstance(error, RecursionError):
        return "its parts lie too deep inside each other"
    told = error.strerror if isinstance(error, OSError) else str(error)
    return " ".join(str(told or type(error).__name__).split())[:160].removesuffix(".")


def _parsed(text: str) -> Any:
    """The value of a JSON text, which has no number that Python alone would write."""
    return json.loads(text, parse_int=_whole, parse_constant=_refused)


def _whole(digits: str) -> int:
    if len(digits) > 30:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _refused(name: str) -> float:
    raise ValueError(f"it holds the number {name}")


def _made(text: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """The result that a text and its arrays say."""
    try:
        made = _built(_parsed(text), arrays, set(), 0)
    except InspectorError:
        raise
    except _BROKEN as error:
        why = _reason(error)
        raise ChoiceError(f"This is no result that was saved here, or it was changed since ({why}).") from None
    if not isinstance(made, _RESULTS):
        raise ChoiceError("This holds no result of one of the four pipelines.")
    return made


def _flat(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """The value as JSON; its arrays go into `arrays` under their place."""
    inside = f"{place}/" if place else ""
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return {"array": place}
    if is_dataclass(value) and not isinstance(value, type):
        kept = {item.name: _flat(getattr(value, item.name), inside + item.name, arrays) for item in fields(value)}
        return {"kind": type(value).__name__, "fields": kept}
    if isinstance(value, Mapping):
        return {"mapping": [[key, _flat(item, f"{inside}{key}", arrays)] for key, item in value.items()]}
    if isinstance(value, tuple | list):
        return {"tuple": [_flat(item, f"{inside}{index}", arrays) for index, item in enumerate(value)]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _built(value: Any, arrays: Mapping[str, np.ndarray], taken: set[str], depth: int) -> Any:
    """The value that `_flat` made JSON of. taken: arrays that have their place already; each has one only."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        check_text("A text", value)
        return value
    if depth > DEEPEST:
        raise ValueError(f"parts lie more than {DEEPEST} deep inside each other")

    def inside(item: Any) -> Any:
        return _built(item, arrays, taken, depth + 1)

    match list(value.items()) if isinstance(value, dict) else value:
        case [("array", str(name))] if name in arrays and name not in taken and name != ENTRY:
            taken.add(name)
            return arrays[name]
        case [("mapping", list(pairs))] if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return _mapping([(key, inside(item)) for key, item in pairs])
        case [("tuple", list(items))]:
            return tuple(map(inside, items))
        case [("float", str(name))] if name in _FLOATS:
            return _FLOATS[name]
        case [("kind", str(name)), ("fields", dict(own))] if name in _KINDS:
            if fault := fault_of(_KINDS[name], own):
                raise ValueError(fault)
            return _KINDS[name](**{key: inside(item) for key, item in own.items()})
    raise ValueError(f"an unknown part {quoted(value)}")


def _mapping(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    for key, _ in pairs:
        check_text("A name", key)
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is given twice")
    return made
