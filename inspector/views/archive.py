"""Archive: a result as arrays with names and a text that says how they fit together, and back again.

An array is named by its place in the result, such as "maps/generation/mid_block..." or "request/image"; what is no
array stands in the text. Reading makes only results, requests and their parts, and no object of any other kind.
"""

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from inspector.errors import ChoiceError, InspectorError
from inspector.results import (
    AttentionRequest,
    AttentionResult,
    ClustersRequest,
    ClustersResult,
    Provenance,
    SaliencyRequest,
    SaliencyResult,
    Segment,
    SegmentationRequest,
    SegmentationResult,
    Token,
)

ENTRY = "result"  # of the archive: the text
LARGEST = 2_000_000_000  # bytes of arrays that are read
# What a file that is none of ours can make of the libraries that read it.
_UNREADABLE = (OSError, zipfile.BadZipFile, ValueError, EOFError, RuntimeError, MemoryError, zlib.error)
_RESULTS = (SaliencyResult, AttentionResult, ClustersResult, SegmentationResult)
_PARTS = (SaliencyRequest, AttentionRequest, ClustersRequest, SegmentationRequest, Provenance, Segment, Token)
_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*_RESULTS, *_PARTS)}


def take_apart(result: Any) -> dict[str, np.ndarray]:
    """name -> array, and under `ENTRY` the text that `put_together` needs."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_flat(result, "", arrays), ensure_ascii=False, allow_nan=False)
    return arrays | {ENTRY: np.array(text)}


def put_together(arrays: Mapping[str, np.ndarray]) -> Any:
    """The result whose parts these are. Raises ChoiceError for anything else."""
    try:
        made = _built(json.loads(str(arrays[ENTRY])), arrays)
    except InspectorError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ChoiceError(f"This is no result that was saved here, or it was changed since ({error}).") from None
    if not isinstance(made, _RESULTS):
        raise ChoiceError("This holds no result of one of the four pipelines.")
    return made


def load_request(path: str | Path) -> tuple[str, dict[str, Any]]:
    """(tab, field -> value) of a result.json's request; pictures and masks stand there as their shapes.

    Raises ChoiceError for a file that cannot be read or was not written here.
    """
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        tab, request = told["tab"], told["request"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ChoiceError(
            f"This cannot be read as a saved result: {error}; give a maps.npz or a result.json."
        ) from None
    if not isinstance(tab, str) or not isinstance(request, dict):
        raise ChoiceError("This is no result that was saved here; give a maps.npz or a result.json.")
    return tab, request


def load_result(source: str | Path | IO[bytes], largest: int = LARGEST) -> Any:
    """A saved result: the folder that --out wrote, or its maps.npz. Nothing is unpickled.

    largest: bytes of arrays that are read.
    Raises ChoiceError for a file that cannot be read, was not written here, or is too large.
    """
    if isinstance(source, str | Path) and Path(source).is_dir():
        source = Path(source) / "maps.npz"
    try:
        with zipfile.ZipFile(source) as packed:
            size = sum(max(entry.file_size, _claimed(packed, entry)) for entry in packed.infolist())
        if size > largest:
            raise ChoiceError(f"The file holds {size / 1e9:.1f} GB; at most {largest / 1e9:g} GB are read.")
        if not isinstance(source, str | Path):
            source.seek(0)
        with np.load(source, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except _UNREADABLE as error:
        raise ChoiceError(f"This cannot be read as a saved result: {error}; give a maps.npz.") from None
    return put_together(arrays)


def _claimed(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Bytes that an array of the archive says it has, whatever its file has: so much would be set aside for it."""
    with packed.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return math.prod(shape) * dtype.itemsize


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


def _built(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    (name, content), *others = value.items()
    if name == "array":
        return arrays[content]
    if name == "mapping":
        return {key: _built(item, arrays) for key, item in content}
    if name == "tuple":
        return tuple(_built(item, arrays) for item in content)
    if name == "float":
        return float(content)
    if name == "kind" and content in _KINDS and others:
        return _KINDS[content](**{key: _built(item, arrays) for key, item in others[0][1].items()})
    raise ValueError(f"an unknown part {name!r}")
