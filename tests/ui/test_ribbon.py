"""The ribbon: the pictures predicted at the steps, in the place of the film, after a run and while it goes on."""

import re
from typing import Any

import pytest

from tests.ui.driving import LONG, PHONE, VIEWER, Open, query, run, state

playwright = pytest.importorskip("playwright.sync_api")
STARTED = "?tab=attention&prompt=a+horse+on+the+grass&steps=2&seed=7"
THERE = ".dv-filling button.dv-place"


def told(tab: Any) -> str:
    """What the ribbon says of itself, once it is drawn."""
    tab.locator(".dv-strip .dv-now").first.wait_for(timeout=LONG)
    tab.wait_for_timeout(150)
    return tab.locator(".dv-track").get_attribute("aria-valuetext")


def last_number(text: str) -> float:
    return float(text.rpartition(" ")[2])


def test_both_arms_are_stacked_and_the_one_noised_once_stands_where_t_is_nearest(visit: Open) -> None:
    tab = visit("?tab=attention&ribbon=on")
    told(tab)
    assert tab.locator(".dv-arm").all_text_contents() == ["generation", "noise once"]
    assert [row.locator("canvas").count() for row in tab.locator(".dv-strip").all()] == [20, 1]
    middles = "(node) => { const { left, width } = node.getBoundingClientRect(); return left + width / 2; }"
    once = tab.locator(".dv-strip").nth(1).locator("canvas").evaluate(middles)
    nearest = tab.locator(".dv-strip").nth(0).locator("canvas").nth(17).evaluate(middles)  # t = 101, for 100
    assert once == pytest.approx(nearest, abs=0.5)
    assert not tab.locator(".dv-matrix").is_visible()


@pytest.mark.slow
def test_the_curve_is_the_maps_mean_or_ap_where_there_is_a_mask(visit: Open) -> None:
    tab = visit("?tab=attention&ribbon=on&step=3&word=grass")
    text = told(tab)
    assert text.startswith("grass: mean of the map, mean of all layers, step 3 of 20, t = 851, generation 0.")
    mean = "({ values: v, low, high }) => low + v.reduce((a, b) => a + b) / v.length / 255 * (high - low)"
    assert last_number(text) == pytest.approx(tab.evaluate(f"({mean})({VIEWER}.panels[0].map)"), rel=0.01)
    low, high = (float(end) for end in reversed(tab.locator(".dv-ends span").all_text_contents()))
    assert low <= last_number(text) <= high
    tab.evaluate(f"{VIEWER}.masks.brush({{ y: 0.4, x: 0.6 }}, 1); {VIEWER}.maskChanged('drawn')")
    tab.wait_for_function("document.querySelector('.dv-track').ariaValueText.includes('AP against the drawn mask')")
    ap = tab.evaluate(f"(({{ map, choice }}) => {VIEWER}.masks.score(map, choice).ap)({VIEWER}.panels[0])")
    assert last_number(told(tab)) == pytest.approx(ap, rel=0.01)


def test_pointer_and_keys_choose_the_step(visit: Open) -> None:
    tab = visit("?tab=attention&ribbon=on")
    told(tab)
    cells = tab.locator(".dv-strip").first.locator("canvas")
    first, second = cells.nth(4).bounding_box(), cells.nth(9).bounding_box()
    steps = lambda: {panel["step"] for panel in state(tab)["panels"]}  # noqa: E731
    tab.mouse.move(first["x"] + 10, first["y"] + 10)
    assert steps() == {"20"}  # it is pressed that it scrubs
    tab.mouse.down()
    assert steps() == {"5"}
    tab.mouse.move(second["x"] + 10, second["y"] + 10)
    assert steps() == {"10"}
    tab.mouse.up()
    tab.mouse.move(first["x"] + 10, first["y"] + 10)
    assert steps() == {"10"}
    assert tab.locator(".dv-track").get_attribute("aria-valuenow") == "10"
    for key, step in [("ArrowRight", "11"), ("ArrowLeft", "10"), ("Home", "1"), ("ArrowLeft", "1"), ("End", "20")]:
        tab.locator(".dv-track").press(key)
        assert steps() == {step}, key


@pytest.mark.slow
def test_the_choice_is_remembered_and_is_there_only_along_the_steps(visit: Open) -> None:
    tab = visit("?tab=attention")
    assert not tab.locator(".dv-ribbon").is_visible()
    tab.get_by_role("radio", name="Pictures").click()
    told(tab)
    assert "ribbon=on" in query(tab)
    tab.get_by_label("Columns").select_option("layer")
    assert tab.locator(".dv-matrix").is_visible()
    assert not tab.locator(".dv-ribbon, .dv-mode").first.is_visible()
    tab.get_by_label("Columns").select_option("step")
    told(tab)
    tab.get_by_role("radio", name="Maps").click()
    assert tab.locator(".dv-matrix").is_visible()
    assert "ribbon" not in query(tab)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (PHONE, 844)])
@pytest.mark.slow
def test_it_fits_into_the_films_place(visit: Open, width: int, height: int) -> None:
    tab = visit("?tab=attention&ribbon=on", width, height=height)
    told(tab)
    film = tab.locator(".dv-film").bounding_box()
    for part in [".dv-told", ".dv-lines", ".dv-strip >> nth=1", ".dv-strip canvas >> nth=19", ".dv-mode"]:
        box = tab.locator(part).first.bounding_box()
        assert box["y"] >= film["y"] - 0.5, part
        assert box["y"] + box["height"] <= film["y"] + film["height"] + 0.5, part
        assert box["x"] + box["width"] <= width, part
    assert tab.locator(".dv-strip").first.bounding_box()["height"] > 15
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_run_fills_it_and_any_step_can_be_seen_large_before_the_end(visit: Open) -> None:
    tab = visit(STARTED)
    tab.evaluate("document.documentElement.dataset.inspector = 'waiting'")
    tab.locator(".recipe-pill > button:visible").click()
    tab.get_by_label("number input for Steps").first.fill("12")
    tab.keyboard.press("Escape")
    run(tab)
    tab.wait_for_function(f"document.querySelectorAll('{THERE}').length >= 3", timeout=LONG)
    assert tab.locator(".dv-place").count() == 12
    assert re.search(r"Step \d+ of 12, t = \d+", tab.locator(".dv-filling .dv-caption").text_content())
    assert not tab.locator(".dv-matrix").is_visible()
    tab.locator(THERE).nth(1).hover()
    large = tab.locator(".dv-large")
    assert large.text_content() == "step 2 of 12, t = 831"
    assert large.locator("img").evaluate("(image) => image.naturalWidth") > 32
    tab.mouse.move(700, 20)
    assert large.count() == 0
    tab.locator(THERE).first.click()
    assert large.text_content() == "step 1 of 12, t = 914"
    tab.keyboard.press("Escape")
    assert large.count() == 0
    tab.locator(THERE).first.click()
    tab.wait_for_function(f"{VIEWER}.own.asked.steps === '12'", timeout=LONG)
    assert tab.locator(".dv-large, .dv-filling").count() == 0
    assert tab.locator(".dv-matrix").is_visible()


@pytest.mark.slow
def test_without_a_result_it_fills_too_and_goes_with_stop(visit: Open) -> None:
    tab = visit(STARTED.replace("steps=2", "steps=40"), flag="waiting")
    tab.wait_for_function(f"document.querySelectorAll('{THERE}').length === 2", timeout=LONG)
    place = tab.locator(".dv-place").first.bounding_box()
    assert place["y"] + place["height"] < 900
    tab.locator("button.stop:visible").click()
    tab.locator(".dv-filling").wait_for(state="detached", timeout=LONG)
    assert "Stopped" in tab.locator(".status:visible").text_content()
