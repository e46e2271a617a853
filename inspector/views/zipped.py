"""Zipped: every map of a result as a picture and as an array, in one file, with names that sort.

| entry | content |
|---|---|
| `maps.csv` | a row for each picture: its name, its value on each axis, and the values at the ends of its colours |
| `about.json` | where the result comes from, as in `result.json` |
| `01-.../02-.../maps.npy` | float32 (..., h, w), the maps of one place, true values at their own grid |
| `01-.../02-.../01-... 03-....png` | one of them, in colours from its least to its greatest value |
| `01-labels.png`, ... | labels, with their colours as palette |

A place is a value of each axis that its maps share, and a picture's name one of each that they do not. Numbers in names
are places on the axis, as long as the longest, so that files stand in the axis's order.
"""

import csv
import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views.atlas import Atlas, Axis, Block, Labels
from inspector.views.atlases import atlas_of
from inspector.views.color import lut
from inspector.views.export import Result, dumps, provenance
from inspector.views.look import Look
from inspector.views.overlay import enlarge, fit

SIDE = 128  # pixels of a picture's longer side
MOST = 30_000  # pictures
COLUMNS = ("file", "low", "high")
_WORDS = re.compile(r"[^\w.]+")


def write_zip(result: Result, path: Path, look: Look | None = None) -> int:
    """Write all maps of a result to `path`; returns how many pictures that were.

    look: whose colours are taken. What a page works out by itself (word against word, self-attention) is left out.
    Raises ChoiceError, before anything is written, where there would be more than `MOST` pictures.
    """
    made = atlas_of(result, None)
    blocks = [block for block in made.blocks if block.maps is not None]
    count = sum(int(np.prod([len(part) for part in _inner(made, block)], dtype=int)) for block in blocks)
    if count > MOST:
        raise ChoiceError(
            f"The file would have {count:,} pictures; at most {MOST:,} are written. Run with fewer steps or arms, or "
            "take maps.npz instead."
        )
    rows: list[dict[str, Any]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("about.json", dumps(provenance(result), indent=2) + "\n")
        for block in blocks:
            rows += _write_block(packed, made, block, look or Look())
        for labels in made.labels:
            name = f"{_folder(made, labels.at)}.png"
            packed.writestr(name, _label_picture(labels), zipfile.ZIP_STORED)
            rows.append({"file": name, **labels.at})
        packed.writestr("maps.csv", _table(rows, [axis.name for axis in made.axes]))
    return len(rows)


def _write_block(packed: zipfile.ZipFile, made: Atlas, block: Block, look: Look) -> Iterator[dict[str, Any]]:
    """Write a block's maps; yields a row for each picture."""
    folder, inner = _folder(made, block.at), _inner(made, block)
    shape = made.pictures[block.picture].shape
    maps: Any = block.maps
    whole = np.stack([np.asarray(maps[index], np.float32) for index in range(len(maps))]) if inner else maps
    whole = np.asarray(whole, np.float32)
    buffer = io.BytesIO()
    np.save(buffer, whole, allow_pickle=False)
    packed.writestr(f"{folder}/maps.npy", buffer.getvalue())
    palette = lut("diverging" if block.signed else look.colormap).tobytes()
    for place in itertools.product(*(range(len(part)) for part in inner)):
        map_ = whole[place]
        parts = [_named(own[at], at, len(own)) for own, at in zip(inner, place, strict=True)]
        name = f"{folder}/{' '.join(parts) or 'map'}.png"
        top = float(np.abs(map_).max())
        ends = (-top, top) if block.signed else (float(map_.min()), float(map_.max()))
        packed.writestr(name, _map_picture(map_, ends, shape, palette), zipfile.ZIP_STORED)
        told = {axis: own[at] for axis, own, at in zip(block.inner, inner, place, strict=True)}
        yield {"file": name, "low": ends[0], "high": ends[1], **block.at, **told}


def _inner(made: Atlas, block: Block) -> list[Sequence[str]]:
    """What the maps of a block are called along each of its inner axes; of an arm with fewer steps those it has."""
    axes = [_axis(made, name) for name in block.inner]
    shape: Sequence[int] = getattr(block.maps, "shape", ())
    ticks: Mapping[str, Any] = made.facts.get("ticks") or {}
    found = []
    for axis, length in zip(axes, shape, strict=False):
        own = ticks.get(axis.name, {}).get(block.at.get(str(made.facts.get("ticksBy"))), axis.shown)
        found.append(own[:length])
    return found


def _folder(made: Atlas, at: Mapping[str, str]) -> str:
    """Where the maps of a place stand."""
    parts = []
    for name, value in at.items():
        axis = _axis(made, name)
        number = axis.values.index(value)
        parts.append(_named(axis.shown[number], number, len(axis.values)))
    return "/".join(parts) or "maps"


def _axis(made: Atlas, name: str) -> Axis:
    return next(axis for axis in made.axes if axis.name == name)


def _named(shown: str, at: int, count: int) -> str:
    """A part of a name: its place on the axis, from 1, and what it is called there."""
    return f"{at + 1:0{len(str(count))}d}-{_WORDS.sub('-', shown).strip('-') or 'map'}"[:80]


def _map_picture(map_: np.ndarray, ends: tuple[float, float], shape: tuple[int, ...], palette: bytes) -> bytes:
    """PNG of a map of 256 colours, enlarged bilinearly to the picture's shape."""
    values = enlarge(map_, fit(shape, SIDE))
    low, high = ends
    span = high - low if high > low else 1.0
    return _png(np.clip((values - low) * (255 / span) + 0.5, 0, 255).astype(np.uint8), palette)


def _label_picture(labels: Labels) -> bytes:
    return _png(labels.values.astype(np.uint8), np.asarray(labels.colors, np.uint8).tobytes())


def _png(values: np.ndarray, palette: bytes) -> bytes:
    image = Image.fromarray(values, "P")
    image.putpalette(palette)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _table(rows: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *axes], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
