"""Taking away and bringing back: files of what is shown, and what a file that anyone may have written is believed."""

import base64
import io
import json
import re
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
from inspector.ui import bring_back, scenes, source, take_away
from inspector.ui.pictures import UPLOADS, picture_hash
from inspector.ui.session import fingerprint
from inspector.ui.tab import Tab
from inspector.views.archive import load_request, load_result, take_apart
from inspector.views.export import figure_of, write_archive, write_result
from inspector.views.images import read_image
from inspector.views.look import Look
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


def test_what_is_held_is_in_the_figure_of_what_the_viewer_shows(tabs: dict[str, Tab], told: dict[str, Any]) -> None:
    other = samples.saliency()
    other = replace(other, request=replace(other.request, template="a drawing of {}."))
    held = take_away.RESULTS.put(other)
    told = told | {"held": [held], "state": {"panels": [{"class": "car"}, {"class": "car", "of": "1"}]}}
    files = {path.name: path for path in take_away.write(tabs, told, ("png",), 1, False, True)}
    with Image.open(files["figure.png"]) as figure:
        origin = json.loads(figure.text["inspector"])
    assert [one["request"]["template"] for one in origin["beside"]] == ["a drawing of {}."]
    assert "template a drawing of {}." in files["caption.txt"].read_text()
    with pytest.raises(InputError, match="press Run"):
        take_away.write(tabs, told | {"held": ["gone"]}, ("png",), 1, False, True)
    for odd in ("x", [1, None], {}, None):
        take_away.write(tabs, told | {"held": odd}, ("png",), 1, False, True)


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


def test_the_steps_as_films_have_a_caption_and_show_what_the_viewer_shows(tabs: dict[str, Tab]) -> None:
    from inspector.ui import attention

    previews = {"generation": np.full((3, 16, 16, 3), 200, np.uint8)}
    key = take_away.RESULTS.put(samples.attention(previews=previews))
    told = {"tab": "attention", "key": key, "state": {"follow": True, "colormap": "magma"}}
    both = tabs | {"attention": replace(tabs["saliency"], subject=attention.SUBJECT)}
    files = {path.name: path for path in take_away.write(both, told, ["GIF", "MP4"], 1, False)}
    assert set(files) == {"steps.gif", "steps.mp4", "steps.txt", "maps.npz", "result.json", "caption.txt"}
    assert files["steps.mp4"].read_bytes()[4:8] == b"ftyp"
    for part in ("A film of 3 steps", "magma", "over the picture predicted at the step"):
        assert part in files["steps.txt"].read_text()


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


def test_each_kind_of_file_is_written_once(
    tabs: dict[str, Tab], told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, ...]] = []
    original = take_away.write_result

    def write(*values: Any) -> list[Path]:
        written.append(values[5])
        return original(*values)

    monkeypatch.setattr(take_away, "write_result", write)
    files = take_away.write(tabs, told, ["PNG", "png"] * 500, 1.0, False)
    assert written == [("png",)]
    assert [path.name for path in files].count("figure.png") == 1
    assert "figure.png" not in {path.name for path in take_away.write(tabs, told, [], 1, False)}


HUGE, LONE = 10**400, "\ud800"
ODD = {
    "no kinds": ({"kinds": None}, "kinds are None"),
    "one kind": ({"kinds": "PNG"}, "kinds are 'PNG'"),
    "an unknown kind": ({"kinds": ["exe"]}, "kind is 'exe'; use one of png"),
    "a kind that is a list": ({"kinds": [["PNG"]]}, "kind is ['PNG']"),
    "half a letter": ({"kinds": [LONE]}, "no Unicode"),
    "no scale": ({"scale": None}, "scale is None"),
    "a scale of a text": ({"scale": "2"}, "scale is '2'"),
    "a scale in between": ({"scale": 1.5}, "scale is 1.5"),
    "no number": ({"scale": float("nan")}, "scale is nan"),
    "a scale of 400 digits": ({"scale": HUGE}, "scale is a number of 401 digits"),
    "true": ({"scale": True}, "scale is True"),
    "a tab that is a list": ({"shown": {"tab": ["saliency"]}}, "press Run"),
    "a tab that is a mapping": ({"shown": {"tab": {}}}, "press Run"),
    "a huge opacity": ({"state": {"opacity": HUGE}}, "number of 401 digits"),
    "an infinite pin": ({"state": {"pin": {"y": float("inf"), "x": 0}}}, "is inf"),
    "half a letter in a panel": ({"state": {"panels": [{"class": LONE}]}}, "no Unicode"),
    "a long text": ({"state": {"show": "x" * 10**6}}, "1,000,000 characters"),
}


@pytest.mark.parametrize("panels", [False, True])
@pytest.mark.parametrize("case", ODD)
def test_what_the_page_sends_is_not_trusted(
    case: str, panels: bool, tabs: dict[str, Tab], told: dict[str, Any]
) -> None:
    change, sentence = ODD[case]
    shown = change.get("shown", told | {"state": change.get("state")})
    with pytest.raises(InputError) as caught:
        take_away.write(tabs, shown, change.get("kinds", ["PNG"]), change.get("scale", 1), False, panels)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_state_that_says_odd_things_is_shown_as_a_fresh_one(tabs: dict[str, Tab], told: dict[str, Any]) -> None:
    odd = {"panels": "all", "active": [], "pin": 3, "show": {}, "opacity": "much", "smooth": None, "zoom": {"x": HUGE}}
    for panels in (False, True):
        assert take_away.write(tabs, told | {"state": odd}, ["PNG"], 1, {}, panels)


def test_a_figure_that_is_too_large_is_refused_before_its_pictures_are_made(
    tabs: dict[str, Tab], told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = (take_away.pixels_of(figure_of(samples.saliency(), Look()), scale) for scale in (1, 4))
    assert 10 < large / small < 20
    monkeypatch.setattr(take_away, "PIXELS", large - 1)
    scales: list[int] = []
    original = tabs["saliency"].subject

    def figure(*values: Any) -> Any:
        scales.append(values[-1])
        return original.figure(*values)

    watched = {"saliency": replace(tabs["saliency"], subject=replace(original, figure=figure))}
    with pytest.raises(InputError, match="million pixels; at most"):
        take_away.write(watched, told, ["PNG"], 4, False)
    assert scales == [1]
    assert take_away.write(watched, told, ["PNG"], 3, False)


def test_how_much_is_made_of_a_file_is_known_before_any_is(
    tabs: dict[str, Tab], monkeypatch: pytest.MonkeyPatch
) -> None:
    height, width, steps, tokens = 64, 96, 3, 4
    assert bring_back.values_of(samples.saliency())[0] == 2 * height * width
    assert bring_back.values_of(samples.segmentation())[0] == 16 * 2 * height * width  # whose grid is as fine as that
    assert bring_back.values_of(samples.clusters())[0] == 3 * height * width
    assert bring_back.values_of(samples.attention())[0] == steps * tokens * 8 * 8
    monkeypatch.setattr(bring_back, "atlas_of", None)
    monkeypatch.setattr(bring_back, "values_of", lambda result: (20_000_000, 10_000_000))
    with pytest.raises(InputError, match="would take 20 million values; at most 10 million"):
        bring_back.checked(tabs, samples.saliency())


def seen(tabs: dict[str, Tab], told: Any, *choices: Any) -> tuple[np.ndarray, str]:
    """The picture in a preview, and its HTML. choices: kinds, scale, beside, panels, columns."""
    told = take_away.preview(tabs, told, *choices)
    data = re.findall(r"data:image/png;base64,([^']+)'", told)[0]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), told


@pytest.mark.parametrize(("columns", "inches"), take_away.COLUMNS.items())
@pytest.mark.parametrize("panels", [False, True])
def test_the_preview_is_the_file_at_its_size(
    tabs: dict[str, Tab], told: dict[str, Any], panels: bool, columns: int, inches: float
) -> None:
    image, html = seen(tabs, told, ["PNG"], 2, False, panels, columns)
    files = take_away.write(tabs, told, ["PNG"], 2, False, panels, columns)
    (file,) = (file for file in files if file.name == "figure.png")
    with Image.open(file) as figure:
        width, height = map(int, re.findall(r"(\d+) × (\d+) pixels", html)[0])
        assert (width, height) == (figure.width, pytest.approx(figure.height, abs=2))  # sides of pictures are whole
        assert image.shape[1] / image.shape[0] == pytest.approx(figure.width / figure.height, rel=0.01)
        small = np.asarray(figure.resize(image.shape[1::-1], Image.Resampling.BOX), float)
    assert np.abs(small - image).mean() < 8
    assert image.size <= 3 * take_away.PREVIEW * 1.01
    assert f"width:{inches:g}in" in html


def test_the_preview_by_scale_says_how_large_the_file_is(tabs: dict[str, Tab], told: dict[str, Any]) -> None:
    for scale in (1, 3):
        _, html = seen(tabs, told, ["PDF"], scale, False, False, None)
        (file,) = (file for file in take_away.write(tabs, told, ["PNG"], scale, False) if file.name == "figure.png")
        with Image.open(file) as figure:
            assert f"{figure.width} × {figure.height} pixels" in html
        assert "width:100%" in html


def test_the_preview_of_a_film_is_what_the_viewer_shows_and_of_nothing_a_word(
    tabs: dict[str, Tab], told: dict[str, Any]
) -> None:
    film, _ = seen(tabs, told, ["GIF"], 2, False, False, 1)
    panels, _ = seen(tabs, told, ["PNG"], 2, False, True, 1)
    assert np.array_equal(film, panels)
    assert "No figure is chosen" in take_away.preview(tabs, told, [], 2, False, False, 1)
    for width in (None, "3.3", ["by scale"]):
        with pytest.raises(InputError, match="width is"):
            take_away.columns_of(width)


def test_a_file_that_was_swept_away_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(gr.utils, "get_upload_folder", lambda: str(tmp_path))
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))
    (tmp_path / "figure.png").write_bytes(b"1")
    clicked = gr.DownloadData(None, {"path": str(tmp_path / "figure.png")})
    take_away.still_kept(clicked)
    assert not said
    (tmp_path / "figure.png").unlink()
    take_away.still_kept(clicked)
    assert said == ["That file is no longer kept here; press Save again."]


def test_a_try_that_fails_is_charged_too(tabs: dict[str, Tab], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else odd values would be computing for nothing."""
    charged: list[str] = []
    monkeypatch.setattr(take_away.turns.SHARE, "charge", lambda who, seconds: charged.append(who))
    monkeypatch.setattr(take_away.turns, "visitor", lambda asked: "someone")
    monkeypatch.setattr(gr, "Warning", lambda message, **_: None)
    with gr.Blocks(analytics_enabled=False) as page:
        take_away.build(tabs, gr.Accordion())
    take, look, _ = (handler.fn for handler in page.fns.values())
    asked = (None, {"tab": []}, ["PNG"], take_away.LAYOUTS[0], "by scale", 1, False)
    assert take(*asked) == gr.skip()
    assert "There is nothing to save yet" in look(*asked)
    assert charged == ["someone"] * 2
