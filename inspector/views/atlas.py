"""Atlas: a recorded result as one binary file that a page fetches once and then looks at without a server.

| bytes | content |
|---|---|
| 8 | `MAGIC` |
| 4 | length of the header, little-endian |
| header | JSON, padded with spaces so that what follows begins at a multiple of 8 |
| rest | arrays, each at a multiple of 8 from the end of the header |

Maps are 8-bit: value q of a map stands for low + q / 255 * (high - low), and each map brings its own low and high.
Everything a page shows of a result is in the header and the arrays; nothing in it is markup.
"""

import hashlib
import json
import math
import os
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.errors import ChoiceError
from inspector.results import Proposed
from inspector.views.color import COLORMAPS, hex_color, lut

MAGIC = b"DIATLAS1"
ALIGNED = 8


@dataclass(frozen=True)
class Axis:
    """One thing to choose. values: keys of the choices; shown: what to call them; control: how it is chosen.

    control: "slider" for what has an order, "chips" for a few names, "list" for many.
    """

    name: str
    values: tuple[str, ...]
    shown: tuple[str, ...]
    control: str = "chips"
    first: int = 0  # the choice a page starts with


@dataclass(frozen=True)
class Later:
    """Maps of a known shape that are computed when they are written, one index of the first axis at a time.

    make: index -> float array of `shape[1:]`.
    """

    shape: tuple[int, ...]
    make: Callable[[int], np.ndarray]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        return self.make(index)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Block:
    """Maps of one grid. at: axis -> value that all of them share; inner: the axes of `maps` before (h, w).

    maps: float (..., h, w), `Later` where that takes time, or None where only the place is told: the page asks for
    these when they are wanted.
    picture: key of the picture they lie over. signed: colours run to both sides of zero. computed: "similarity" for
    the map that the page makes of `Atlas.features` and a pixel, "self" for where a region looks, of `projected`,
    float16 (..., 2, channel, h, w), queries and keys that so many `heads` share, or None likewise. scores: value of the
    axis that has masks of its own (`facts["matches"]`) -> measure -> float over the other inner axes, as it was
    measured of the maps before they were made 8-bit, against that value's mask. later: it is announced first even
    where there is room.
    """

    at: Mapping[str, str]
    inner: tuple[str, ...]
    maps: np.ndarray | Later | None
    picture: str
    signed: bool = False
    computed: str = ""
    scores: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    projected: np.ndarray | None = None
    heads: int = 0
    later: bool = False

    @property
    def size(self) -> int:
        """Bytes that its maps, or what they are made of, take in a file."""
        return (0 if self.maps is None else self.maps.size) + (0 if self.projected is None else self.projected.nbytes)


@dataclass(frozen=True)
class Labels:
    """Whole numbers (h, w) below 256 with a colour and a name for each, over a picture."""

    at: Mapping[str, str]
    values: np.ndarray
    colors: np.ndarray  # uint8 (label, 3)
    names: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class Atlas:
    """What a page gets of one result. pictures: key -> uint8 (h, w, 3); masks: name -> bool (h, w).

    features: float (channel, gh, gw) of unit length per place, for the similarity to a pixel; facts: what else the
    page shows, JSON-ready; proposals: exact, for a page that weighs their names anew.
    """

    tab: str
    axes: tuple[Axis, ...]
    blocks: tuple[Block, ...]
    pictures: Mapping[str, np.ndarray]
    labels: tuple[Labels, ...] = ()
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    proposals: Proposed | None = None


class _Writer:
    """Collects arrays and remembers where each will lie."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, data: np.ndarray | bytes) -> int:
        """The offset of `data` from the end of the header."""
        raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
        offset, padding = self.size, -len(raw) % ALIGNED
        self.parts += [raw, bytes(padding)]
        self.size += len(raw) + padding
        return offset


def pack(atlas: Atlas) -> bytes:
    """The file's bytes. Raises ChoiceError for a block whose axes the atlas does not have."""
    writer = _Writer()
    header = {
        "tab": atlas.tab,
        "axes": [
            {"name": a.name, "values": a.values, "shown": a.shown, "control": a.control, "first": a.first}
            for a in atlas.axes
        ],
        "blocks": [_block(block, atlas, writer) for block in atlas.blocks],
        "pictures": {key: _picture(picture, writer) for key, picture in atlas.pictures.items()},
        "labels": [_labels(labels, writer) for labels in atlas.labels],
        "masks": {name: _mask(mask, writer) for name, mask in atlas.masks.items()},
        "features": _features(atlas.features, writer),
        "colormaps": {name: writer.add(lut(name)) for name in COLORMAPS},
        "facts": atlas.facts,
        "proposals": _proposals(atlas.proposals, writer),
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % ALIGNED)
    return b"".join([MAGIC, struct.pack("<I", len(text)), text, *writer.parts])


def quantise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 (..., h, w), and float32 (...,) low and high of each map; a constant map is all zeros."""
    values = np.asarray(maps, np.float32)
    low, high = values.min((-2, -1)), values.max((-2, -1))
    span = np.where(high > low, high - low, 1)[..., None, None]
    return ((values - low[..., None, None]) * (255 / span) + 0.5).astype(np.uint8), low, high


def _block(block: Block, atlas: Atlas, writer: _Writer) -> dict[str, Any]:
    sizes = {axis.name: len(axis.values) for axis in atlas.axes}
    for axis in atlas.axes:
        if axis.name in block.at and block.at[axis.name] not in axis.values:
            raise ChoiceError(f"Axis {axis.name} has no {block.at[axis.name]!r}; it has {', '.join(axis.values)}.")
    unknown = [name for name in (*block.at, *block.inner) if name not in sizes]
    if unknown:
        raise ChoiceError(f"The atlas has no axis {', '.join(unknown)}; it has {', '.join(sizes)}.")
    head = {"at": dict(block.at), "inner": block.inner, "picture": block.picture, "signed": block.signed}
    head["computed"] = block.computed
    head["scores"] = {
        value: {measure: (writer.add(np.asarray(values, "<f8")), values.size) for measure, values in measures.items()}
        for value, measures in block.scores.items()
    }
    if block.projected is not None:
        data = block.projected.astype("<f2")
        return head | {"shape": data.shape, "projected": writer.add(data), "heads": block.heads}
    if block.maps is None:
        return head
    data, low, high = _one_by_one(block.maps) if isinstance(block.maps, Later) else quantise(block.maps)
    return head | {
        "shape": data.shape,
        "data": writer.add(data),
        "low": writer.add(low.astype("<f4")),
        "high": writer.add(high.astype("<f4")),
    }


def _one_by_one(maps: Later) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = [quantise(maps[index]) for index in range(len(maps))]
    return tuple(np.stack(part) for part in zip(*parts, strict=True))  # type: ignore[return-value]


def _picture(picture: np.ndarray, writer: _Writer) -> dict[str, Any]:
    _, data = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    raw = data.tobytes()
    shape = {"height": picture.shape[0], "width": picture.shape[1]}
    # By which two viewers know that they show the same picture.
    digest = hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()[:16]
    return shape | {"digest": digest, "data": writer.add(raw), "length": len(raw)}


def _labels(labels: Labels, writer: _Writer) -> dict[str, Any]:
    height, width = labels.values.shape
    return {
        "at": dict(labels.at),
        "height": height,
        "width": width,
        "data": writer.add(labels.values.astype(np.uint8)),
        "colors": [hex_color(color) for color in labels.colors],
        "names": labels.names,
        "picture": labels.picture,
    }


def _mask(mask: np.ndarray, writer: _Writer) -> dict[str, Any]:
    packed = np.packbits(mask.astype(bool), axis=None, bitorder="little")
    return {"height": mask.shape[0], "width": mask.shape[1], "data": writer.add(packed)}


def _features(features: np.ndarray | None, writer: _Writer) -> dict[str, Any] | None:
    """Unit vectors as int8 times 127 of the place's largest value, which keeps a cosine within a hundredth."""
    if features is None:
        return None
    flat = np.asarray(features, np.float32).reshape(features.shape[0], -1).T  # (place, channel)
    top = np.maximum(np.abs(flat).max(1, keepdims=True), 1e-9)
    return {
        "shape": features.shape,
        "data": writer.add(np.round(flat / top * 127).astype(np.int8)),
    }


def _proposals(made: Proposed | None, writer: _Writer) -> dict[str, Any] | None:
    """Masks as the bits of float16, names as float32."""
    if made is None:
        return None
    return {
        "shape": (*made.head.shape, *made.masks.shape[1:]),
        "masks": writer.add(made.masks.astype("<f2")),
        "head": writer.add(made.head.astype("<f4")),
        "null": writer.add(made.null.astype("<f4")),
        "clip": None if made.clip is None else writer.add(made.clip.astype("<f4")),
        "seen": writer.add(made.seen),
    }


def write(atlas: Atlas, path: Path) -> Path:
    """Write the file whole or not at all: to a temporary name, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(pack(atlas))
    os.replace(name, path)
    return path


def header_of(data: bytes) -> tuple[dict[str, Any], int]:
    """The header of a file's bytes, and where its arrays begin. Raises ChoiceError for what is no atlas."""
    if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 4:
        raise ChoiceError("That is no atlas of this inspector; give a file that it wrote.")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    start = len(MAGIC) + 4 + length
    return json.loads(data[len(MAGIC) + 4 : start]), start


def maps_of(data: bytes, at: Mapping[str, str]) -> np.ndarray:
    """float32 maps (..., h, w) of the block at a place, as a page reads them: within 1/255 of each map's range."""
    header, start = header_of(data)
    for block in header["blocks"]:
        if block["at"] == dict(at) and "data" in block:
            shape: Sequence[int] = block["shape"]
            count = int(np.prod(shape[:-2], dtype=int))
            quantised = np.frombuffer(data, np.uint8, int(np.prod(shape)), start + block["data"]).reshape(shape)
            low, high = (
                np.frombuffer(data, "<f4", count, start + block[end]).reshape(*shape[:-2], 1, 1)
                for end in ("low", "high")
            )
            return low + quantised.astype(np.float32) / 255 * (high - low)
    raise ChoiceError(f"The atlas has no maps at {dict(at)}.")
