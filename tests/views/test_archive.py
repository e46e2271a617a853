"""Saved results come back as they were, and nothing else is read."""

import io
import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.results import Edit
from inspector.views.archive import load_result, put_together, take_apart
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from inspector.views.export import write_archive, write_result
from inspector.views.members import Members
from tests.views import samples

TABS = ("saliency", "attention", "clusters", "segmentation")


def equal(left: Any, right: Any) -> bool:
    """Whether two values are one, arrays to the bit and the dtype."""
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if is_dataclass(left):
        return type(left) is type(right) and all(
            equal(getattr(left, item.name), getattr(right, item.name)) for item in fields(left)
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right or (left != left and right != right)


@pytest.mark.parametrize("name", TABS)
def test_what_was_saved_comes_back_and_gives_the_same_page(name: str, tmp_path: Any) -> None:
    result = getattr(samples, name)()
    write_result(result, tmp_path)
    path = tmp_path / "maps.npz"
    for source in (tmp_path, path, str(path), path.open("rb"), path.read_bytes()):
        back = load_result(source)
        assert equal(back, result)
        if hasattr(source, "close"):
            source.close()
    assert pack(atlas_of(back)) == pack(atlas_of(result))


def test_what_is_kept_of_another_prompt_comes_back(tmp_path: Path) -> None:
    kept = samples.attention()
    kept = replace(kept, request=replace(kept.request, edit=Edit("a dog", 0.5, weights="horse: 2")))
    write_result(kept, tmp_path)
    assert equal(load_result(tmp_path), kept)
    told = json.loads((tmp_path / "result.json").read_text())["request"]["edit"]
    assert told == {"source": "a dog", "cross_kept": 0.5, "self_kept": 0.4, "weights": "horse: 2"}
    assert "cross-attention of “a dog” kept for 50% of the steps" in (tmp_path / "caption.txt").read_text()


def test_what_is_not_finite_and_heads_come_back() -> None:
    row = {"class": "car", "ap": float("nan"), "iou": np.float64(0.5), "best": float("inf")}
    result = replace(samples.saliency(), metrics=(row,))
    back = put_together(take_apart(result))
    assert np.isnan(back.metrics[0]["ap"])
    assert back.metrics[0]["best"] == float("inf")
    assert back.metrics[0]["iou"] == 0.5
    result = samples.attention()
    heads = {arm: {name: np.stack([maps] * 2, 1) for name, maps in own.items()} for arm, own in result.maps.items()}
    result = replace(result, head_maps=heads)
    assert equal(put_together(take_apart(result)), result)


def test_arrays_are_named_by_their_place() -> None:
    names = set(take_apart(samples.attention()))
    assert f"maps/noise once/{samples.LAYERS[1]}" in names
    assert "images/generation" in names
    assert "request/image" in take_apart(samples.saliency())
    assert "request/masks/car" in take_apart(samples.saliency())


def test_a_request_that_breaks_a_rule_is_refused_on_the_way_in() -> None:
    parts = take_apart(samples.clusters())
    text = json.loads(str(parts["result"]))
    text["fields"]["request"]["fields"]["k"] = 10_000
    with pytest.raises(ChoiceError, match="k is 10000"):
        put_together(parts | {"result": np.array(json.dumps(text))})


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "3",
        '{"kind": "Path", "fields": {}}',
        '{"kind": "SaliencyResult", "fields": {"request": 1}}',
        '{"array": "missing"}',
        '{"kind": "Token", "fields": {"index": 1, "text": "a", "start": 0, "stop": 1}}',
        '{"eval": "1 + 1"}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError):
        put_together({"result": np.array(text)})
    with pytest.raises(ChoiceError):
        put_together({})


def test_arrays_that_are_laid_out_by_columns_come_back(tmp_path: Path) -> None:
    result = samples.clusters()
    turned = replace(result, features=np.asfortranarray(result.features), grid_labels=result.grid_labels.T.copy().T)
    back = load_result(write_archive(turned, tmp_path / "maps.npz"))
    assert equal(back, result)
    assert back.features.flags.writeable


def test_only_what_the_text_names_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Members._read
    monkeypatch.setattr(Members, "_read", lambda self, name: (read.append(name), original(self, name))[1])
    load_result(write_archive(samples.saliency(), tmp_path / "maps.npz"))
    arrays = ["request/image", "request/masks/car", "grid_signed", "probabilities", "scores"]
    assert read == ["result", *arrays]  # and neither the maps at the picture's size nor the provenance beside it


def test_files_that_are_no_archive_or_hold_objects_are_refused(tmp_path: Any, monkeypatch: Any) -> None:
    with pytest.raises(ChoiceError, match=r"give a maps\.npz"):
        load_result(tmp_path)
    (tmp_path / "maps.npz").write_bytes(b"not a zip")
    with pytest.raises(ChoiceError, match=r"give a maps\.npz"):
        load_result(tmp_path)
    packed = io.BytesIO()
    np.savez(packed, result=np.array([{"a": 1}], object))
    packed.seek(0)
    with pytest.raises(ChoiceError, match="cannot be read"):
        load_result(packed)
    write_result(samples.saliency(), tmp_path)
    with pytest.raises(ChoiceError, match="at most"):
        load_result(tmp_path, largest=1000)
