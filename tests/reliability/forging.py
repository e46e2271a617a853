"""Saved files that somebody changed: archives and result.json files, by hypothesis or at one place."""

import io
import json
import struct
import tokenize
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from inspector.settings import ASSETS
from inspector.views.export import dumps, record, write_archive
from tests.views import samples

TABS = ("saliency", "attention", "clusters", "segmentation")
EXAMPLES = ("saliency", "clusters", "segmentation", "attention")
ENTRY = "result.npy"
SCENE = 504_307  # always the same, since drawing takes time


@dataclass
class Forged:
    """An archive in pieces. text: the JSON that says how they fit; parts: (name, data, packed how) of the others."""

    text: Any = None
    parts: list[tuple[str, bytes, int]] = field(default_factory=list)


@cache
def original(name: str) -> bytes:
    """The archive of a sample, or of an example that comes with the program."""
    if name.startswith("example "):
        return (ASSETS / "examples" / f"{name.removeprefix('example ')}.npz").read_bytes()
    out = io.BytesIO()
    write_archive(getattr(samples, name)(), out)  # type: ignore[arg-type]
    return out.getvalue()


def pieces(content: bytes) -> Forged:
    """The members of an archive, and its text."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    (raw,) = (data for name, data, _ in members if name == ENTRY)
    return Forged(json.loads(str(np.load(io.BytesIO(raw)))), [item for item in members if item[0] != ENTRY])


def npy(array: np.ndarray) -> bytes:
    """A member that holds an array."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def array_of(data: bytes) -> np.ndarray | None:
    """The array that a member holds, None where it was forged already."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.load(io.BytesIO(data))
    except (ValueError, TypeError, OverflowError, EOFError, SyntaxError, MemoryError, tokenize.TokenError):
        return None


def member(descr: str, shape: str, data: bytes = b"", order: str = "False", version: bytes = b"\x01\x00") -> bytes:
    """A member with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode("latin-1", "replace")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\x01\x00" else "<I", len(header)) + header + data


def packed(forged: Forged, text: str | None = None) -> bytes:
    """The archive of pieces."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is given twice
        for name, data, how in forged.parts:
            target.writestr(name, data, compress_type=how)
        if text is None:
            text = json.dumps(forged.text).replace('"@HUGE@"', "9" * 400).replace('"@ENDLESS@"', "9" * 5000)
        target.writestr(ENTRY, npy(np.array(text)), compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, item in items for place in places(item, (*path, key))]


def found_at(value: Any, path: tuple[Any, ...]) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"tuple": [value]}
    return value


WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**40, "@HUGE@", "@ENDLESS@", 0.5, -1e300, 1e300, float("inf"),
    float("nan"), "", "x", "cpu", "\ud800", "a\0b", "a\nb", "x" * 5000, "mean", "8", "²", "resolution 8", "generation",
    [], {}, [[]], [1], ["car", ["x"]], {"tuple": []}, {"tuple": [1, "a"]}, {"mapping": []}, {"mapping": [["a"]]},
    {"mapping": [["\ud800", 1]]}, {"mapping": [[1, 2], [1, 2]]}, {"mapping": 5}, {"float": "nan"}, {"float": "inf"},
    {"float": []}, {"array": "grid_signed"}, {"array": "request/image"}, {"array": "result"}, {"array": []},
    {"kind": "Token", "fields": {}}, {"kind": "Path", "fields": {}}, {"kind": ["Token"], "fields": {}},
    {"kind": "Token", "fields": {"index": 0, "text": "a", "start": 5, "stop": 1}},
    {"kind": "Provenance", "fields": dict.fromkeys(("models", "device", "dtype", "versions", "seconds", "warning"), 1)},
    deep(30), deep(400),
)  # fmt: skip
LIKE: dict[type, tuple[Any, ...]] = {  # other values of one kind
    bool: (True, False),
    str: (
        "", " ", "a", "horse", "a horse", "mean", "x" * 299, "馬", "\x1b[2J", "<b>", "a/b", "a,b", "{}", "{}{}", "%s",
        "generation", "noise once", "car", "sky", "unet", "rgb", "local:x", "scenes-clip", "gradcam", "B", "ddim",
    ),
    int: (0, 1, 2, 3, 4, 7, 32, 50, 999, 504_307, -1),
    float: (0.0, 1.0, -1.0, 0.5, 1e-300, 1e29, -1e29, 5e-324),
}  # fmt: skip
SHAPES = (
    "()", "(1,)", "(0,)", "(0, 0, 0)", "(2, 4, 6)", "(4, 6)", "(64, 96, 3)", "(-1,)", "(2, -4, -6)", "(1099511627776,)",
    "(4611686018427387904, 4)", "(99999999999999999999,)", "(0, 9999999999)", "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)",
    "(2.5,)", "('a',)", "None", "[4, 6]", "(4, 6", "(" * 300 + ")" * 300, "(10**12,)", "(True,)", "(4L, 6L)",
    "(1,) * 9",
)  # fmt: skip
DESCRS = (
    "'<f4'", "'>f4'", "'<f8'", "'<f2'", "'|O'", "'<M8[ns]'", "'<m8[s]'", "'<c16'", "'|b1'", "'|u1'", "'|i1'", "'<i8'",
    "'<u8'", "'<U3'", "'<U999999999'", "'|S5'", "'|V8'", "[('a', '<f4')]", "'<f4", "5", "None", "'='", "'<f3'", "''",
    "'<i4'", "'<f16'", "('<f4', (2, 2))", "{'names': ['a'], 'formats': ['<f4']}", "'\x00'",
)  # fmt: skip
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
NUMBERS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 0, -1, 255, 2**31 - 1)


@st.composite
def archives(draw: Callable[..., Any]) -> bytes:
    """A saved file that was changed at one to three places."""
    names = [*TABS * 3, *(f"example {name}" for name in EXAMPLES)]
    content = original(draw(st.sampled_from(names)))
    if draw(st.integers(0, 5)) == 0:
        return damaged(draw, content)
    forged = pieces(content)
    for _ in range(draw(st.integers(1, 3))):
        draw(st.sampled_from(CHANGES))(draw, forged)
    content = packed(forged)
    return damaged(draw, content) if draw(st.integers(0, 9)) == 0 else content


def damaged(draw: Callable[..., Any], content: bytes) -> bytes:
    """Bytes flipped, cut off, added, or written over."""
    data = bytearray(content)
    how = draw(st.sampled_from(("flip", "flip", "end", "cut", "add", "twice")))
    if how in ("flip", "end"):
        first = max(0, len(data) - 3000) if how == "end" else 0
        for _ in range(draw(st.integers(1, 8))):
            data[draw(st.integers(first, len(data) - 1))] ^= draw(st.integers(1, 255))
    elif how == "cut":
        del data[draw(st.integers(0, len(data))) :]
    else:
        added = bytes(data) if how == "twice" else draw(st.binary(max_size=100))
        data.extend(added)
    return bytes(data)


def change_text(draw: Callable[..., Any], forged: Forged) -> None:
    """A value of the text becomes one of another kind."""
    path = draw(st.sampled_from(places(forged.text)))
    forged.text = put(forged.text, path, draw(st.sampled_from(WRONG)))


def change_leaf(draw: Callable[..., Any], forged: Forged) -> None:
    """A text, a number or a truth value of the text becomes another one of its kind."""
    leaves = {path: found_at(forged.text, path) for path in places(forged.text)}
    leaves = {path: value for path, value in leaves.items() if isinstance(value, str | int | float)}
    if leaves:
        path = draw(st.sampled_from(list(leaves)))
        others = next(values for kind, values in LIKE.items() if isinstance(leaves[path], kind))
        forged.text = put(forged.text, path, draw(st.sampled_from(others)))


def change_list(draw: Callable[..., Any], forged: Forged) -> None:
    """A list of the text loses an item, or has one twice."""
    lists = {path: found_at(forged.text, path) for path in places(forged.text)}
    lists = {path: value for path, value in lists.items() if isinstance(value, list) and value}
    if lists:
        path = draw(st.sampled_from(list(lists)))
        found, place = lists[path], draw(st.integers(0, len(lists[path]) - 1))
        changed = [*found[:place], *found[place + 1 :]] if draw(st.booleans()) else [*found, found[place]]
        forged.text = put(forged.text, path, changed)


def change_header(draw: Callable[..., Any], forged: Forged) -> None:
    """An array says that it is of another shape or kind."""
    here = draw(st.integers(0, len(forged.parts) - 1))
    name, data, how = forged.parts[here]
    array = array_of(data)
    array = array if array is not None and draw(st.booleans()) else np.zeros(1)
    descr = draw(st.sampled_from((repr(array.dtype.str), *DESCRS)))
    shape = draw(st.sampled_from((repr(array.shape), *SHAPES)))
    order = draw(st.sampled_from(("False", "True", "None", "1", "False, 'x': 1")))
    version = draw(st.sampled_from((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00")))
    forged.parts[here] = (name, member(descr, shape, array.tobytes(), order, version), how)


def change_numbers(draw: Callable[..., Any], forged: Forged) -> None:
    """One of an array's numbers is odd."""
    here = draw(st.integers(0, len(forged.parts) - 1))
    name, data, how = forged.parts[here]
    array = array_of(data)
    if array is not None and array.size and array.dtype.kind in "biuf":
        place = draw(st.integers(0, array.size - 1))
        with np.errstate(all="ignore"):
            value = np.float64(draw(st.sampled_from(NUMBERS)))
            array.reshape(-1)[place] = value if array.dtype.kind == "f" else np.nan_to_num(value).astype(array.dtype)
        forged.parts[here] = (name, npy(array), how)


def change_size(draw: Callable[..., Any], forged: Forged) -> None:
    """An array is turned, cut, made larger, or of another dtype, and its header says so."""
    here = draw(st.integers(0, len(forged.parts) - 1))
    name, data, how = forged.parts[here]
    array = array_of(data)
    if array is None:
        return
    kinds = ("f2", "f4", "f8", "i4", "i8", "u1", "b1", "M8[s]", "c8", ">f4", "U4")
    ways: dict[str, Callable[[], np.ndarray]] = {
        "turned": lambda: array.T,
        "by columns": lambda: np.asfortranarray(array),
        "cut": lambda: array[:-1] if array.ndim else array,
        "empty": lambda: array[:0] if array.ndim else array,
        "twice": lambda: np.concatenate([array, array]) if array.ndim else array,
        "one more axis": lambda: array[None],
        "a point": lambda: np.zeros((1,) * array.ndim, array.dtype),
        "long": lambda: np.zeros((*array.shape[:-2], 1, 70_000), array.dtype) if array.ndim > 1 else array,
        "another kind": lambda: np.zeros(array.shape, draw(st.sampled_from(kinds))),
    }
    forged.parts[here] = (name, npy(ways[draw(st.sampled_from(sorted(ways)))]()), how)


def change_members(draw: Callable[..., Any], forged: Forged) -> None:
    """A member is gone, has another name, stands twice, has another's data, or is packed in another way."""
    here, other = (draw(st.integers(0, len(forged.parts) - 1)) for _ in range(2))
    name, data, how = forged.parts[here]
    action = draw(st.sampled_from(("gone", "renamed", "twice", "swapped", "packed", "short", "long")))
    if action == "gone" and len(forged.parts) > 1:
        del forged.parts[here]
    elif action == "twice":
        forged.parts.append(forged.parts[here])
    elif action == "swapped":
        forged.parts[here] = (name, forged.parts[other][1], how)
    elif action == "packed":
        forged.parts[here] = (name, data, draw(st.sampled_from(METHODS)))
    elif action in ("short", "long"):
        forged.parts[here] = (name, data[:-1] if action == "short" else data + b"\0" * 9, how)
    else:
        names = ("x.npy", "x", "result.npy", "../x.npy", "/x.npy", "\u202ex.npy", "a/", forged.parts[other][0])
        forged.parts[here] = (draw(st.sampled_from(names)), data, how)


CHANGES = (
    change_text, change_text, change_leaf, change_leaf, change_list, change_header, change_numbers, change_size,
    change_members,
)  # fmt: skip


@st.composite
def records(draw: Callable[..., Any]) -> bytes:
    """A result.json that was changed at one to three places."""
    told = json.loads(dumps(record(getattr(samples, draw(st.sampled_from(TABS)))())))
    if draw(st.booleans()):
        told["request"]["scene"] = SCENE
    for _ in range(draw(st.integers(1, 3))):
        inside = [place for place in places(told) if place[:1] in ((), ("tab",), ("request",))]
        path = draw(st.sampled_from(inside))
        told = put(told, path, draw(st.sampled_from((*WRONG, *TABS))))
        if isinstance(told, dict) and isinstance(told.get("request"), dict) and draw(st.integers(0, 3)) == 0:
            name = draw(st.sampled_from(("image", "masks", "scene", "evil", "\ud800")))
            told = {**told, "request": {**told["request"], name: draw(st.sampled_from(WRONG))}}  # WRONG's own stay
    text = json.dumps(told).replace('"@HUGE@"', "9" * 400).replace('"@ENDLESS@"', "9" * 5000)
    return damaged(draw, text.encode()) if draw(st.integers(0, 7)) == 0 else text.encode()
