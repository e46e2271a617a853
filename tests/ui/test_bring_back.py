"""Bringing back: what a saved file that anyone may have written is believed."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from inspector.errors import InputError
from inspector.results import Edit
from inspector.ui import bring_back, scenes, source, take_away
from inspector.ui.pictures import UPLOADS, picture_hash
from inspector.ui.session import fingerprint
from inspector.ui.tab import Tab
from inspector.views.archive import load_request, take_apart
from inspector.views.export import write_archive, write_result
from tests.views import samples


def show(shown: Tab, path: Path) -> dict[Any, Any]:
    """What the page does with a file that a visitor opens."""
    with gr.Blocks(analytics_enabled=False):
        shared, chooser = source.build(scenes.STREET), gr.Tabs()
    return bring_back.on_saved({"saliency": shown, "attention": shown}, chooser, shared)(None, str(path))


def test_a_saved_result_comes_back_but_answers_nobody_else(shown: Tab, tmp_path: Path) -> None:
    result = replace(samples.saliency(), request=replace(samples.saliency().request, masks={}))
    told = show(shown, write_archive(result, tmp_path / "maps.npz"))
    key = told[shown.viewer]["key"]
    assert np.array_equal(take_away.RESULTS.get(key).grid_signed, result.grid_signed)
    assert take_away.RESULTS.find(result.request) == ""
    assert UPLOADS.get(picture_hash(result.request.image)) is not None  # so that the address leads back
    assert told[shown.controls["classes"]] == "car, building/house"


def test_a_saved_json_brings_its_request_back(shown: Tab, tmp_path: Path) -> None:
    drawn = scenes.get(scenes.STREET)
    request = replace(samples.saliency().request, image=drawn.image, masks=dict(drawn.masks), scene=scenes.STREET)
    write_result(replace(samples.saliency(), request=request), tmp_path)
    back = bring_back.request_of(*load_request(tmp_path / "result.json"))
    assert fingerprint(back) == fingerprint(request)
    told = show(shown, tmp_path / "result.json")
    assert told[shown.todo]["how"] == "fresh"
    assert told[shown.controls["classes"]] == "car, building/house"


def test_a_saved_json_brings_back_what_was_kept_of_another_prompt(tmp_path: Path) -> None:
    result = samples.attention()
    request = replace(result.request, edit=Edit("a dog", 0.5, weights="horse: 2"))
    write_result(replace(result, request=request), tmp_path)
    tab, values = load_request(tmp_path / "result.json")
    assert fingerprint(bring_back.request_of(tab, values)) == fingerprint(request)
    with pytest.raises(InputError, match="a Edit has no 'more'"):
        bring_back.request_of(tab, values | {"edit": values["edit"] | {"more": 1}})
    with pytest.raises(InputError, match="a Edit is expected"):
        bring_back.request_of(tab, values | {"edit": 5})


def broken_maps(folder: Path) -> Path:
    parts = take_apart(samples.saliency())
    np.savez_compressed(folder / "maps.npz", **parts | {"probabilities": parts["probabilities"][:1]})
    return folder / "maps.npz"


def flipped(folder: Path) -> Path:
    path = write_archive(samples.saliency(), folder / "maps.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def boastful(folder: Path) -> Path:
    """An archive with an array that says it has ten thousand billion items."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with zipfile.ZipFile(folder / "maps.npz", "w") as packed:
        packed.writestr("result.npy", header.getvalue())
    return folder / "maps.npz"


def deep(folder: Path) -> Path:
    np.savez(folder / "maps.npz", result=np.array("[" * 100_000))
    return folder / "maps.npz"


def a_part_alone(folder: Path) -> Path:
    np.savez(folder / "maps.npz", result=np.array('{"kind": "Token", "fields": 5}'))
    return folder / "maps.npz"


def json_of(content: Any) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        (folder / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return folder / "result.json"

    return written


def scened(number: Any, **values: Any) -> str:
    """A result.json of a drawn scene."""
    return json.dumps({"tab": "saliency", "request": {"image": {}, "scene": number, "classes": [["car"]]} | values})


UPLOAD = {"tab": "saliency", "request": {"image": {"shape": [9, 9, 3]}, "classes": [["a"]], "scene": None}}
UNTOLD = {
    "tab": "saliency",
    "request": {"image": {}, "scene": scenes.STREET, "classes": [["car"], ["sky"]], "threshold": 0.3},
}
BAD = {
    "parts that do not fit": (broken_maps, "do not fit together"),
    "flipped bytes": (flipped, "read as a saved result"),
    "more than there is": (boastful, "says that it has 80000.0 GB, and 0 bytes are there"),
    "deep text": (deep, "no result that was saved here"),
    "a part alone": (a_part_alone, "no result that was saved here"),
    "a model that is a list": (json_of({"tab": "attention", "request": {"prompt": "a", "model": []}}), "model is"),
    "no json": (json_of("{"), "cannot be read as a saved result"),
    "deep json": (json_of("[" * 100_000), "cannot be read as a saved result"),
    "other json": (json_of({"tab": 5, "request": 5}), "no result that was saved here"),
    "no control for it": (json_of(UNTOLD), "no control for"),
    "another tab": (json_of({"tab": "os", "request": {}}), "tab is 'os'"),
    "an upload": (json_of(UPLOAD), "does not hold the uploaded picture"),
    "unknown fields": (json_of({"tab": "attention", "request": {"prompt": "a", "evil": 1}}), "changed since"),
    "values of another kind": (json_of({"tab": "attention", "request": {"prompt": 5}}), "prompt is 5; give a text"),
    "too many steps": (json_of({"tab": "attention", "request": {"prompt": "a", "steps": 10**9}}), "steps is"),
    "missing fields": (json_of({"tab": "attention", "request": {}}), "needs 'prompt'"),
    "a tab that is a list": (json_of({"tab": ["saliency"], "request": {}}), "no result that was saved here"),
    "a scene of 400 digits": (json_of(scened("SCENE").replace('"SCENE"', "9" * 400)), "a number of 400 digits"),
    "a scene of 5000 digits": (json_of(scened("SCENE").replace('"SCENE"', "9" * 5000)), "a number of 5000 digits"),
    "a scene that is true": (json_of(scened(True)), "scene is True"),
    "a scene in between": (json_of(scened(0.5)), "scene is 0.5"),
    "a scene that is not finite": (json_of(scened(float("nan"))), "the number NaN"),
    "a scene beyond floats": (json_of(scened("SCENE").replace('"SCENE"', "1e999")), "scene is inf"),
    "half a letter": (json_of({"tab": "attention", "request": {"prompt": "a \ud800"}}), "no Unicode"),
    "half a letter in a model": (
        json_of({"tab": "attention", "request": {"prompt": "a", "model": "\ud800"}}),
        "no Uni",
    ),
    "half a letter in a tab": (json_of({"tab": "\ud800", "request": {}}), "tab is '\\ud800'"),
    "half a letter in a name": (json_of({"tab": "attention", "request": {"\ud800": 1}}), "has no '\\ud800'"),
    "classes that are a number": (json_of(scened(1, classes=5)), "Classes are 5"),
    "classes inside of classes": (json_of(scened(1, classes=[["a", ["b"]]])), "A class is ['a', ['b']]"),
    "a background that is a number": (json_of(scened(1, background=5)), "Background words are 5"),
    "heads that are a text": (
        json_of({"tab": "attention", "request": {"prompt": "a", "heads": "no"}}),
        "heads is 'no'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_was_changed_is_a_sentence(
    case: str, shown: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, sentence = BAD[case]
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))
    assert show(shown, make(tmp_path)) == gr.skip()
    assert len(said) == 1
    assert sentence in said[0]


def test_a_bomb_is_not_unpacked(shown: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))
    path = write_archive(samples.saliency(), tmp_path / "maps.npz")
    monkeypatch.setattr(bring_back, "LARGEST", path.stat().st_size)  # unpacked it is larger
    show(shown, path)
    assert "are read" in said[0]
    monkeypatch.setattr(bring_back, "LARGEST", path.stat().st_size - 1)
    show(shown, path)
    assert "at most that much is read" in said[1]


def test_how_much_is_made_of_a_file_is_known_before_any_is(shown: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    height, width, steps, tokens = 64, 96, 3, 4
    assert bring_back.values_of(samples.saliency())[0] == 2 * height * width
    assert bring_back.values_of(samples.segmentation())[0] == 16 * 2 * height * width  # whose grid is as fine as that
    assert bring_back.values_of(samples.clusters())[0] == 3 * height * width
    assert bring_back.values_of(samples.attention())[0] == steps * tokens * 8 * 8
    monkeypatch.setattr(bring_back, "atlas_of", None)
    monkeypatch.setattr(bring_back, "values_of", lambda result: (20_000_000, 10_000_000))
    with pytest.raises(InputError, match="would take 20 million values; at most 10 million"):
        bring_back.checked({"saliency": shown}, samples.saliency())
