"""Trained heads on the page: each switch of ODISE's ablation held beside the one before, and every other method."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from inspector.models.catalog import trained_heads
from inspector.models.heads.specs import HEADS
from inspector.results import HEAD_TITLES, ODISE_HEADS, TRAINED_METHODS
from inspector.ui.segmentation import TITLES
from tests.ui.driving import LONG, VIEWER, Open, pill, query, run, state

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
    assert "Proposals, the surest first" in tab.locator("body").text_content()
    tab.get_by_role("button", name="Hold", exact=True).click()
    pill(tab, "Recipe")
    tab.get_by_label("ODISE's head").first.click()
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
    assert ("Proposals, the surest first" in text) is not HEADS[method].dense
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
