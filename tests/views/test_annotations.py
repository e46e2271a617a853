"""Annotations for other tools: equal to pycocotools' and read back as they were written."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as pycoco

from inspector.errors import InputError
from inspector.views.annotations import coco, files, index_png, label_studio, read_masks
from inspector.views.export import write_result
from inspector.views.run_lengths import (
    brush,
    compressed,
    decompressed,
    from_brush,
    from_run_lengths,
    run_lengths,
)
from inspector.views.segmentation import colors
from tests.views import samples

MASKS = arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def test_run_lengths_go_down_columns_and_begin_with_false() -> None:
    mask = np.array([[1, 0, 0], [1, 1, 0]], bool)
    assert run_lengths(mask) == [0, 2, 1, 1, 2]
    assert run_lengths(~mask) == [2, 1, 1, 2]


@given(MASKS)
def test_compressed_run_lengths_are_pycocotools(mask: np.ndarray) -> None:
    theirs = pycoco.encode(np.asfortranarray(mask.astype(np.uint8)))
    text = compressed(run_lengths(mask))
    assert text == theirs["counts"].decode()
    assert decompressed(text) == run_lengths(mask)
    assert np.array_equal(from_run_lengths(decompressed(text), mask.shape), mask)


@given(MASKS)
def test_brush_bytes_come_back(mask: np.ndarray) -> None:
    assert np.array_equal(from_brush(brush(mask), mask.shape), mask)


def test_brush_bytes_by_hand() -> None:
    # Two pixels, the second set: 8 values; 4 bytes of 0, then 4 of 255, each a run in the second size (4 bits).
    bits = f"{8:032b}" + "00111" + "0010" + "0011" + "0111" + "1111" + ("1" + "00" + "011" + "00000000") + (
        "1" + "00" + "011" + "11111111"
    )  # fmt: skip
    bits += "0" * (-len(bits) % 8)
    assert brush(np.array([[False, True]])) == [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_literals_of_a_brush_are_read() -> None:
    # As Label Studio writes what does not repeat: a 0, then the length, then each value.
    bits = f"{4:032b}" + "00111" + "0010" + "0011" + "0111" + "1111" + "0" + "00" + "011" + "".join(
        f"{value:08b}" for value in (1, 2, 3, 200)
    )  # fmt: skip
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
    assert from_brush(data, (1, 1)).tolist() == [[True]]


@pytest.mark.parametrize("spoil", [lambda data: data[:-2], lambda data: data[:3], lambda data: [255] * 4 + data[4:]])
def test_a_damaged_brush_is_refused(spoil: Any) -> None:
    with pytest.raises(InputError):
        from_brush(spoil(brush(np.eye(30, dtype=bool))), (30, 30))


@pytest.mark.parametrize("text", ["\x00", "P", "~~~~~~~~~~~~~~~~~~~~"])
def test_damaged_run_lengths_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        decompressed(text)


def test_run_lengths_that_do_not_fill_the_size_are_refused() -> None:
    for counts in ([3, 2], [3, -1, 4], []):
        with pytest.raises(InputError, match="2 x 3"):
            from_run_lengths(counts, (3, 2))


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools
def test_coco_has_an_annotation_a_class_that_pycocotools_reads() -> None:
    result = samples.segmentation()
    told = coco(result)
    assert told["categories"] == [{"id": 1, "name": "car"}, {"id": 2, "name": "sky"}]
    areas = {item["category_id"]: item["area"] for item in told["annotations"]}
    assert areas == {1: 48 * 64 - 1, 2: 48 * 64}
    for item in told["annotations"]:
        mask = pycoco.decode(item["segmentation"]).astype(bool)
        assert np.array_equal(mask, result.labels == item["category_id"])
        x, y, w, h = item["bbox"]
        assert item["score"] == pytest.approx(0.8)
        assert mask[y : y + h, x : x + w].sum() == item["area"]


def test_the_png_holds_indices_and_the_views_colours() -> None:
    result = samples.segmentation()
    with Image.open(io.BytesIO(index_png(result))) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), result.labels)
        assert np.array_equal(np.asarray(image.convert("RGB"))[0, 0], colors(result)[0])


@pytest.mark.parametrize("name", ["coco.json", "label-studio.json"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    result = samples.segmentation()
    written = {path.name: path for path in write_result(result, tmp_path)}
    assert set(files(result)) <= set(written)
    masks = read_masks(written[name])
    assert {key: mask.tolist() for key, mask in masks.items()} == {
        "car": (result.labels == 1).tolist(),
        "sky": (result.labels == 2).tolist(),
    }


def test_corrected_annotations_win_over_predictions(tmp_path: Path) -> None:
    (task,) = label_studio(samples.segmentation())
    task["annotations"] = [{"result": task["predictions"][0]["result"][:1]}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]), "utf-8")
    assert set(read_masks(path)) == {"car"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[1]", '{"categories": [], "annotations": [{"category_id": 1}]}', "[" * 5000, '"text"']
)
def test_what_is_no_annotation_is_refused_in_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        read_masks(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="Cannot read"):
        read_masks(tmp_path / "missing.json")
