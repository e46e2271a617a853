"""Taking away and bringing back: files of what is shown, and what a file that anyone may have written is believed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from inspector.errors import InputError
from inspector.ui import scenes, source, take_away
from inspector.ui.session import Store
from inspector.ui.tab import Tab
from inspector.views.archive import load_result
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


def test_the_case_before_stands_above(tabs: dict[str, Tab], monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.ui import clusters

    both = {"clusters": replace(tabs["saliency"], subject=clusters.SUBJECT)}
    first, second = samples.clusters(), replace(samples.clusters(), stability=0.1)
    second = replace(second, request=replace(second.request, k=5))
    keys = [take_away.RESULTS.put(result) for result in (first, second)]
    told = {"tab": "clusters", "key": keys[1], "earlier": [keys[0], "gone", 7], "state": None}
    rows: list[int] = []
    monkeypatch.setattr(
        take_away, "write_result", lambda result, folder, look, sheet, *_: rows.append(len(sheet.rows)) or []
    )
    take_away.write(both, told, ("png",), 1, True)
    take_away.write(both, told, ("png",), 1, False)
    assert rows == [2, 1]


def test_a_saved_result_comes_back_but_answers_nobody_else(shown: Tab, tmp_path: Path) -> None:
    path = write_archive(samples.saliency(), tmp_path / "maps.npz")
    name, request, key = take_away.opened(str(path))
    assert name == "saliency"
    assert np.array_equal(take_away.RESULTS.get(key).grid_signed, samples.saliency().grid_signed)
    assert take_away.RESULTS.find(request) == ""


def test_a_saved_json_brings_its_request_back(shown: Tab, tmp_path: Path) -> None:
    drawn = scenes.get(scenes.STREET)
    request = replace(samples.saliency().request, image=drawn.image, masks=dict(drawn.masks), scene=scenes.STREET)
    write_result(replace(samples.saliency(), request=request), tmp_path)
    name, back, key = take_away.opened(str(tmp_path / "result.json"))
    assert (name, key) == ("saliency", "")
    from inspector.ui.session import fingerprint

    assert fingerprint(back) == fingerprint(request)


def broken_maps(folder: Path) -> Path:
    result = samples.saliency()
    return write_archive(replace(result, probabilities=result.probabilities[:1]), folder / "maps.npz")


def json_of(content: Any) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        (folder / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return folder / "result.json"

    return written


UPLOAD = {"tab": "saliency", "request": {"image": {"shape": [9, 9, 3]}, "classes": [["a"]], "scene": None}}
BAD = {
    "parts that do not fit": (broken_maps, "do not fit together"),
    "no json": (json_of("{"), "cannot be read as a saved result"),
    "deep json": (json_of("[" * 100_000), "cannot be read as a saved result"),
    "other json": (json_of({"tab": 5, "request": 5}), "no result that was saved here"),
    "another tab": (json_of({"tab": "os", "request": {}}), "tab is 'os'"),
    "an upload": (json_of(UPLOAD), "does not hold the uploaded picture"),
    "unknown fields": (json_of({"tab": "attention", "request": {"prompt": "a", "evil": 1}}), "changed since"),
    "values of another kind": (json_of({"tab": "attention", "request": {"prompt": 5}}), "changed since"),
    "too many steps": (json_of({"tab": "attention", "request": {"prompt": "a", "steps": 10**9}}), "steps is"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_was_changed_is_a_sentence(
    case: str, shown: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, sentence = BAD[case]
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))
    with gr.Blocks(analytics_enabled=False):
        shared, chooser = source.build(scenes.STREET), gr.Tabs()
    show = take_away.on_saved({"saliency": shown, "attention": shown}, chooser, shared)
    steps = list(show(None, str(make(tmp_path))))
    assert not any(shown.viewer in step for step in steps)
    assert len(said) == 1
    assert sentence in said[0]


def test_a_bomb_is_not_unpacked(shown: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_away, "LARGEST", 1000)
    path = write_archive(samples.saliency(), tmp_path / "maps.npz")
    with pytest.raises(InputError, match="are read"):
        take_away.opened(str(path))


def test_the_stores_are_one() -> None:
    assert isinstance(take_away.RESULTS, Store)
