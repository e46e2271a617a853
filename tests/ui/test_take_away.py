"""Taking away and bringing back: files of what is shown, and what a file that anyone may have written is believed."""

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
from PIL import Image

from inspector.errors import InputError
from inspector.ui import scenes, source, take_away
from inspector.ui.pictures import UPLOADS, picture_hash
from inspector.ui.session import fingerprint
from inspector.ui.tab import Tab
from inspector.views.archive import load_request, load_result
from inspector.views.export import write_archive, write_result
from inspector.views.images import read_image
from tests.views import samples


@pytest.fixture
def tabs(shown: Tab) -> dict[str, Tab]:
    return {"saliency": shown}


@pytest.fixture
def told(tabs: dict[str, Tab]) -> dict[str, Any]:
    """What the page says of a saliency result that it shows."""
    key = take_away.RESULTS.put(samples.saliency())
    return {"tab": "saliency", "key": key, "earlier": [], "state": {"colormap": "magma", "scale": "shared"}}


def test_figures_data_caption_and_picture_are_written(tabs: dict[str, Tab], told: dict[str, Any]) -> None:
    files = {path.name: path for path in take_away.write(tabs, told, ("png", "pdf", "svg"), 2, False)}
    names = {"figure.png", "figure.pdf", "figure.svg", "maps.npz", "result.json", "caption.txt", "picture.png"}
    assert set(files) == names
    assert "magma" in files["caption.txt"].read_text()
    assert np.array_equal(read_image(files["picture.png"]), samples.saliency().request.image)
    assert np.array_equal(load_result(files["maps.npz"]).grid_signed, samples.saliency().grid_signed)


@pytest.mark.parametrize(
    "change", [{"tab": "other"}, {"tab": None}, {"key": "gone"}, {"key": 5}, {"key": "../../etc/passwd"}]
)
def test_only_what_is_kept_is_written(tabs: dict[str, Tab], told: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="press Run"):
        take_away.write(tabs, told | change, ("png",), 1, False)
    with pytest.raises(InputError, match="press Run"):
        take_away.write(tabs, None, ("png",), 1, False)


def test_the_case_before_stands_above_and_is_told(tabs: dict[str, Tab]) -> None:
    from inspector.ui import clusters

    both = {"clusters": replace(tabs["saliency"], subject=clusters.SUBJECT)} | tabs
    first, second = (
        replace(samples.clusters(), request=replace(samples.clusters().request, scene=scene, k=k))
        for scene, k in ((11, 4), (22, 5))
    )
    keys = [take_away.RESULTS.put(result) for result in (first, second)]
    saliency_key = take_away.RESULTS.put(samples.saliency())
    told = {"tab": "clusters", "key": keys[1], "earlier": [keys[0], keys[1], 7], "state": None}

    def caption(shown: dict[str, Any], beside: bool) -> str:
        files = {path.name: path for path in take_away.write(both, shown, ("png",), 1, beside)}
        with Image.open(files["figure.png"]) as figure:
            assert len(json.loads(figure.info["inspector"]).get("beside", [])) == int(beside and shown is told)
        return files["caption.txt"].read_text()

    assert "11 and 22" in caption(told, True) or "22 and 11" in caption(told, True)
    assert "11" not in caption(told, False)
    alone = {"tab": "saliency", "key": saliency_key, "earlier": keys, "state": None}
    assert "11" not in caption(alone, True)
    for shown in (told | {"tab": "saliency"}, told | {"earlier": [saliency_key]}):
        with pytest.raises(InputError, match="of another tab"):
            take_away.write(both, shown, ("png",), 1, True)


def show(shown: Tab, path: Path) -> dict[Any, Any]:
    """What the page does with a file that a visitor opens."""
    with gr.Blocks(analytics_enabled=False):
        shared, chooser = source.build(scenes.STREET), gr.Tabs()
    return take_away.on_saved({"saliency": shown, "attention": shown}, chooser, shared)(str(path))


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
    back = take_away.request_of(*load_request(tmp_path / "result.json"))
    assert fingerprint(back) == fingerprint(request)
    told = show(shown, tmp_path / "result.json")
    assert told[shown.todo]["how"] == "fresh"
    assert told[shown.controls["classes"]] == "car, building/house"


def broken_maps(folder: Path) -> Path:
    result = samples.saliency()
    return write_archive(replace(result, probabilities=result.probabilities[:1]), folder / "maps.npz")


def flipped(folder: Path) -> Path:
    path = broken_maps(folder)
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


UPLOAD = {"tab": "saliency", "request": {"image": {"shape": [9, 9, 3]}, "classes": [["a"]], "scene": None}}
UNTOLD = {
    "tab": "saliency",
    "request": {"image": {}, "scene": scenes.STREET, "classes": [["car"], ["sky"]], "threshold": 0.3},
}
BAD = {
    "parts that do not fit": (broken_maps, "do not fit together"),
    "flipped bytes": (flipped, "read as a saved result"),
    "more than there is": (boastful, "are read"),
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
    monkeypatch.setattr(take_away, "LARGEST", 1000)
    show(shown, write_archive(samples.saliency(), tmp_path / "maps.npz"))
    assert "are read" in said[0]
