"""The picture that Run will use stays until another one is there."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.ui.driving import LONG, Open, source

playwright = pytest.importorskip("playwright.sync_api")
WAYS = ("Upload file", "Capture from camera", "Paste from clipboard")
SMALL = "document.querySelector('.thumb img').src"  # the picture that Run will use


def another(tab: Any) -> None:
    """Open where another picture comes from."""
    source(tab)
    tab.get_by_role("button", name="Another picture").click()


def test_choosing_where_a_picture_comes_from_takes_none_away(visit: Open) -> None:
    tab = visit("?tab=saliency")
    before = tab.evaluate(SMALL)
    assert before
    tab.context.grant_permissions(["clipboard-read"])  # gradio lets the browser's refusal fail as an error of the page
    another(tab)
    for way in WAYS:
        tab.get_by_role("button", name=way).click()
        tab.wait_for_timeout(400)
        assert tab.evaluate(SMALL) == before
    assert tab.get_by_label("Drawn scene number").input_value()
    assert tab.locator("button.run:visible").inner_text() == "Run"
    tab.get_by_role("button", name="Remove Image").click()
    playwright.expect(tab.locator(".left .caption").first).to_contain_text("No picture", timeout=LONG)


@pytest.mark.slow
def test_another_picture_takes_the_place_of_the_first_once_it_is_there(visit: Open, tmp_path: Path) -> None:
    tab = visit("?tab=saliency")
    before = tab.evaluate(SMALL)
    another(tab)
    chooser = tab.locator(".another input[type=file]")
    (tmp_path / "none.png").write_text("this is no picture")
    chooser.set_input_files(str(tmp_path / "none.png"))
    playwright.expect(tab.locator(".left [role=alert]")).to_contain_text("not a picture", timeout=LONG)
    assert tab.evaluate(SMALL) == before
    packed = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(packed, "PNG")
    chooser.set_input_files({"name": "red.png", "mimeType": "image/png", "buffer": packed.getvalue()})
    playwright.expect(tab.locator(".left .caption").first).to_contain_text("Your own picture", timeout=LONG)
    tab.wait_for_function(f"{SMALL} && {SMALL} !== '{before}'", timeout=LONG)
    playwright.expect(tab.locator("button.run:visible")).to_contain_text("picture changed", timeout=LONG)
    assert tab.locator(".another img").count() == 0  # it is where Run takes it from
