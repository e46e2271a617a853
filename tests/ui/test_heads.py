"""Trained heads on the page: each switch of ODISE's ablation held beside the one before, and every other method."""

import re
from typing import Any
from urllib.parse import parse_qs

import pytest

from inspector.models.catalog import trained_heads
from inspector.models.heads.specs import HEADS
from inspector.results import HEAD_TITLES, ODISE_HEADS, TRAINED_METHODS
from inspector.ui.segmentation import TITLES
from tests.ui.driving import DESK, LONG, PHONE, VIEWER, Open, asked_from_now, pill, query, run, side, source, state

playwright = pytest.importorskip("playwright.sync_api")
SHIPPED = [name for name in ODISE_HEADS if name in trained_heads()]
STREET = "?tab=segmentation&scene=504307&classes=car%2C+building%2C+sky%2C+palm&method=odise&head=odise-no-captioner"
PLAIN = "&clip=scenes-clip-plain&diffusion=scenes-diffusion-plain"


def answered(tab: Any, head: str) -> None:
    """Wait until a head's result is shown."""
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.head === {head!r}", timeout=LONG)
    tab.wait_for_function("document.documentElement.dataset.inspector === 'ready'", timeout=LONG)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "odise-no-captioner"])
def test_a_switch_is_flipped_and_the_masks_change(visit: Open, name: str) -> None:
    tab = visit(STREET + PLAIN)
    answered(tab, "odise-no-captioner")
    tab.get_by_role("button", name="Hold", exact=True).click()
    head = tab.get_by_label("ODISE's head").first
    assert head.evaluate("node => Boolean(node.closest('.asked') && !node.closest('.pill'))")  # beside the method
    head.click()
    tab.get_by_role("option", name=HEAD_TITLES[name], exact=True).click()
    run(tab)
    answered(tab, name)
    panels = state(tab)["panels"]
    assert {panel.get("of", "0") for panel in panels} == {"0", "1"}  # the new result and the held one
    changed = tab.evaluate(
        f"(() => {{ const [one, two] = {VIEWER}.panels, s = one.canvas.height, w = one.canvas.width; let n = 0;"
        " const a = one.canvas.getContext('2d').getImageData(0, 0, w, s).data;"
        " const b = two.canvas.getContext('2d').getImageData(0, 0, w, s).data;"
        " for (let i = 0; i < a.length; i += 4) n += a[i] !== b[i] || a[i + 1] !== b[i + 1]; return n / (w * s); })()"
    )
    assert changed > 0.001
    asked = parse_qs(query(tab)[1:], keep_blank_values=True)
    assert asked.get("head", ["odise"]) == [name]


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in TRAINED_METHODS if name != "odise"])
def test_a_trained_method_is_chosen_by_its_title_and_labels_the_street(visit: Open, method: str) -> None:
    tab = visit(STREET + PLAIN)
    answered(tab, "odise-no-captioner")
    tab.get_by_label("Method", exact=True).first.click()
    tab.get_by_role("option", name=TITLES[method], exact=True).click()
    run(tab)
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.method === {method!r}", timeout=LONG)
    tab.wait_for_function("document.documentElement.dataset.inspector === 'ready'", timeout=LONG)
    text = tab.locator("body").text_content()
    assert tab.evaluate(f"Boolean({VIEWER}.own.proposals)") is not HEADS[method].dense
    assert "mIoU" in text
    assert parse_qs(query(tab)[1:])["method"] == [method]


@pytest.mark.slow
def test_clips_weight_is_asked_and_told(visit: Open) -> None:
    tab = visit(STREET + PLAIN + "&seen_weight=1&unseen_weight=1")
    answered(tab, "odise-no-captioner")
    asked = tab.evaluate(f"{VIEWER}.own.asked")
    assert (asked["seen_weight"], asked["unseen_weight"]) == ("1", "1")


@pytest.mark.slow
def test_a_head_on_other_models_says_which_are_its_own(visit: Open) -> None:
    tab = visit(STREET + "&clip=scenes-clip&diffusion=scenes-diffusion-plain")  # one of either pair
    said = "was trained on scenes-clip-plain and scenes-diffusion-plain, or on scenes-clip and scenes-diffusion"
    tab.get_by_text(said).first.wait_for(timeout=LONG)
    tab.get_by_text("Went on with scenes-clip and scenes-diffusion").first.wait_for(timeout=LONG)


LABELS = f"Array.from({VIEWER}.own.labelsAt({{ view: 'labels' }}).values).join('')"
SEEN, UNSEEN = "CLIP's weight, seen", "CLIP's weight, unseen"


@pytest.mark.slow
def test_weights_act_without_a_request_and_recipe_and_address_follow(visit: Open) -> None:
    tab = visit(STREET + PLAIN)
    answered(tab, "odise-no-captioner")
    before, key = tab.evaluate(LABELS), tab.evaluate(f"{VIEWER}.own.key")
    side(tab, "Proposals")
    asked = asked_from_now(tab)
    viewer = tab.locator(".dv-weighed")
    viewer.get_by_label(SEEN).fill("1")
    viewer.get_by_label(UNSEEN).fill("0.05")
    tab.wait_for_timeout(1500)
    after, names = tab.evaluate(LABELS), tab.locator(".dv-proposal").first.get_attribute("aria-label")
    assert after != before
    assert not asked
    pill(tab, "Recipe")
    recipe = tab.locator(".recipe-pill")
    assert [recipe.get_by_label(f"number input for {name}").input_value() for name in (SEEN, UNSEEN)] == ["1", "0.05"]
    assert tab.locator("button.run:visible").text_content().strip() == "Run"
    link = query(tab)
    assert (parse_qs(link[1:])["seen_weight"], parse_qs(link[1:])["unseen_weight"]) == (["1"], ["0.05"])
    run(tab)
    tab.wait_for_function(f"{VIEWER}.own.key !== {key!r}", timeout=LONG)
    answered(tab, "odise-no-captioner")
    assert tab.evaluate(LABELS) == after  # as a run with these weights has it
    assert tab.evaluate(f"{VIEWER}.state.weights") is None
    assert tab.locator(".dv-proposal").first.get_attribute("aria-label") == names
    other = visit(link)
    answered(other, "odise-no-captioner")
    assert other.evaluate(LABELS) == after
    pill(tab, "Recipe")
    recipe.get_by_label(f"number input for {SEEN}").fill("0")
    recipe.get_by_label(f"number input for {SEEN}").press("Tab")
    tab.wait_for_function(f"{LABELS} !== {after!r}", timeout=LONG)  # and the other way about
    assert float(tab.locator(".dv-weighed").get_by_label(SEEN).input_value()) == 0


@pytest.mark.parametrize("method", ["maskclip", "san"])
def test_where_nothing_is_weighed_the_recipe_keeps_its_weights_for_the_next_run(visit: Open, method: str) -> None:
    tab = visit(f"?tab=segmentation&scene=504307&classes=car%2C+sky&method={method}")
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.method === {method!r}", timeout=LONG)
    pill(tab, "Recipe")
    number = tab.locator(".recipe-pill").get_by_label(f"number input for {SEEN}")
    number.fill("0.5")
    number.press("Tab")
    tab.wait_for_timeout(1000)
    assert number.input_value() == "0.5"


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_proposal_is_picked_with_the_keys_and_shown_large(visit: Open, width: int) -> None:
    tab = visit(STREET + PLAIN, width)
    answered(tab, "odise-no-captioner")
    side(tab, "Proposals")
    cards = tab.locator(".dv-proposal")
    assert cards.count() == 20
    numbers = tab.get_by_role("combobox", name="Proposal", exact=True)
    assert not numbers.is_visible()  # nothing that is shown depends on it
    first, second = (cards.nth(at).get_attribute("aria-label") for at in (0, 1))
    scores = [float(text) for text in tab.locator(".dv-proposal b > span:last-child").all_text_contents()]
    assert scores == sorted(scores, reverse=True)
    cards.first.focus()
    cards.first.press("Enter")
    cards.first.press("ArrowDown")
    tab.wait_for_timeout(300)
    shown = tab.evaluate(f"{VIEWER}.active().choice")
    assert first.split(":")[0] != second.split(":")[0] == f"Mask {shown['proposal']}"
    assert shown["view"] == "proposal"
    assert numbers.input_value() == shown["proposal"]
    assert tab.locator(".dv-proposal[aria-checked=true]").get_attribute("aria-label") == second
    assert f"mask {shown['proposal']}" in tab.evaluate(f"{VIEWER}.active().canvas.getAttribute('aria-label')")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_example_shows_odise_on_its_own_models_and_its_head_beside_the_method(visit: Open) -> None:
    tab = visit("?tab=segmentation")
    assert not tab.get_by_label("ODISE's head").count()
    pill(tab, "Examples")
    tab.get_by_role("button", name="A street, ODISE").click()
    tab.wait_for_function(f"{VIEWER}.own.asked.method === 'odise'", timeout=LONG)
    answered(tab, "odise")
    asked = tab.evaluate(f"{VIEWER}.own.asked")
    assert (asked["clip"], asked["diffusion"]) == ("scenes-clip-plain", "scenes-diffusion-plain")
    assert [panel["view"] for panel in state(tab)["panels"]] == ["labels", "segments"]
    assert tab.get_by_label("ODISE's head").first.is_visible()
    tab.locator("button.run:visible", has_text=re.compile(r"^\s*Run\s*$")).wait_for(timeout=LONG)


@pytest.mark.slow
def test_clip_names_what_is_there_from_a_word_list(visit: Open) -> None:
    tab = visit("?tab=segmentation")
    source(tab)
    tab.get_by_role("button", name="Classes from a word list").click()
    tab.get_by_role("button", name="Those CLIP sees here").click()
    tab.get_by_text("Best:").wait_for(timeout=LONG)
    classes = tab.get_by_role("textbox", name="Classes").first.input_value()
    assert 1 < len(classes.split(", ")) <= 8
    assert "sky" in classes
    tab.keyboard.press("Escape")
    run(tab)
    tab.wait_for_function(f"{VIEWER}.own.asked.classes === {classes!r}", timeout=LONG)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "dark")])
def test_axe_finds_nothing_in_the_proposals(visit: Open, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = visit(STREET + PLAIN, width, theme)
    answered(tab, "odise-no-captioner")
    side(tab, "Proposals")
    tab.locator(".dv-proposal").nth(1).click()
    tab.wait_for_timeout(300)
    found = Axe().run(tab, context=".dv-side").response["violations"]
    assert not found, [(item["id"], [node["html"][:120] for node in item["nodes"]]) for item in found]
