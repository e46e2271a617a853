"""A click or a box on a shown picture: the question as the page sends it, and the mask that maps are scored against."""

import base64
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.models import catalog
from inspector.results import Provenance
from inspector.settings import settings
from inspector.ui import prompting, runs
from inspector.ui.share import visitor
from inspector.ui.turns import SHARE
from tests.ui.driving import LONG, VIEWER, Open, asked_from_now, side

IMAGE = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
ASKED = {"key": "k", "picture": "image", "points": [[0.25, 0.75]], "labels": [1], "box": None, "model": "scenes-sam"}


class Pretend:
    """A pipeline that answers with the left half of the picture."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def stream(self, request: Any) -> Any:
        self.requests.append(request)
        mask = np.zeros(request.image.shape[:2], bool)
        mask[:, : mask.shape[1] // 2] = True
        yield SimpleNamespace(mask=mask, sure=0.5, provenance=Provenance({}, "cpu", "float32", {}, 0.0, "a warning"))


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    pretend = Pretend()
    monkeypatch.setattr(runs, "load_pipelines", lambda tabs: [pretend])
    return pretend


def shown(key: str) -> Any:
    if key != "k":
        raise InputError("That result is no longer kept; press Run to compute it again.")
    return SimpleNamespace(request=SimpleNamespace(image=IMAGE, scene=7)), {"image": IMAGE, "arm": IMAGE[::-1]}


def answer(**changes: Any) -> dict[str, Any]:
    return prompting.answer({**ASKED, **changes}, shown, None)


def test_a_mask_comes_at_the_size_that_maps_are_scored_at(pipeline: Pretend) -> None:
    found = answer()
    assert (found["height"], found["width"], found["sure"], found["share"]) == (64, 128, 0.5, 0.5)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(found["mask"]), np.uint8))[: 64 * 128].reshape(64, 128)
    assert bits[:, :64].all()
    assert not bits[:, 64:].any()
    assert found["warning"] == "a warning"
    (request,) = pipeline.requests
    assert request.points == ((24.5, 149.5),)
    assert request.scene == 7


def test_a_box_and_the_picture_of_an_arm_are_asked_about(pipeline: Pretend) -> None:
    assert "error" not in answer(picture="arm", points=[], labels=[], box=[0.25, 0, 1, 0.5])
    (request,) = pipeline.requests
    assert request.box_xyxy == (49.5, 0, 199, 49.5)
    assert np.array_equal(request.image, IMAGE[::-1])
    assert request.scene is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": "gone"}, "no longer kept"),
        ({"key": 3}, "names no picture that is shown"),
        ({"picture": "other"}, "has no picture 'other'"),
        ({"points": [[2, 0.5]]}, "shares of the picture's sides go from 0 to 1"),
        ({"points": [["a", 0.5]]}, "shares of the picture's sides go from 0 to 1"),
        ({"points": [5]}, "A place is 5; give 2 shares"),
        ({"points": [[0.5, 0.5]] * 65}, "give at most 64"),
        ({"points": {"a": 1}}, "give at most 64"),
        ({"labels": [4]}, "The label of a point is 4"),
        ({"labels": [0]}, "Nothing says what the mask is of"),
        ({"box": [0.5, 0.5, 0.2, 0.9]}, "x0 and y0 have to be the smaller"),
        ({"model": ["x"]}, "model is ['x']; give a text."),
    ],
)
def test_what_is_no_question_is_answered_by_a_sentence(pipeline: Pretend, changes: dict, said: str) -> None:
    assert said in answer(**changes)["error"]
    assert not pipeline.requests


def test_nonsense_is_answered_and_not_a_fault() -> None:
    for asked in (None, 3, [], "x", {}):
        assert "names no picture" in prompting.answer(asked, shown, None)["error"]


def test_a_share_that_is_used_up_and_too_many_questions_are_refused(
    pipeline: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompting, "_WAITING", threading.BoundedSemaphore(1))
    with prompting._WAITING:
        assert "Too many ask for masks at once" in answer()["error"]
    assert "error" not in answer()  # its place was given back
    monkeypatch.setattr(SHARE, "_allowed", 5.0)
    SHARE.charge(visitor(None), 9)
    assert "You used your 5 s of computing" in answer()["error"]


def test_segmenters_of_points_are_offered_folders_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [name for name, _ in prompting.segmenters()] == ["scenes-sam", "sam-vit-base"]
    own = catalog.ModelSpec("local/mine", "segmenter", "mine", "local", "/nowhere", "", promptable=True)
    monkeypatch.setitem(catalog._LOCAL, own.name, own)
    assert prompting.segmenters()[0] == [own.name, own.title]
    monkeypatch.setattr(catalog, "settings", lambda: replace(settings(), hub=False))
    assert [name for name, _ in prompting.segmenters()] == [own.name, "scenes-sam"]


def test_a_click_on_the_page_gives_the_mask_that_maps_are_scored_against(visit: Open) -> None:
    tab = visit("?tab=saliency")
    side(tab, "Mask")
    tab.get_by_role("radio", name="Segment", exact=True).click()
    requests = asked_from_now(tab)
    box = tab.locator(".dv-over").first.bounding_box()
    tab.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    tab.wait_for_function(f"{VIEWER}.state.mask === 'drawn'", timeout=LONG)
    said = tab.wait_for_function(f"{VIEWER}.layout.live.textContent.startsWith('The mask is')", timeout=LONG)
    assert said
    assert requests
    assert all("component_server" in url for url in requests)  # no run, and nothing else
    mask = tab.evaluate(f"(() => {{ const {{ values, width }} = {VIEWER}.masks.drawn; return [...values]; }})()")
    size = tab.evaluate(f"[{VIEWER}.masks.drawn.height, {VIEWER}.masks.drawn.width]")
    assert np.reshape(mask, size)[size[0] // 2, size[1] // 2] == 1  # where it was clicked
    side(tab, "Numbers")
    tab.wait_for_function(
        f"{VIEWER}.masks.score({VIEWER}.active().map, {VIEWER}.active().choice)?.ap > 0", timeout=LONG
    )
    side(tab, "Mask")
    tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    before = tab.evaluate(f"{VIEWER}.masks.version")
    tab.mouse.up()
    tab.wait_for_function(f"{VIEWER}.masks.version > {before}", timeout=LONG)
    assert tab.evaluate(f"{VIEWER}.prompting.prompt.box.length") == 4
    tab.get_by_role("button", name="Clear the drawn mask").click()
    tab.wait_for_function(f"{VIEWER}.state.mask === 'match' && {VIEWER}.prompting.prompt === null", timeout=LONG)
