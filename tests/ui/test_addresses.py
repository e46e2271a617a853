"""A browser opens addresses, saved files and uploads of the page, and finds again what was shown."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from inspector.ui import scenes
from inspector.views.archive import load_result
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from tests.ui.driving import LONG, VIEWER, Open, choose, pill, query, run, side, source, state, until

playwright = pytest.importorskip("playwright.sync_api")


def test_a_link_made_by_hand_opens_as_it_says(visit: Open) -> None:
    tab = visit("?tab=attention&word=horse&step=7&scale=shared&colormap=grey&wipe=on")
    found = state(tab)
    assert [panel["word"] for panel in found["panels"]] == ["horse", "horse"]
    assert [panel["arm"] for panel in found["panels"]] == ["generation", "noise once"]
    assert {panel["step"] for panel in found["panels"]} == {"7"}
    assert (found["scale"], found["colormap"], found["wipe"]) == ("shared", "grey", True)
    assert tab.get_by_role("slider", name="Step", exact=True).last.input_value() == "6"
    assert tab.locator(".dv-title").first.inner_text().startswith("horse · 7 of 20")
    assert "50%" in tab.evaluate(f"{VIEWER}.panels[1].frame.style.clipPath")
    assert tab.evaluate(f"{VIEWER}.shared") is not None


def test_the_address_brings_back_what_was_chosen(visit: Open) -> None:
    tab = visit("?tab=saliency")
    side(tab, "Look")
    tab.get_by_role("button", name="Add panel").click()
    tab.get_by_role("radio", name="windows").click()
    tab.get_by_role("combobox", name="Colours").select_option("cividis")
    side(tab, "Threshold")
    tab.get_by_role("slider", name="Threshold").fill("0.25")
    side(tab, "Look")
    tab.get_by_label("Threshold as").select_option("outline")
    tab.locator(".dv-over").first.click(position={"x": 200, "y": 300})
    told, before = query(tab), state(tab)
    again = visit(told)
    after = state(again)
    assert after["pin"] == pytest.approx(before["pin"], abs=1e-3)
    assert before | {"pin": None} == after | {"pin": None}
    assert query(again) == told


@pytest.mark.slow
def test_a_link_that_was_not_computed_yet_runs_once(visit: Open) -> None:
    tab = visit("?tab=saliency&scene=500016&classes=sheep%2Cgrass%2Csky&pooling=class&class=sheep")
    assert tab.get_by_role("textbox", name="Classes").first.input_value() == "sheep, grass, sky"
    assert tab.get_by_label("Drawn scene number").input_value() == "500016"
    assert "scene=500016" in query(tab)
    assert "pooling=class" in query(tab)
    assert [panel["class"] for panel in state(tab)["panels"]] == ["sheep", "sheep"]


HOSTILE = [
    ("?tab=attention&steps=many", "failed", "steps is 'many' in the address; use a number"),
    ("?tab=attention&steps=100000", "failed", "steps is 100000"),
    ("?tab=clusters&scene=-4", "failed", "scene is '-4' in the address; use a whole number"),
    ("?tab=clusters&image=0123", "failed", "no longer kept here; upload it again"),
    ("?tab=saliency&image=../../etc/passwd", "failed", "no longer kept here; upload it again"),
    ("?tab=attention&model=stable-diffusion-1.5", "failed", "press Run"),
    ("?tab=attention&model=/etc", "failed", "There is no model named"),
    ("?tab=saliency&classes=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E,sky", "ready", "s on cpu"),
    ("?tab=segmentation&class=nothing&panels=99&opacity=NaN&zoom=1,2&pin=x&columns=__proto__", "ready", "s on cpu"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("address", "flag", "sentence"), HOSTILE)
def test_nothing_in_an_address_is_trusted(visit: Open, address: str, flag: str, sentence: str) -> None:
    tab = visit(address, flag=flag)
    playwright.expect(tab.locator(".status:visible").first).to_contain_text(sentence, timeout=LONG)
    assert tab.locator("img[src='x']").count() == 0


@pytest.mark.slow
def test_back_shows_what_was_before(visit: Open) -> None:
    tab = visit("?tab=saliency&colormap=magma")
    choose(tab, "clusters")
    query(tab)
    tab.go_back()
    tab.wait_for_load_state()
    until(tab)
    assert tab.evaluate("DenseViewer.shell.active") == "saliency"
    assert state(tab)["colormap"] == "magma"


@pytest.mark.slow
def test_an_upload_is_in_the_address_by_its_content(visit: Open, tmp_path: Path) -> None:
    file = tmp_path / "own.png"
    Image.fromarray(scenes.get(scenes.HORSE).image[:, ::-1]).save(file)
    tab = visit("?tab=clusters")
    source(tab)
    tab.get_by_role("button", name="Remove Image").click()
    tab.locator(".source input[type=file]").first.set_input_files(str(file))
    playwright.expect(tab.locator(".left .caption").first).to_contain_text("Your own picture", timeout=LONG)
    run(tab)
    tab.wait_for_function("location.search.includes('image=')", timeout=LONG)
    told = query(tab)
    assert "scene=" not in told
    again = visit(told)
    assert query(again) == told
    assert again.locator(".source img").count() == 1


@pytest.mark.slow
def test_what_is_saved_and_opened_again_is_the_same_page(visit: Open, tmp_path: Path) -> None:
    tab = visit("?tab=attention&step=9")
    pill(tab, "Save")
    for kind in ("PDF", "SVG"):
        tab.get_by_role("checkbox", name=kind).check()
    tab.get_by_role("button", name="Save figure, data and caption").click()
    tab.locator(".file-preview a:visible").first.wait_for(timeout=LONG)
    files = {}
    for link in tab.locator(".file-preview a:visible").all():
        with tab.expect_download(timeout=LONG) as waiting:
            link.click()
        files[waiting.value.suggested_filename] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[waiting.value.suggested_filename])
    assert set(files) == {"figure.png", "figure.pdf", "figure.svg", "maps.npz", "result.json", "caption.txt"}
    with Image.open(files["figure.png"]) as figure:
        assert json.loads(figure.info["inspector"])["tab"] == "attention"
    caption = tab.locator(".recipe[open] pre:visible").inner_text()
    assert files["caption.txt"].read_text().strip() == caption
    assert "a horse on the grass" in caption
    url = "DenseViewer.shell.slots.get('attention').value.atlas.url"
    whole = f"crypto.subtle.digest('SHA-256', await (await fetch({url})).arrayBuffer())"
    digest = f"async () => [...new Uint8Array(await {whole})]"
    before, address = bytes(tab.evaluate(digest)), query(tab)
    assert before == sha256(pack(atlas_of(load_result(files["maps.npz"])))).digest()

    other = visit("?tab=clusters")
    other.locator("input[type=file][accept*='.npz']").first.set_input_files(str(files["maps.npz"]))
    other.wait_for_function("DenseViewer.shell.active === 'attention'", timeout=LONG)
    until(other)
    assert bytes(other.evaluate(digest)) == before
    assert query(other) == address.replace("&step=9", "")
    assert other.get_by_role("textbox", name="Prompt").first.input_value() == "a horse on the grass"

    third = visit("?tab=clusters")
    third.locator("input[type=file][accept*='.npz']").first.set_input_files(str(files["result.json"]))
    third.wait_for_function("DenseViewer.shell.active === 'attention'", timeout=LONG)
    until(third)
    assert query(third) == address.replace("&step=9", "")
