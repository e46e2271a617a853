"""Faults: saved files in which one thing was changed, each with the sentence that it is answered with."""

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.reliability.forging import (
    Forged,
    member,
    npy,
    original,
    packed,
    pieces,
    put,
)


def changed(name: str, *path: Any, value: Any) -> bytes:
    """A sample's archive with another value at a place of its text, its "fields" left out of the path."""
    forged = pieces(original(name))
    full: list[Any] = []
    for key in path:
        full += ["fields", key] if isinstance(key, str) else [key]
    return packed(Forged(put(forged.text, tuple(full), value), forged.parts))


def with_part(name: str, part: str, data: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A sample's archive with another member."""
    forged = pieces(original(name))
    changed_parts = [(own, data, how) if own == part else (own, raw, kept) for own, raw, kept in forged.parts]
    assert changed_parts != forged.parts
    return packed(Forged(forged.text, changed_parts))


def listed(content: bytes, at: int, form: str, value: int) -> bytes:
    """The archive whose end says something else."""
    end = len(content) - 22 + at
    return content[:end] + struct.pack(form, value) + content[end + struct.calcsize(form) :]


def large_header() -> bytes:
    """A header of 60,000 characters, which numpy would hand to Python's parser."""
    return member("'<f4'", "(" + "1," * 30_000 + ")")


def many_members() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number in range(5000):
            target.writestr(f"{number}.npy", b"")
    return out.getvalue()


def doubled() -> bytes:
    forged = pieces(original("saliency"))
    return packed(Forged(forged.text, [*forged.parts, forged.parts[-1]]))


def inflating() -> bytes:
    """Two hundred kilobytes that are 200 MB of zeros, where the header says eight numbers."""
    return with_part("saliency", "probabilities.npy", npy(np.zeros(2, np.float32)) + bytes(200_000_000))


FAULTS: dict[str, tuple[Callable[[], bytes], str]] = {
    # what left a traceback
    "a header that is no Python": (lambda: with_part("saliency", "scores.npy", member("'<f4", "(2,)")), "header"),
    "a header with an open bracket": (lambda: with_part("saliency", "scores.npy", member("'<f4'", "(2,")), "header"),
    "a header that is too deep": (
        lambda: with_part("saliency", "scores.npy", member("'<f4'", "(" * 3000 + ")" * 3000)),
        "header",
    ),
    "packed as LZMA": (
        lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, np.float32)), zipfile.ZIP_LZMA),
        "packed in another way",
    ),
    "packed as BZIP2": (
        lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, np.float32)), zipfile.ZIP_BZIP2),
        "packed in another way",
    ),
    "provenance a text": (lambda: changed("saliency", "provenance", value="cpu"), "provenance is 'cpu'"),
    "seconds a text": (lambda: changed("saliency", "provenance", "seconds", value="long"), "seconds is 'long'"),
    "models a list": (
        lambda: changed("saliency", "provenance", "models", value={"tuple": [1]}),
        "models is (1,)",
    ),
    "dates": (
        lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, "M8[s]"))),
        "header",
    ),
    "dates in a mask": (
        lambda: with_part("saliency", "request/masks/car.npy", npy(np.zeros((64, 96), "M8[s]"))),
        "header",
    ),
    "numbers the other way round": (
        lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, ">f4"))),
        "header",
    ),
    "complex numbers": (lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, "c8"))), "header"),
    "objects": (lambda: with_part("saliency", "scores.npy", member("'|O'", "(2,)", b"x" * 16)), "header"),
    "a text as scores": (
        lambda: changed("saliency", "scores", value={"array": "classes"}),
        "a text where numbers are due",
    ),
    "a scene of 400 digits": (
        lambda: changed("saliency", "request", "scene", value="@HUGE@"),
        "a number of 400 digits",
    ),
    "a scene of 5000 digits": (
        lambda: changed("saliency", "request", "scene", value="@ENDLESS@"),
        "a number of 5000 digits",
    ),
    "half a letter in a class": (
        lambda: changed("saliency", "request", "classes", value={"tuple": [{"tuple": ["\ud800"]}, {"tuple": ["b"]}]}),
        "no Unicode",
    ),
    "half a letter in a prompt": (lambda: changed("attention", "request", "prompt", value="a \ud800"), "no Unicode"),
    "half a letter in a device": (lambda: changed("saliency", "provenance", "device", value="\ud800"), "no Unicode"),
    "half a letter in the numbers": (
        lambda: changed("saliency", "metrics", value={"tuple": [{"mapping": [["\ud800", 1]]}]}),
        "no Unicode",
    ),
    "a threshold of a list": (lambda: changed("saliency", "request", "threshold", value={"tuple": []}), "threshold is"),
    "an array as a method": (
        lambda: changed("segmentation", "request", "method", value={"array": "labels"}),
        "method is array(",
    ),
    "an array twice": (
        lambda: changed("saliency", "scores", value={"array": "probabilities"}),
        "unknown part {'array': 'probabilities'}",
    ),
    # what asked for memory
    "labels of 2^40": (
        lambda: with_part("segmentation", "labels.npy", member("'<i4'", f"({2**40}, 12)")),
        "52776.6 GB, and 0 bytes are there",
    ),
    "a cluster of 2^40": (
        lambda: with_part("clusters", "grid_labels.npy", npy(np.full((4, 6), 2**40))),
        "grid_labels is int64",
    ),
    "a cluster of 2^30": (
        lambda: with_part("clusters", "grid_labels.npy", npy(np.full((4, 6), 2**30, np.int32))),
        "grid_labels go from 1073741824 to 1073741824; 0 to 2 is expected",
    ),
    "a baseline below zero": (
        lambda: with_part("clusters", "baselines/rgb.npy", npy(np.full((4, 6), -5, np.int32))),
        "baselines rgb go from -5 to -5",
    ),
    "a label of a class that is none": (
        lambda: with_part("segmentation", "labels.npy", npy(np.full((64, 96), 3, np.int32))),
        "labels go from 3 to 3; 0 to 2 is expected",
    ),
    "a header of 60,000 characters": (lambda: with_part("saliency", "scores.npy", large_header()), "header"),
    "a header of 4 GB": (
        lambda: with_part("saliency", "scores.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
        "header",
    ),
    "an array below zero": (lambda: with_part("saliency", "scores.npy", member("'<f4'", "(-2,)")), "header"),
    "more than its header says": (inflating, "says that it has 8 bytes, and 0.2 GB are there"),
    "less than its header says": (
        lambda: with_part("saliency", "scores.npy", npy(np.zeros(2, np.float32))[:-1]),
        "8 bytes, and 7 bytes",
    ),
    "5,000 members": (many_members, "5,000 parts"),
    "a list of members of 2 GB": (lambda: listed(original("saliency"), 12, "<L", 2**31 - 1), "parts; at most 4,000"),
    "an archive above 4 GB": (
        lambda: original("saliency")[:-22] + b"PK\6\7" + bytes(16) + original("saliency")[-22:],
        "was not packed here",
    ),
    "a member twice": (doubled, "is there twice"),
    "a preview as large as a wall": (
        lambda: changed_attention(np.zeros((3, 1, 4000, 3), np.uint8)),
        "the previews of generation are uint8 (3, 1, 4000, 3)",
    ),
    # what does not fit
    "other truth values": (
        lambda: with_part("saliency", "request/masks/car.npy", member("'|b1'", "(64, 96)", bytes([255]) * 64 * 96)),
        "neither true nor false",
    ),
    "numbers that are not finite": (
        lambda: with_part("saliency", "grid_signed.npy", npy(np.full((2, 4, 6), np.nan, np.float32))),
        "not finite",
    ),
    "numbers that are far too large": (
        lambda: with_part("saliency", "grid_signed.npy", npy(np.full((2, 4, 6), 3e38, np.float32))),
        "far too large",
    ),
    "half precision that is not finite": (
        lambda: with_part("clusters", "features.npy", npy(np.full((2, 4, 6), -np.inf, np.float16))),
        "not finite",
    ),
    "a token outside of the prompt": (
        lambda: token_at(7, 99),
        "do not lie in the prompt of 7 characters",
    ),
    "a step that is none": (lambda: first_row("step", 3), "step in metrics is 3"),
    "a score that is a text": (lambda: first_row("ap", "good"), "ap in metrics is 'good'"),
    "an arm that is none": (lambda: first_row("arm", "evil"), "arm in metrics is 'evil'"),
    "a box outside": (lambda: segment("box_xyxy", {"tuple": [0, 0, 97, 64]}), "lies outside of 96x64"),
    "a segment of no class": (lambda: segment("class_index", 3), "a segment is of class 3; 1 to 2 is expected"),
    "a layer with the name of a mean": (lambda: layer("mean"), "'mean' is no name of a layer"),
    "a layer with the name of a size": (lambda: layer("8"), "'8' is no name of a layer"),
}


def changed_attention(previews: np.ndarray) -> bytes:
    forged = pieces(original("attention"))
    text = put(forged.text, ("fields", "previews"), {"mapping": [["generation", {"array": "previews/generation"}]]})
    added = ("previews/generation.npy", npy(previews), zipfile.ZIP_DEFLATED)
    return packed(Forged(text, [*forged.parts, added]))


def token_at(start: int, stop: int) -> bytes:
    forged = pieces(original("attention"))
    token = {"kind": "Token", "fields": {"index": 1, "text": "a", "start": start, "stop": stop}}
    return packed(Forged(put(forged.text, ("fields", "tokens", "tuple", 1), token), forged.parts))


def first_row(key: str, value: Any) -> bytes:
    forged = pieces(original("attention"))
    pairs = forged.text["fields"]["metrics"]["tuple"][0]["mapping"]
    row = {"mapping": [[name, value if name == key else own] for name, own in pairs]}
    return packed(Forged(put(forged.text, ("fields", "metrics", "tuple", 0), row), forged.parts))


def segment(key: str, value: Any) -> bytes:
    forged = pieces(original("segmentation"))
    return packed(Forged(put(forged.text, ("fields", "segments", "tuple", 0, "fields", key), value), forged.parts))


def layer(name: str) -> bytes:
    forged = pieces(original("attention"))
    text = forged.text
    for arm in range(2):
        text = put(text, ("fields", "maps", "mapping", arm, 1, "mapping", 0, 0), name)
    return packed(Forged(text, forged.parts))
