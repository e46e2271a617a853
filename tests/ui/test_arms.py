"""Arms on the page: asked for, moved by t, laid out as a table, and drawn as curves whose points lead to their maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.ui import scenes
from inspector.views import verdict
from tests.ui.driving import DESK, LONG, PHONE, VIEWER, Open, asked_from_now, query, run, side, state, until
from tests.views.verdicts import kept

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow
ARMS = ["generation", "noise once", "noise once, seed 8", "mean of seeds", "spread of seeds"]
DRAWN = "?tab=attention&prompt=a+horse+on+the+grass&steps=4&seeds=2&timesteps=1,+301&word=horse"
GIVEN = f"{DRAWN}&scene={scenes.HORSE}&seed=7"
POINT = ".dv-verdict .dv-point"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict of the embedded model, as its evaluation would keep it."""
    (tmp_path / "verdict-scenes-diffusion.json").write_text(json.dumps(kept()))
    monkeypatch.setattr(verdict, "MEASURED", tmp_path)


def steps(tab: Any) -> list[str]:
    return [panel["step"] for panel in state(tab)["panels"]]


def curves(tab: Any) -> None:
    """Open the curves, and wait until they are drawn."""
    side(tab, "Verdict")
    tab.locator(POINT).first.wait_for(timeout=LONG)


def test_arms_noises_and_t_are_asked_on_the_page(visit: Open) -> None:
    tab = visit("?tab=attention&prompt=a+horse+on+the+grass&steps=2")
    tab.locator(".recipe-pill > button:visible").click()
    tab.get_by_label("Several t of the noise").fill("1, 301")
    tab.get_by_label("number input for Noises").fill("2")
    tab.get_by_label("Arms", exact=True).click()
    tab.get_by_role("option", name="mean of seeds").click()
    tab.get_by_role("option", name="latent noised").click()
    tab.keyboard.press("Escape")
    tab.locator("button.run.changed:visible").wait_for(timeout=LONG)
    run(tab)
    tab.wait_for_function(f"{VIEWER}.own.asked.seeds === '2'", timeout=LONG)
    asked = ["generation", "latent noised", "mean of seeds"]
    assert tab.evaluate(f"{VIEWER}.own.axis('arm').values") == asked
    assert tab.evaluate(f"{VIEWER}.own.facts.timesteps")["mean of seeds"] == [301, 1]
    assert "arms=generation%2C+latent+noised%2C+mean+of+seeds&seeds=2&timesteps=301%2C+1" in query(tab)
    tab.get_by_text("use the picture").locator("visible=true").click()
    run(tab)
    refused = tab.locator(".status.problem:visible")
    refused.wait_for(timeout=LONG // 3)
    assert "A given picture has no arm 'latent noised'" in refused.text_content()


def test_an_address_opens_the_view_that_it_was_taken_of(visit: Open) -> None:
    tab = visit(DRAWN)
    assert tab.evaluate(f"{VIEWER}.own.axis('arm').values") == ARMS
    assert [panel["arm"] for panel in state(tab)["panels"]] == [*ARMS[:2], *ARMS[3:]]
    tab.evaluate(f"{VIEWER}.set('together', false)")
    tab.evaluate(f"{VIEWER}.activate({VIEWER}.panels[1])")
    tab.evaluate(f"{VIEWER}.choose({{ arm: 'noise once, seed 8', step: '1' }})")
    address = query(tab)
    assert "together=off" in address
    again = visit(address)
    assert state(again) == state(tab)
    assert again.evaluate(f"{VIEWER}.own.key") == tab.evaluate(f"{VIEWER}.own.key")


def test_an_address_may_tell_t_and_leave_the_step_open(visit: Open) -> None:
    tab = visit(f"{DRAWN}&panels=2&arm=generation&arm=noise+once&t=301")
    assert tab.evaluate(f"{VIEWER}.own.facts.timesteps.generation") == [751, 501, 251, 1]
    assert steps(tab) == ["3", "1"]


def test_panels_stay_at_one_t_and_are_moved_apart_where_they_are_let_go(visit: Open) -> None:
    tab = visit(f"{DRAWN}&panels=2&arm=generation&arm=noise+once")
    slider = tab.get_by_label("Step", exact=True).first
    slider.press("Home")
    assert steps(tab) == ["1", "1"]  # t = 751 and 301
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    assert steps(tab) == ["3", "1"]  # t = 251 and 301
    slider.press("ArrowRight")
    assert steps(tab) == ["4", "2"]  # t = 1 in both
    tab.locator(".dv-title").nth(1).click()
    assert slider.get_attribute("max") == "1"
    slider.press("Home")
    assert steps(tab) == ["3", "1"]
    side(tab, "Look")
    tab.get_by_role("button", name="Match t").click()
    slider.press("End")
    assert steps(tab) == ["3", "2"]
    tab.get_by_role("button", name="Match t").click()
    assert steps(tab) == ["4", "2"]


def test_lists_in_the_dock_lie_beside_each_other(visit: Open) -> None:
    """With a chip for each of many words, and with long names of arms."""
    tab = visit(GIVEN.replace("a+horse+on+the+grass", "a+white+horse+and+a+house+under+a+cloudy+sky"))
    edges = "each => each.map(one => one.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    (_, end), (start, last) = tab.locator(".dv-dock select:visible").evaluate_all(edges)
    told, _ = tab.locator(".status:visible").evaluate_all(edges)[0]
    assert end <= start
    assert last <= told


def test_noises_by_t_are_a_table_with_one_scale_whose_cells_lead_to_their_maps(visit: Open) -> None:
    tab = visit(f"{DRAWN}&scale=shared")
    tab.locator(".dv-title").nth(1).click()
    tab.get_by_role("button", name="All maps as a table").click()
    tab.wait_for_function("document.querySelectorAll('.dv-cell').length === 8")
    assert tab.locator(".dv-grid [role=rowheader]").all_text_contents() == ARMS[1:]
    assert tab.get_by_role("columnheader").all_text_contents() == ["", "t = 301", "t = 1"]
    tab.locator(".dv-cell").nth(2).click()
    panel = state(tab)["panels"][1]
    assert (panel["arm"], panel["step"]) == ("noise once, seed 8", "1")
    assert tab.locator(".dv-cell[aria-pressed=true]").count() == 1
    spans = tab.evaluate(f"{VIEWER}.matrix.choices().map((one) => {VIEWER}.span({VIEWER}.content(one).map).join())")
    assert len(spans) == 8
    assert len(set(spans)) == 1
    tab.locator(".dv-title").first.click()  # generation is alone with its t
    tab.wait_for_timeout(200)
    assert tab.locator(".dv-cell").count() == 8


def test_every_point_of_the_curves_leads_to_its_map(visit: Open) -> None:
    tab = visit(GIVEN)
    curves(tab)
    titles = tab.locator(".dv-verdict figcaption").all_text_contents()
    assert titles == ["AP", "IoU at 0.40", "Entropy"]  # a given picture has no generation
    assert tab.locator(".dv-verdict .dv-key li").all_text_contents() == ["noise once, 2 noises", "mean of seeds"]
    figure = tab.locator(".dv-chart").first
    assert figure.locator(".dv-point").count() == 6  # two noises and their mean, at two t
    assert figure.locator(".dv-area").count() == 1
    asked = asked_from_now(tab)
    point = figure.get_by_role("button", name="noise once, seed 8, t = 301")
    point.click()
    panel = state(tab)["panels"][0]
    assert (panel["arm"], panel["step"], panel["word"]) == ("noise once, seed 8", "1", "horse")
    value = tab.evaluate(f"(({{ map, choice }}) => {VIEWER}.masks.score(map, choice).ap)({VIEWER}.active())")
    assert float(point.get_attribute("aria-label").rpartition(" ")[2]) == pytest.approx(value, rel=0.01)
    now = figure.locator(".dv-now")
    playwright.expect(now).to_have_attribute("aria-label", point.get_attribute("aria-label"))
    assert not asked


def test_the_keys_lead_from_point_to_point(visit: Open) -> None:
    tab = visit(GIVEN)
    curves(tab)
    figure = tab.locator(".dv-chart").first
    assert figure.locator("[tabindex='0']").count() == 1
    figure.locator("[tabindex='0']").focus()
    told = "document.activeElement.getAttribute('aria-label')"
    tab.keyboard.press("End")
    assert "t = 301" in tab.evaluate(told)
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate(told).startswith("mean of seeds, t = 301")
    assert figure.locator(".dv-said").text_content() == tab.evaluate(told)
    tab.keyboard.press("Enter")
    assert state(tab)["panels"][0]["arm"] == "mean of seeds"
    tab.wait_for_timeout(300)
    assert tab.evaluate(told).startswith("mean of seeds, t = 301")  # though it was drawn anew


def test_generations_map_at_the_nearest_t_is_what_others_agree_with(visit: Open) -> None:
    tab = visit(DRAWN)
    curves(tab)
    assert tab.locator(".dv-verdict figcaption").all_text_contents() == ["Correlation with generation", "Entropy"]
    point = tab.locator(".dv-chart").first.get_by_role("button", name="mean of seeds, t = 301")
    shown = [("mean of seeds", 1), ("generation", 3)]  # t = 301 and 251
    choices = [{"view": "word", "word": "horse", "layer": "mean", "arm": arm, "step": str(step)} for arm, step in shown]
    one, other = (tab.evaluate(f"[...{VIEWER}.own.map({json.dumps(choice)}).values]") for choice in choices)
    told = float(point.get_attribute("aria-label").rpartition(" ")[2])
    assert told == pytest.approx(np.corrcoef(one, other)[0, 1], abs=0.002)


def test_stored_curves_lead_to_examples(visit: Open, stored: None) -> None:
    tab = visit(GIVEN.replace("seed=7", "seed=11"))
    side(tab, "Verdict")
    tab.get_by_role("radio", name="data set").click()
    point = tab.get_by_role("link", name="noise once, t = 301: AP 0.4")
    point.wait_for(timeout=LONG)
    point.click()
    tab.wait_for_url("**seed=640**", timeout=LONG)
    until(tab)
    assert tab.evaluate(f"{VIEWER}.own.asked.arms") == "noise once"
    panel = state(tab)["panels"][0]
    shown = tab.evaluate(f"{VIEWER}.describe({VIEWER}.active().choice)")
    assert (panel["word"], panel["arm"]) == ("grass", "noise once")
    assert "t = 301" in shown


@pytest.mark.parametrize(("width", "theme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing_in_the_curves(visit: Open, stored: None, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = visit(DRAWN.replace("steps=4", "steps=3"), width, theme)
    curves(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("screen", "data set"):
        if tab.get_by_role("radio", name=name).count():
            tab.get_by_role("radio", name=name).click()
        tab.wait_for_timeout(300)
        found = Axe().run(tab)
        assert not found.response["violations"], found.generate_report()
