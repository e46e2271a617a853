"""Segmenters and imported heads on the page: by name alone, with a control of their own, held beside a trained head."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector.models import loading
from inspector.models.catalog import register_local
from tests.models.conftest import tokenizer_folder
from tests.models.small_heads import head_folders
from tests.models.small_segmenters import segmenter_folders
from tests.ui.driving import LONG, VIEWER, Open, pill, query, run, state

__all__ = ["head_folders", "segmenter_folders", "tokenizer_folder"]

playwright = pytest.importorskip("playwright.sync_api")
STREET = "?tab=segmentation&scene=504307&classes=car%2C+sky%2C+palm"
PLAIN = "&clip=scenes-clip-plain&diffusion=scenes-diffusion-plain"


@pytest.fixture(scope="module")
def page(segmenter_folders: dict[str, Path], head_folders: dict[str, Path]) -> Iterator[str]:
    """The page, as `serve --model DIR --model DIR` opens it."""
    from inspector.ui.shell import launch

    for folder in (segmenter_folders["clipseg"], segmenter_folders["mask2former"], head_folders["san"]):
        register_local(folder)
    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
    yield served.local_url
    served.close()
    loading._loaded.clear()


@pytest.fixture(autouse=True)
def names(page: str, segmenter_folders: dict[str, Path], head_folders: dict[str, Path]) -> dict[str, str]:
    """Family -> name on the page, which each test finds registered again: they are forgotten in between."""
    return {
        family: register_local(folder) for family, folder in {**segmenter_folders, "head": head_folders["san"]}.items()
    }


def pick(tab: Any, label: str, title: str) -> None:
    """Choose an option of a dropdown."""
    tab.get_by_label(label).first.click()
    tab.get_by_role("option", name=title, exact=True).first.click()


def answered(tab: Any, field: str, value: str) -> None:
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.{field} === {value!r}", timeout=LONG)
    tab.wait_for_function("document.documentElement.dataset.inspector === 'ready'", timeout=LONG)


@pytest.mark.slow
def test_a_segmenters_mask_stands_beside_odises(visit: Open, names: dict[str, str]) -> None:
    name = names["clipseg"]
    tab = visit(STREET + PLAIN + "&method=odise&head=odise-no-captioner")
    answered(tab, "head", "odise-no-captioner")
    assert not tab.get_by_label("Segmenter").first.is_visible()
    tab.get_by_role("button", name="Hold", exact=True).click()
    pick(tab, "Method", "segmenter by itself")
    tab.locator(".segmenter").wait_for(state="visible", timeout=LONG)
    pill(tab, "Recipe")
    tab.get_by_text("0.6 GB to fetch, when you press Run, Apache-2.0").wait_for(timeout=LONG)
    pill(tab, "Recipe")
    pick(tab, "Segmenter", f"{name.removeprefix('local:')} (local folder)")
    playwright.expect(tab.locator("button.run:visible")).to_have_text("Run: method and model changed", timeout=LONG)
    run(tab)
    answered(tab, "segmenter", name)
    assert {panel.get("of", "0") for panel in state(tab)["panels"]} == {"0", "1"}
    asked = query(tab)
    assert "method=segmenter" in asked
    assert "held=" in asked
    pick(tab, "Method", "MaskCLIP (Zhou et al.)")
    tab.locator(".segmenter").wait_for(state="hidden", timeout=LONG)


def test_an_address_shows_the_control_and_tells_what_has_no_label(visit: Open, names: dict[str, str]) -> None:
    name = names["mask2former"]
    tab = visit(STREET.replace("palm", "sun") + PLAIN + f"&method=segmenter&segmenter={name}")
    answered(tab, "segmenter", name)
    tab.locator(".segmenter").wait_for(state="visible", timeout=LONG)
    body = tab.locator("body").text_content()
    assert f"{name} has no label for sun: its scores are nought." in body
    assert tab.evaluate(f"{VIEWER}.own.proposals.count") > 0
    assert tab.evaluate(f"{VIEWER}.own.facts.ensemble.called") == "labels"


@pytest.mark.slow
def test_an_imported_head_is_one_of_the_heads(visit: Open, names: dict[str, str]) -> None:
    name = names["head"]
    tab = visit(STREET + PLAIN + "&method=odise&head=odise-no-captioner")
    answered(tab, "head", "odise-no-captioner")
    pick(tab, "Method", "SAN (trained)")
    pill(tab, "Recipe")
    pick(tab, "ODISE's head", "my-san (local folder)")
    playwright.expect(tab.locator("button.run:visible")).to_have_text("Run: method and recipe changed", timeout=LONG)
    run(tab)
    answered(tab, "head", name)
    assert name in tab.locator(".status-line:visible").first.text_content()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "&method=segmenter&segmenter=/etc",
            "There is no segmenter model named '/etc'; choose one of scenes-sam, clipseg",
        ),
        ("&method=odise&head=local:/etc", "There is no imported head named 'local:/etc'"),
        ("&method=odise&head=local:my-san", "is of san, and the method is odise; choose the method san"),
    ],
)
def test_what_an_address_cannot_name_is_a_sentence(visit: Open, more: str, told: str) -> None:
    tab = visit(STREET + PLAIN + more, flag="failed")
    tab.locator(".status.problem:visible", has_text=told).wait_for(timeout=LONG)


def test_a_model_of_the_hub_is_not_fetched_by_an_address(visit: Open) -> None:
    tab = visit(STREET + PLAIN + "&method=segmenter&segmenter=sam-vit-base", flag="failed")
    told = "The address asks for Segment Anything ViT-B, which nobody fetches by opening an address: press Run."
    tab.locator(".status:visible", has_text=told).wait_for(timeout=LONG)
