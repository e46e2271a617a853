"""Saved files that were forged: each ends in a result or in one sentence, within a bounded memory.

`python -m tests.reliability.test_saved_files COUNT` forges COUNT archives and prints what was answered how often.
"""

import io
import json
import struct
import sys
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from inspector.errors import InputError, InspectorError
from inspector.results import SaliencyRequest
from inspector.ui import bring_back, parts, take_away
from inspector.views.archive import load_request, load_result
from inspector.views.export import dumps, record
from tests.reliability.forging import (
    EXAMPLES,
    TABS,
    Forged,
    archives,
    member,
    npy,
    original,
    packed,
    pieces,
    put,
    records,
)
from tests.views import samples

MEMORY = 1_000_000_000  # bytes that a file of any kind may take
LONGEST = 600  # characters of a sentence


@cache
def tabs() -> dict[str, Any]:
    """What `checked` needs of the page's tabs."""
    return {name: SimpleNamespace(subject=import_module(f"inspector.ui.{name}").SUBJECT) for name in TABS}


def open_archive(content: bytes) -> None:
    """What the page does with a maps.npz, but for putting it on the page."""
    result = bring_back.checked(tabs(), load_result(io.BytesIO(content), bring_back.LARGEST))
    assert json.loads(dumps(record(result)))
    assert parts.done(result.provenance)
    assert isinstance(tabs()[take_away.tab_of(result)].subject.link(result.request), dict)


def open_record(content: bytes, folder: Path) -> None:
    """What the page does with a result.json, but for running it."""
    path = folder / "result.json"
    path.write_bytes(content)
    name, values = load_request(path)
    request = bring_back.request_of(name, values)
    tabs()[name].subject.link(request)
    tabs()[name].subject.fields(request)


def answer(opened: Callable[[], Any], memory: int = MEMORY) -> str:
    """The sentence that opening a file ends in, "" where it is shown; fails for anything else."""
    tracemalloc.start()
    try:
        opened()
        told = ""
    except InspectorError as error:
        told = str(error)
        assert told
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < memory, f"{peak / 1e6:.0f} MB, then: {told}"
    assert "\n" not in told
    assert told.encode("utf-8")[-1:] in (b".", b"")
    assert len(told) < LONGEST
    return told


def thorough(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@given(content=archives())
@thorough(100)
def test_a_forged_archive_is_a_result_or_a_sentence(content: bytes) -> None:
    answer(lambda: open_archive(content))


@pytest.mark.slow
@given(content=archives())
@thorough(2000)
def test_many_forged_archives_are_results_or_sentences(content: bytes) -> None:
    answer(lambda: open_archive(content))


@given(content=records())
@thorough(100)
def test_a_forged_record_is_a_request_or_a_sentence(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("forged", numbered=True)
    answer(lambda: open_record(content, folder))


@pytest.mark.slow
@given(content=records())
@thorough(600)
def test_many_forged_records_are_requests_or_sentences(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("forged", numbered=True)
    answer(lambda: open_record(content, folder))


@pytest.mark.parametrize("name", [*TABS, *(f"example {name}" for name in EXAMPLES), "example clusters-poor"])
def test_what_was_saved_here_is_shown(name: str) -> None:
    assert answer(lambda: open_archive(original(name))) == ""
    assert answer(lambda: open_archive(packed(pieces(original(name))))) == ""


# ------------------------------------------------------------------------------------------ one named fault


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


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_sentence(fault: str) -> None:
    make, sentence = FAULTS[fault]
    content = make()
    assert sentence in answer(lambda: open_archive(content), memory=100_000_000)


def test_a_picture_that_would_be_made_many_times_is_refused_before() -> None:
    """64 classes on 16 million pixels: their maps would take 4 GB."""
    image = np.zeros((4000, 4000, 3), np.uint8)
    names = [f"class {number}" for number in range(64)]
    result = replace(
        samples.saliency(),
        request=SaliencyRequest(image, names),
        grid_signed=np.zeros((64, 4, 4), np.float32),
        probabilities=np.zeros(64, np.float32),
        scores=np.zeros(64, np.float32),
    )
    told = answer(lambda: bring_back.checked(tabs(), result), memory=200_000_000)
    assert told.startswith("Showing this file would take 1024 million values; at most 67 million are made here.")


def test_a_text_is_bounded() -> None:
    forged = pieces(original("saliency"))
    content = packed(forged, text="[" + "1," * 11_000_000 + "1]")
    assert "longer than 20 million characters" in answer(lambda: open_archive(content), memory=100_000_000)
    with pytest.raises(InputError, match="larger than 20 MB"):
        load_request(b"[" + b"1," * 11_000_000 + b"1]")


def test_content_and_streams_are_read_as_paths_are() -> None:
    told = json.dumps({"tab": "attention", "request": {"prompt": "a"}})
    for source in (told.encode(), io.BytesIO(told.encode())):
        assert load_request(source) == ("attention", {"prompt": "a"})
    content = original("clusters")
    for archive in (content, bytearray(content), io.BytesIO(content)):
        assert load_result(archive).request.k == 3
    for broken in (b"", b"PK", content[:-1], content + b"x"):
        with pytest.raises(InputError, match=r"no archive, or was cut off; give a maps\.npz"):
            load_result(broken)


def main(count: int) -> None:
    """Forge files and print what was answered how often."""
    told: Counter[str] = Counter()

    @given(content=archives())
    @thorough(count)
    def forge(content: bytes) -> None:
        told[answer(lambda: open_archive(content))[:100] or "shown"] += 1

    forge()
    for sentence, often in told.most_common():
        print(f"{often:5}  {sentence}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
