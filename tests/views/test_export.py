"""Exports: three files, each of which says where it came from."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views.export import dumps, figure_of, write_result
from inspector.views.figure import draw
from inspector.views.look import Look
from tests.views import samples

RESULTS = [samples.saliency, samples.attention, samples.clusters, samples.segmentation]


@pytest.mark.parametrize("make", RESULTS)
def test_three_files_with_one_provenance(make: Callable, tmp_path: Path) -> None:
    figure, maps, record = write_result(make(), tmp_path / "new" / "folder")
    written = json.loads(record.read_text())
    assert written["tab"] == make.__name__
    assert make.__name__ in written
    assert written["provenance"]["models"] == {"scenes-clip": "abc123"}
    with Image.open(figure) as image:
        chunk = json.loads(image.info["inspector"])
    with np.load(maps, allow_pickle=False) as archive:
        assert json.loads(str(archive["provenance"])) == chunk
    assert {key: written[key] for key in chunk} == chunk
    assert chunk["request"]["image" if make is not samples.attention else "prompt"]


def test_maps_keep_their_true_scale(tmp_path: Path) -> None:
    _, maps, _ = write_result(samples.saliency(), tmp_path)
    with np.load(maps) as archive:
        assert archive["maps"].shape == (2, 64, 96)
        assert archive["maps"].max() == pytest.approx(1)
        assert archive["grid_signed"].min() == -1
        assert list(archive["classes"]) == ["car", "building"]


def test_attention_keeps_every_step_and_layer(tmp_path: Path) -> None:
    _, maps, _ = write_result(samples.attention(), tmp_path)
    with np.load(maps) as archive:
        assert archive[f"maps/generation/{samples.LAYERS[2]}"].shape == (3, 4, 4, 4)
        assert list(archive["timesteps/generation"]) == [900, 500, 100]


def test_the_same_result_gives_the_same_files(tmp_path: Path) -> None:
    first, second = (write_result(samples.clusters(), tmp_path / name) for name in "ab")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_what_json_cannot_say_becomes_null() -> None:
    assert dumps({"a": float("nan"), "b": [np.float32(1.5), float("inf")]}) == '{"a": null, "b": [1.5, null]}'


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChoiceError, match=r"Cannot write .*choose another place"):
        write_result(samples.saliency(), tmp_path / "file" / "folder")
    with pytest.raises(ChoiceError, match=r"Cannot write a dict"):
        write_result({}, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", RESULTS)
def test_drawing_is_quick(make: Callable) -> None:
    """Well under the time a slider may take; the bound leaves room for a busy machine."""
    result = make()
    draw(figure_of(result, Look()), 160)
    times = []
    for _ in range(5):
        started = time.process_time()
        draw(figure_of(result, Look()), 160)
        times.append(time.process_time() - started)
    assert min(times) < 0.1
