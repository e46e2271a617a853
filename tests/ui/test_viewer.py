"""What Python hands to the viewer, and what it believes of what the viewer says."""

import base64
from typing import Any

import pytest

from inspector.errors import InputError
from inspector.ui import session, viewer
from inspector.ui.session import Store
from inspector.views.atlas import MAGIC, header_of, maps_of, pack
from inspector.views.atlases import atlas_of
from inspector.views.look import Look
from tests.views import samples


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> str:
    """The key of a kept attention result."""
    store = Store()
    monkeypatch.setattr(viewer, "RESULTS", store)
    monkeypatch.setattr(viewer.gr.utils, "get_upload_folder", lambda: str(tmp_path))
    return store.put(samples.attention())


def test_a_result_is_handed_over_as_one_file(key: str) -> None:
    first, second = viewer.showing(key, {"tab": "attention"}, "link"), viewer.showing(key, {})
    path = viewer.atlas_file(key)
    assert path.read_bytes() == pack(atlas_of(samples.attention()))
    assert first["atlas"]["path"] == str(path)
    assert (first["key"], first["link"], first["how"]) == (key, {"tab": "attention"}, "link")
    assert first["nonce"] != second["nonce"]  # or the browser would not notice the second


def test_an_atlas_that_was_cleared_away_is_written_again(key: str) -> None:
    viewer.atlas_file(key).unlink()
    assert viewer.atlas_file(key).read_bytes()[:8] == MAGIC


def test_a_forgotten_result_is_a_sentence(key: str) -> None:
    with pytest.raises(InputError, match="no longer kept; press Run"):
        viewer.showing("gone", {})


def test_maps_that_were_only_announced_come_on_their_own(key: str) -> None:
    result = samples.attention()
    at = {"view": "word", "arm": "noise once", "layer": "mean"}
    other = at | {"layer": samples.LAYERS[0]}
    data = base64.b64decode(viewer.more({"key": key, "at": [at, other]}))
    assert [block["at"] for block in header_of(data)[0]["blocks"]] == [at, other]
    assert maps_of(data, other).shape[-2:] == samples.GRIDS[0]
    assert maps_of(data, at).shape[:2] == (1, len(header_of(data)[0]["axes"][0]["values"]))
    assert maps_of(data, at)[0, 1] == pytest.approx(result.select("noise once", 0, None, "horse"), abs=0.01)


@pytest.mark.parametrize(
    "asked",
    [
        None,
        5,
        [],
        {},
        {"key": 1, "at": [{}]},
        {"key": "gone", "at": [{}]},
        {"key": "KEY", "at": [{"arm": "<b>"}]},
        {"key": "KEY", "at": {"view": "word", "arm": "noise once", "layer": "mean"}},
        {"key": "KEY", "at": []},
        {"key": "KEY", "at": ["word"]},
        {"key": "KEY", "at": [{"view": "word", "arm": "noise once", "layer": "mean"}] * 201},
        {"key": "KEY"},
    ],
)
def test_what_nobody_has_is_nothing(key: str, asked: Any) -> None:
    if isinstance(asked, dict) and asked.get("key") == "KEY":
        asked = asked | {"key": key}
    assert viewer.more(asked) == ""


@pytest.mark.parametrize(
    "state",
    [None, 5, [], {"colormap": "jet", "opacity": 7, "scale": None, "smooth": [], "threshold": "x"}, {"opacity": "nan"}],
)
def test_a_look_is_believed_as_far_as_it_is_one(state: Any) -> None:
    look = viewer.look_of(state)
    assert (look.colormap, look.scale, look.threshold) == ("viridis", "own", 0.4)
    assert 0 <= look.opacity <= 1


def test_a_look_is_what_the_viewer_shows() -> None:
    state = {"colormap": "magma", "opacity": 0.25, "scale": "shared", "smooth": False, "threshold": 1, "fade": True}
    assert viewer.look_of(state) == Look("magma", 0.25, "shared", False, 1.0, True)


@pytest.mark.parametrize(
    ("state", "choice"),
    [
        ({"panels": [{"word": "a"}, {"word": "b"}], "active": 1}, {"word": "b"}),
        ({"panels": [{"word": "a"}], "active": 3}, {}),
        ({"panels": {"word": "a"}, "active": 0}, {}),
        ({"panels": ["a"], "active": 0}, {}),
        (None, {}),
    ],
)
def test_the_choice_is_the_active_panel_s(state: Any, choice: dict[str, str]) -> None:
    assert viewer.choice_of(state) == choice


def test_the_store_of_the_page_is_the_viewer_s() -> None:
    assert viewer.RESULTS is session.RESULTS
