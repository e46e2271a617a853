"""Saved files that were forged: each ends in a result or in one sentence, within a bounded memory.

`python -m tests.reliability.test_saved_files COUNT` forges COUNT archives and prints what was answered how often.
"""

import io
import json
import sys
import tracemalloc
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
from inspector.ui import bring_back, parts
from inspector.ui.tab import tab_of
from inspector.views.archive import load_request, load_result
from inspector.views.export import dumps, record
from tests.reliability.faults import FAULTS
from tests.reliability.forging import (
    EXAMPLES,
    TABS,
    archives,
    original,
    packed,
    pieces,
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
    assert isinstance(tabs()[tab_of(result)].subject.link(result.request), dict)


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
@thorough(500)
def test_many_forged_archives_are_results_or_sentences(content: bytes) -> None:
    answer(lambda: open_archive(content))


@given(content=records())
@thorough(100)
def test_a_forged_record_is_a_request_or_a_sentence(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("forged", numbered=True)
    answer(lambda: open_record(content, folder))


@pytest.mark.slow
@given(content=records())
@thorough(250)
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
