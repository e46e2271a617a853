"""The workbench: on one screen the pictures, what chooses among them, and what reads, cuts and scores them."""

from pathlib import Path
from typing import Any

import cv2
import pytest

from inspector.bench.screen import AIMS, LOOK, SIZES, TABS
from inspector.ui import scenes
from inspector.ui.pictures import UPLOADS
from tests.ui.driving import DESK, LONG, PHONE, VIEWER, Open, choose, pill, side, source, state, until

playwright = pytest.importorskip("playwright.sync_api")
SHAPES = {"square": None, "1:2": (128, 256), "3:1": (384, 128)}
ASKED = {
    "saliency": "&classes=car,sky",
    "attention": "&prompt=a+car+and+the+sky",
    "clusters": "",
    "segmentation": "&classes=car,sky",
}


def address(tab: str, shape: str) -> str:
    """The page's own example, or an own picture of a shape."""
    if SHAPES[shape] is None:
        return f"?tab={tab}"
    picture = cv2.resize(scenes.get(scenes.STREET).image, SHAPES[shape], interpolation=cv2.INTER_AREA)
    return f"?tab={tab}{ASKED[tab]}&image={UPLOADS.put(picture)}"


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_first_screen_is_maps(visit: Open, tab: str, size: tuple[int, int]) -> None:
    page = visit(address(tab, "square"), size[0], height=size[1])
    page.wait_for_timeout(200)
    fits(page, size, square=True)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["1:2", "3:1"])
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_and_so_it_is_for_portraits_and_panoramas(visit: Open, tab: str, shape: str, size: tuple[int, int]) -> None:
    page = visit(address(tab, shape), size[0], height=size[1])
    page.wait_for_timeout(200)
    fits(page, size, square=False)
    wide, high = page.evaluate(
        f"(() => {{ const b = {VIEWER}.active().canvas.getBoundingClientRect(); return [b.width, b.height]; }})()"
    )
    assert wide / high == pytest.approx(0.5 if shape == "1:2" else 3, rel=0.03)


def fits(page: Any, size: tuple[int, int], square: bool) -> None:
    """What stands once the page is at rest, which on a busy machine is a moment after it is ready."""
    for _ in range(25):
        found = page.evaluate(LOOK)
        if found["first"] <= AIMS["first map at"]:
            break
        page.wait_for_timeout(200)
    assert not found["sideways"]
    assert found["first"] <= AIMS["first map at"]
    assert all(whole is not False for whole in found["inside"].values()), found
    if square and size[0] > PHONE:
        assert found["maps"] >= AIMS["maps"], found


def test_panels_stand_two_by_two_and_stay_on_the_screen(visit: Open) -> None:
    tab = visit("?tab=saliency&panels=4", 1280, height=720)
    boxes = [node.bounding_box() for node in tab.locator(".dv-panel .dv-canvas").all()]
    assert len({round(box["x"]) for box in boxes}) == 2
    assert len({round(box["y"]) for box in boxes}) == 2
    assert all(box["y"] + box["height"] <= 720 for box in boxes)


def test_one_row_of_maps_draws_up_into_a_table_beside_the_active_panel(visit: Open) -> None:
    tab = visit("?tab=attention&word=horse")
    assert tab.locator(".dv-row").count() == 1
    assert tab.locator(".dv-cell").count() == 20
    tab.get_by_role("button", name="All maps as a table").click()
    tab.wait_for_timeout(300)
    assert tab.locator(".dv-cell").count() == 20 * tab.evaluate(f"{VIEWER}.own.axis('layer').values.length")
    assert tab.get_by_role("columnheader", name="t = 951").count() == 1
    canvas, film = tab.locator(".dv-active .dv-canvas").bounding_box(), tab.locator(".dv-film").bounding_box()
    assert canvas["x"] + canvas["width"] <= film["x"]
    tab.evaluate("document.querySelector('.dv-matrix').scrollTop = 300")
    assert (
        tab.get_by_role("columnheader", name="t = 1", exact=True).bounding_box()["y"] < film["y"] + 90
    )  # stays in sight
    cell = tab.locator(".dv-row").nth(7).locator(".dv-cell").nth(19)
    cell.click()
    assert state(tab)["panels"][0]["layer"] == tab.evaluate(f"{VIEWER}.atlas.axis('layer').values[6]")
    cell.press("ArrowUp")
    cell.press("ArrowLeft")
    told = "[...document.activeElement.closest('.dv-row').querySelectorAll('.dv-cell')].indexOf(document.activeElement)"
    assert tab.evaluate(told) == 18
    assert tab.locator(".dv-cell[tabindex='0']").count() == 1


def test_the_open_part_of_the_inspector_is_the_pointer(visit: Open) -> None:
    tab = visit("?tab=saliency")
    over = tab.locator(".dv-over").first
    over.click(position={"x": 120, "y": 300})
    assert state(tab)["pin"]
    assert tab.locator(".dv-bars li").count() == 4
    side(tab, "Threshold")
    over.click(position={"x": 60, "y": 60})
    assert state(tab)["threshold"] != 0.4
    assert tab.evaluate(f"{VIEWER}.masks.drawn") is None
    side(tab, "Mask")
    over.click(position={"x": 200, "y": 200})
    assert tab.evaluate(f"{VIEWER}.masks.drawn.values.some(Boolean)")
    side(tab, "Pixel")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.textContent") == "Threshold"


def test_the_border_between_two_panels_is_dragged(visit: Open) -> None:
    tab = visit("?tab=attention&wipe=on")
    box = tab.locator(".dv-over").first.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + 220, steps=4)
    tab.mouse.up()
    assert state(tab)["wipeAt"] == pytest.approx(0.25, abs=0.02)
    assert state(tab)["pin"] is None


def test_the_help_opens_on_the_first_visit_and_then_stands_behind_its_button(visit: Open) -> None:
    tab = visit("?tab=segmentation", first=True)
    told = tab.get_by_text("How far do words alone segment a picture?")
    playwright.expect(told).to_be_visible()
    canvas, box = tab.locator(".dv-canvas").last.bounding_box(), told.bounding_box()
    assert box["x"] > canvas["x"] + canvas["width"] - 20  # beside the pictures
    tab.get_by_role("button", name="Close the help").locator("visible=true").click()
    playwright.expect(told).to_be_hidden()
    tab.reload()
    until(tab)
    playwright.expect(told).to_be_hidden()
    tab.get_by_role("button", name="Help", exact=True).click()
    playwright.expect(told).to_be_visible()


def test_run_and_stop_are_one_button(visit: Open) -> None:
    tab = visit("?tab=attention")
    run, stop = (tab.locator(f"button.{name}:visible") for name in ("run", "stop"))
    assert (run.count(), stop.count()) == (1, 0)
    tab.get_by_role("textbox", name="Prompt").first.fill("a bird on the snow")
    run.click()
    stop.wait_for(timeout=LONG)
    assert run.count() == 0
    stop.click()
    run.wait_for(timeout=LONG)


def test_the_small_picture_is_the_one_that_is_chosen(visit: Open) -> None:
    tab = visit("?tab=saliency")
    small = tab.locator(".thumb img")
    before = small.get_attribute("src")
    source(tab)
    tab.locator(".scenes .thumbnail-item").nth(1).click()
    playwright.expect(small).not_to_have_attribute("src", before, timeout=LONG)
    assert small.get_attribute("src") == tab.locator(".source img").first.get_attribute("src")
    tab.keyboard.press("Escape")
    playwright.expect(tab.locator(".source-popped").first).to_be_hidden()


def test_what_a_button_opens_closes_by_a_click_elsewhere(visit: Open) -> None:
    tab = visit("?tab=attention")
    seed = tab.get_by_role("spinbutton", name="Seed")
    pill(tab, "Recipe")
    playwright.expect(seed).to_be_visible()
    tab.locator(".dv-title").first.click()
    playwright.expect(seed).to_be_hidden()


def test_the_pictures_are_one_step_away_by_keyboard(visit: Open) -> None:
    tab = visit("?tab=saliency")
    skip = tab.get_by_role("link", name="Skip to the pictures")
    skip.focus()
    skip.press("Enter")
    assert tab.evaluate(f"document.activeElement === {VIEWER}.active().canvas")


def test_on_a_telephone_the_inspector_is_a_sheet(visit: Open) -> None:
    tab = visit("?tab=saliency", PHONE, height=844)
    colours = tab.get_by_role("combobox", name="Colours")
    playwright.expect(colours).to_be_hidden()
    side(tab, "Look")
    playwright.expect(colours).to_be_visible()
    box = tab.locator(".dv-side").bounding_box()
    assert box["y"] >= 844 / 2 - 2
    side(tab, "Look")
    playwright.expect(colours).to_be_hidden()
    choose(tab, "clusters")
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE


def test_run_says_what_was_changed_and_the_result_is_marked(visit: Open) -> None:
    tab = visit("?tab=saliency")
    run = tab.locator("button.run:visible")
    playwright.expect(run).to_have_text("Run", timeout=LONG)
    classes = tab.get_by_role("textbox", name="Classes").first
    classes.fill("car ,building, windows,trees/palms")  # the same, written otherwise
    tab.wait_for_timeout(600)
    playwright.expect(run).to_have_text("Run")
    classes.fill("car, sky")
    playwright.expect(run).to_have_text("Run: classes changed", timeout=LONG)
    assert tab.evaluate("Number(getComputedStyle(document.querySelector('.dv-frame')).opacity)") < 1
    source(tab)
    tab.locator(".scenes .thumbnail-item").nth(1).click()
    playwright.expect(run).to_have_text("Run: picture and classes changed", timeout=LONG)
    tab.keyboard.press("Escape")
    run.click()
    tab.wait_for_function(f"{VIEWER}.atlas?.axis('class').values.join() === 'car,sky'", timeout=LONG)
    playwright.expect(run).to_have_text("Run", timeout=LONG)
    assert tab.evaluate("getComputedStyle(document.querySelector('.dv-frame')).opacity") == "1"


def test_an_own_picture_that_was_used_is_no_change(visit: Open, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "own.png"), scenes.get(scenes.HORSE).image[:, ::-1])
    tab = visit("?tab=clusters")
    run = tab.locator("button.run:visible")
    source(tab)
    tab.get_by_role("button", name="Remove Image").click()
    tab.locator(".source input[type=file]").first.set_input_files(str(tmp_path / "own.png"))
    playwright.expect(run).to_have_text("Run: picture changed", timeout=LONG)
    tab.keyboard.press("Escape")
    run.click()
    tab.wait_for_function("location.search.includes('image=')", timeout=LONG)
    playwright.expect(run).to_have_text("Run", timeout=LONG)


def test_chips_are_bars_of_the_pixel_under_the_pointer(visit: Open) -> None:
    tab = visit("?tab=attention&word=horse")
    chip = tab.get_by_role("radio", name="horse", exact=True)
    share = "node => parseFloat(node.style.getPropertyValue('--dv-share')) || 0"
    assert chip.evaluate(share) == 0
    tab.locator(".dv-over").first.hover(position={"x": 200, "y": 300})
    shares = {node.inner_text(): node.evaluate(share) for node in tab.locator(".dv-dock .dv-chip").all()}
    assert shares["horse"] > 50
    assert shares["start token"] == 0
    assert sum(shares.values()) == pytest.approx(100, abs=0.1)
    tab.mouse.move(5, 5)
    assert chip.evaluate(share) == 0


def test_a_key_held_shows_the_plain_picture(visit: Open) -> None:
    tab = visit("?tab=saliency")
    tab.locator(".dv-canvas").first.focus()
    look = f"""(() => {{
      const {{ context, width, height, pixels }} = {VIEWER}.panels[0].sheet;
      const drawn = [...context.getImageData(0, 0, width, height).data];
      return drawn.every((value, at) => Math.abs(value - pixels[at]) <= 1);
    }})()"""
    assert not tab.evaluate(look)
    tab.keyboard.down(" ")
    assert tab.evaluate(look)
    tab.keyboard.up(" ")
    assert not tab.evaluate(look)


def test_a_result_says_where_its_models_know_nothing(visit: Open) -> None:
    tab = visit(address("saliency", "3:1").replace("car,sky", "car,astronaut"))
    told = tab.locator(".dv-warning")
    playwright.expect(told).to_contain_text("knows drawn scenes alone")
    other = visit("?tab=saliency&scene=500001&classes=car,astronaut")
    playwright.expect(other.locator(".dv-warning")).to_contain_text("has never seen “astronaut”: its map means nothing")
    assert visit("?tab=saliency").locator(".dv-warning").count() == 0


def test_link_is_offered_where_an_address_leads_to_what_is_shown(visit: Open) -> None:
    tab = visit("?tab=attention")
    link = tab.get_by_role("button", name="Link", exact=True)
    assert link.is_enabled()
    tab.evaluate(
        "(() => { const shell = DenseViewer.shell; shell.slots.get('attention').value.link = {}; shell.write(); })()"
    )
    assert link.is_disabled()


@pytest.mark.parametrize("width", [DESK, pytest.param(PHONE, marks=pytest.mark.slow)])
def test_the_drawer_shows_the_figure_at_its_size_on_paper(visit: Open, width: int) -> None:
    tab = visit("?tab=saliency", width)
    pill(tab, "Save")
    picture = tab.locator(".figure-preview img")
    picture.wait_for(timeout=LONG)
    drawer = tab.locator(".pill.save .figure-preview figure").bounding_box()
    assert picture.bounding_box()["width"] <= drawer["width"]
    for label, inches in (("two columns", 6.9), ("one column", 3.3)):
        tab.get_by_label(label).click()
        tab.wait_for_function(
            f"document.querySelector('.figure-preview figcaption').textContent.startsWith('{inches} ')", timeout=LONG
        )
        assert picture.bounding_box()["width"] == pytest.approx(96 * inches, abs=1)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
