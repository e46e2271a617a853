"""Taking away: files of what is shown, and a preview of them."""

import base64
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.ui import take_away
from inspector.ui.tab import Tab
from inspector.views.archive import load_result
from inspector.views.color import lut
from inspector.views.export import figure_of
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


def test_all_maps_are_written_as_a_zip_in_the_viewer_s_colours(tabs: dict[str, Tab], told: dict[str, Any]) -> None:
    path = take_away.write_maps(tabs, told)
    assert path.name == "maps.zip"
    with zipfile.ZipFile(path) as packed:
        first = next(name for name in packed.namelist() if name.endswith(".png"))
        colours = Image.open(io.BytesIO(packed.read(first))).getpalette()
    assert colours is not None
    assert colours[:768] == lut("magma").ravel().tolist()
    with pytest.raises(InputError, match="press Run"):
        take_away.write_maps(tabs, told | {"key": "gone"})


def test_what_is_asked_of_a_run_goes_into_its_figure() -> None:
    box = {"kind": "box", "points": [{"y": 0.1, "x": 0.1}, {"y": 0.6, "x": 0.4}]}
    told = {"region": box, "rivals": ["a", "horse"], "mixture": {"4": 0.5}}
    assert take_away.state_of(told | {"evil": 1}) == told


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
    assert take_away.write(tabs, told | {"held": ["gone"]}, ("png",), 1, False)  # where nothing of it is shown
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
    take, take_all, look, _ = (handler.fn for handler in page.fns.values())
    asked = (None, {"tab": []}, ["PNG"], take_away.LAYOUTS[0], "by scale", 1, False)
    assert take(*asked) == take_all(*asked[:2]) == gr.skip()
    assert "There is nothing to save yet" in look(*asked)
    assert charged == ["someone"] * 3
