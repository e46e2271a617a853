"""The viewer in a browser, on a page from disk: what it shows and measures is what Python shows and measures."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.analysis import metrics
from inspector.browser import open_browser
from inspector.results import resize_maps
from inspector.views import overlay
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of, part, within
from inspector.views.color import colorize
from inspector.views.page import Section, standalone
from tests.views import samples

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
OWN = ("file:", "data:", "blob:")
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as driven:
        yield driven


@pytest.fixture
def show(browser: Any, tmp_path: Any) -> Iterator[Open]:
    """A function that opens a result (or an atlas's bytes) and returns the page; no error may reach its console."""
    pages, errors = [], []

    def opened(result: Any, width: int = 1100, state: dict[str, Any] | None = None) -> Any:
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(standalone("A result", [Section("one", result, state or {})]), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else errors.append(request.url),
        )
        pages.append(page)
        page.goto(path.as_uri())
        page.wait_for_selector(".viewer[data-ready]")
        page.evaluate("globalThis.V = DenseViewer.opened[0]")
        return page

    yield opened
    for page in pages:
        page.close()
    assert not errors


def side(page: Any, name: str) -> None:
    """Open a part of the inspector."""
    page.get_by_role("tab", name=name, exact=True).click()


def settle(page: Any) -> None:
    """Wait until everything that a change sets off is drawn."""
    page.wait_for_timeout(150)


def test_values_under_the_pointer_are_those_of_the_recorded_map(show: Open) -> None:
    result = samples.attention()
    page = show(result)
    arm, (height, width) = result.arms[0], result.images[result.arms[0]].shape[:2]
    word = page.evaluate("V.active().choice.word")
    true = result.select(arm, step=-1, token=word)
    found = page.evaluate(
        """([h, w]) => { const map = V.active().map, out = [];
        for (let y = 0; y < h; y += 5) for (let x = 0; x < w; x += 7) out.push(map.at(y, x, h, w)); return out; }""",
        [height, width],
    )
    expected = resize_maps(true, (height, width))[::5, ::7].ravel()
    assert np.abs(np.array(found) - expected).max() <= np.ptp(true) / 255 + 1e-6


def test_pixels_on_the_canvas_are_those_that_python_draws(show: Open) -> None:
    result = samples.saliency()
    page = show(result)
    canvas = np.array(
        page.evaluate(
            """() => { const c = V.active().canvas; return [c.height, c.width,
            [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]]; }"""
        ),
        dtype=object,
    )
    height, width = int(canvas[0]), int(canvas[1])
    drawn = np.array(canvas[2], np.uint8).reshape(height, width, 4)[..., :3]
    flat = page.evaluate("[...V.pixels('picture', null, V.active().canvas.width, V.active().canvas.height)]")
    picture = np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]
    grid = result.grid[0]
    expected = overlay.heat(picture, overlay.enlarge(grid, (height, width)), 0, grid.max(), "viridis", 0.6)
    assert np.abs(drawn.astype(int) - expected).max() <= 4  # two rounded-down shares, and 8-bit values
    assert np.abs(drawn.astype(int) - expected).mean() < 1.2


def test_a_shared_scale_colours_every_map_alike(show: Open) -> None:
    result = samples.attention()
    higher = {layer: (maps + 0.2).astype(np.float16) for layer, maps in result.maps["noise once"].items()}
    result = replace(result, maps={**result.maps, "noise once": higher})
    page = show(result, state={"scale": "shared", "opacity": 1, "columns": "", "smooth": False})
    low, high = page.evaluate("V.shared")
    maps = [result.select(arm, step=-1, token="horse") for arm in result.arms]
    assert (low, high) == pytest.approx((min(item.min() for item in maps), max(item.max() for item in maps)), abs=1e-6)
    assert low > 0
    for index, item in enumerate(maps):
        at = [int((item.shape[0] - 0.5) * 512 / item.shape[0]), int((item.shape[1] - 0.5) * 512 / item.shape[1])]
        found = page.evaluate(
            "([index, y, x]) => [...V.panels[index].context.getImageData(x, y, 1, 1).data]", [index, *at]
        )
        expected = colorize(item[-1:, -1:], low, high)[0, 0]
        assert np.abs(np.array(found[:3]) - expected).max() <= 6  # two steps of the table


def test_scores_against_a_mask_are_pythons(show: Open) -> None:
    rng = np.random.default_rng(0)
    grid = cv2.GaussianBlur(rng.random((2, 8, 12)).astype(np.float32).transpose(1, 2, 0), (3, 3), 0).transpose(2, 0, 1)
    result = replace(samples.saliency(), grid_signed=grid)
    page = show(result)
    mask = result.request.masks["car"]
    found = page.evaluate("DenseViewer.score.score(V.active().map, V.masks.of(V.active().choice), 0.7)")
    true = resize_maps(grid[0], mask.shape)
    expected = metrics.map_scores(true, mask, 0.7)
    assert found["ap"] == pytest.approx(expected["ap"], abs=0.005)
    assert found["iou"] == pytest.approx(expected["iou"], abs=0.01)
    assert found["iouBest"] == pytest.approx(expected["iou_best"], abs=0.005)
    assert found["pointing"] == metrics.pointing(true, mask)
    assert found["chance"] == pytest.approx(mask.mean())


def test_what_was_measured_of_a_map_is_taken_as_it_is(show: Open) -> None:
    row = {"class": "car", "ap": 0.123, "iou": 0.4, "iou_best": 0.9, "pointing": 0.25, "chance": 0.5}
    result = samples.saliency(metrics=(row,))
    page = show(result)
    assert page.evaluate("V.masks.score(V.active().map, V.active().choice)") == {
        "ap": 0.123,
        "iou": 0.4,
        "iouBest": 0.9,
        "pointing": 0.25,
        "chance": 0.5,
    }
    assert page.locator(".dv-score").first.inner_text() == "AP 0.12"
    page.evaluate("V.set('threshold', 0.9)")
    assert page.evaluate("V.masks.score(V.active().map, V.active().choice).iou") > 0.8  # no longer the measured one
    page.evaluate("V.set('mask', 'car')")
    assert page.evaluate("V.masks.score(V.active().map, V.active().choice).ap") == 0.123
    assert page.evaluate("V.masks.score(V.panels[1].map, V.panels[1].choice).ap") == pytest.approx(0.5, abs=0.1)


def test_a_steps_own_number_is_taken(show: Open) -> None:
    row = {"arm": "generation", "layer": samples.LAYERS[3], "word": "horse"}
    metrics_of = tuple({**row, "step": step, "ap": 0.5 + step / 10} for step in (2, 0))
    result = samples.attention()
    masks = {"horse": samples.left_half(64, 64)}
    result = replace(result, request=replace(result.request, masks=masks), metrics=metrics_of)
    page = show(result)
    found = [
        page.evaluate(
            "([layer, step]) => { const choice = {...V.panels[0].choice, word: 'horse', layer, step};"
            " return V.masks.score(V.content(choice).map, choice).ap; }",
            [samples.LAYERS[3], step],
        )
        for step in ("1", "2", "3")
    ]
    assert found[0] == 0.5
    assert found[2] == 0.7
    assert found[1] == pytest.approx(0.5, abs=0.05)  # nothing was measured there


def test_otsu_is_opencvs(show: Open) -> None:
    rng = np.random.default_rng(1)
    grid = np.concatenate([rng.normal(60, 15, 60), rng.normal(190, 20, 36)]).clip(0, 255).reshape(1, 8, 12)
    grid = np.repeat(grid, 2, 0).astype(np.float32)
    grid[:, 0, 0], grid[:, 0, 1] = 0, 255
    page = show(replace(samples.saliency(), grid_signed=grid))
    found = page.evaluate("DenseViewer.score.otsu(V.active().map)")
    cut, _ = cv2.threshold(grid[0].round().astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    inside = grid[0] >= found * 255
    assert np.array_equal(inside, grid[0].round() > cut)


def test_chips_slider_matrix_and_keys_choose(show: Open) -> None:
    result = samples.attention()
    page = show(result)
    steps = len(result.steps[result.arms[0]])
    word = page.evaluate("V.atlas.axis('word').values.find(word => word !== V.active().choice.word)")
    page.get_by_role("radio", name=word, exact=True).click()
    assert page.evaluate("V.panels.map(panel => panel.choice.word)") == [word] * len(result.arms)
    assert page.locator(".dv-title").first.inner_text().startswith(word)
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("Home")
    assert page.evaluate("V.panels.map(panel => panel.choice.step)") == ["1"] * len(result.arms)
    page.locator(".dv-canvas").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("V.active().choice.step") == str(min(2, steps))
    layer = page.evaluate("V.active().choice.layer")
    page.keyboard.press("]")
    assert page.evaluate("V.active().choice.layer") != layer
    page.keyboard.press("[")
    assert page.evaluate("V.active().choice.layer") == layer
    settle(page)
    cell = page.locator(".dv-cell").nth(2)
    cell.click()
    settle(page)
    assert cell.get_attribute("aria-pressed") == "true"
    assert page.locator(".dv-cell[aria-pressed=true]").count() == 1


def test_a_pinned_pixel_has_ranked_bars_and_a_curve_over_steps(show: Open) -> None:
    result = samples.attention()
    page = show(result)
    over = page.locator(".dv-over").first
    box = over.bounding_box()
    over.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
    settle(page)
    rows = page.locator(".dv-bars li").all_inner_texts()
    values = [float(row.split("\n")[-1]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert not any(row.startswith("start token") for row in rows)
    points = page.locator(".dv-curve polyline").first.get_attribute("points").split()
    assert len(points) == len(result.steps[result.arms[0]])
    assert "rank" in page.locator(".dv-readout").first.inner_text()
    page.locator(".dv-canvas").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    moved = page.evaluate("V.state.pin.x")
    width = result.images[result.arms[0]].shape[1]
    assert moved == pytest.approx(0.25 + 1 / width, abs=0.5 / width)
    page.keyboard.press("Escape")
    assert page.evaluate("V.state.pin") is None


def test_panels_scales_and_wipe(show: Open) -> None:
    page = show(samples.saliency())
    side(page, "Look")
    page.get_by_label("Scale").select_option("shared")
    settle(page)
    bars = page.locator(".dv-bar").all_inner_texts()
    assert len(set(bars)) == 1
    page.get_by_role("button", name="Add panel").click()
    assert page.locator(".dv-panel").count() == 3
    page.get_by_role("button", name="Wipe between").click()
    settle(page)
    assert "50%" in page.evaluate("V.panels[1].frame.style.clipPath")
    page.get_by_role("slider", name="Border between").fill("0.2")
    assert "20%" in page.evaluate("V.panels[1].frame.style.clipPath")
    page.get_by_role("button", name="Wipe between").click()
    page.get_by_role("button", name="Close this panel").first.click()
    page.get_by_role("button", name="Close this panel").first.click()
    assert page.locator(".dv-panel").count() == 1


def test_a_drawn_mask_scores_every_map(show: Open) -> None:
    result = replace(samples.saliency(), request=replace(samples.saliency().request, masks={}), metrics=())
    page = show(result)
    assert page.locator(".dv-score").first.inner_text() == ""
    side(page, "Mask")
    page.get_by_role("radio", name="Brush").click()
    box = page.locator(".dv-over").first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 60, steps=4)
    page.mouse.up()
    settle(page)
    count = page.evaluate("V.masks.drawn.values.reduce((a, b) => a + b)")
    assert count > 50
    assert all(text.startswith("AP 0.") for text in page.locator(".dv-score").all_inner_texts())
    assert page.locator(".dv-scores tbody tr").count() == 2
    page.get_by_role("radio", name="Polygon").click()
    box = page.locator(".dv-over").first.bounding_box()
    for x, y in ((200, 20), (300, 20), (300, 120)):
        page.mouse.click(box["x"] + x, box["y"] + y)
    page.get_by_role("button", name="Close polygon").click()
    assert page.evaluate("V.masks.drawn.values.reduce((a, b) => a + b)") > count
    page.get_by_role("button", name="Clear the drawn mask").click()
    settle(page)
    assert page.locator(".dv-score").first.inner_text() == ""


def test_a_stroke_asks_which_map_finds_it(show: Open) -> None:
    rng = np.random.default_rng(3)
    result = samples.attention()
    maps = {
        arm: {layer: rng.random(item.shape).astype(np.float16) for layer, item in layers.items()}
        for arm, layers in result.maps.items()
    }
    result = replace(result, maps=maps, metrics=())
    page = show(result)
    side(page, "Mask")
    box = page.locator(".dv-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.35, steps=4)
    page.mouse.up()
    page.locator(".dv-found").first.wait_for()
    mask = np.array(page.evaluate("[...V.masks.drawn.values]"), bool).reshape(
        page.evaluate("[V.masks.drawn.height, V.masks.drawn.width]")
    )
    best = 0.0
    for arm in result.arms:
        for layer in ("mean", *result.layers, *result.resolutions):
            for step in range(len(result.steps[arm])):
                for word in ("a", "horse", 3):
                    map_ = resize_maps(result.select(arm, step, layer, word), mask.shape)
                    best = max(best, metrics.average_precision(map_, mask))
    found = page.locator(".dv-found").all_inner_texts()
    told = [float(text.split("AP ")[1].split(",")[0]) for text in found]
    assert told[0] == pytest.approx(best, abs=0.01)
    assert told == sorted(told, reverse=True)
    page.locator(".dv-found").first.click()
    settle(page)
    assert page.locator(".dv-active .dv-title, .dv-title").first.inner_text() == found[0].split("\n")[0]
    side(page, "Numbers")
    assert page.locator(".dv-found").count() == 5


def test_a_mask_is_drawn_by_keys(show: Open) -> None:
    page = show(samples.attention())
    side(page, "Mask")
    page.locator(".dv-canvas").first.focus()
    painted = "V.masks.drawn.values.reduce((a, b) => a + b)"
    page.keyboard.press("Enter")
    dab = page.evaluate(painted)
    assert dab > 50
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate(painted) > dab
    page.get_by_role("radio", name="Polygon").click()
    before = page.evaluate(painted)
    page.locator(".dv-canvas").first.focus()
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight"):
        for _ in range(25):
            page.keyboard.press(f"Shift+{key}")
        page.keyboard.press("c")
    page.keyboard.press("Enter")
    assert page.evaluate(painted) > before + 50


def test_a_mask_is_loaded_scored_and_saved_again(show: Open, tmp_path: Any) -> None:
    result = replace(samples.saliency(), request=replace(samples.saliency().request, masks={}), metrics=())
    height, width = result.request.image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    page = show(result)
    side(page, "Mask")
    page.locator(".dv-file").set_input_files(str(tmp_path / "mask.png"))
    settle(page)
    assert page.evaluate("V.state.mask") == "drawn"
    assert page.evaluate("V.masks.drawn.values.reduce((a, b) => a + b) / V.masks.drawn.values.length") == 0.5
    assert all(text.startswith("AP ") for text in page.locator(".dv-score").all_inner_texts())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the mask").click()
    waiting.value.save_as(tmp_path / "saved.png")
    saved = cv2.imread(str(tmp_path / "saved.png"), cv2.IMREAD_GRAYSCALE)
    assert set(np.unique(saved)) == {0, 255}
    assert (saved[:, : saved.shape[1] // 2] == 255).all()
    again = show(result)
    side(again, "Mask")
    cv2.imwrite(str(tmp_path / "wide.png"), np.full((40, 400), 255, np.uint8))
    again.locator(".dv-file").set_input_files(str(tmp_path / "wide.png"))
    settle(again)
    assert "another shape" in again.locator(".dv-live").inner_text()


def test_the_threshold_says_its_area_and_draws_outline_and_mask(show: Open) -> None:
    result = samples.saliency()
    page = show(result)
    pixels = "[...V.active().context.getImageData(0, 0, V.active().canvas.width, V.active().canvas.height).data]"
    drawn = {}
    side(page, "Look")
    for kind in ("heat", "outline", "mask"):
        page.get_by_label("Threshold as").select_option(kind)
        settle(page)
        drawn[kind] = np.array(page.evaluate(pixels))
    assert len({values.tobytes() for values in drawn.values()}) == 3
    side(page, "Threshold")
    page.get_by_role("slider", name="Threshold").fill("0.5")
    settle(page)
    told = page.locator(".dv-threshold").inner_text()
    found = resize_maps(result.grid[0], (256, 256)) >= 0.5 * result.grid[0].max()
    assert (
        f"{100 * found.mean():.0f}." in told or abs(float(told.split("; ")[1].split("%")[0]) - 100 * found.mean()) < 1
    )
    assert page.locator(".dv-threshold svg").get_attribute("aria-label")


def test_keys_work_on_the_picture_that_was_clicked(show: Open) -> None:
    page = show(samples.attention())
    page.locator(".dv-over").first.click(position={"x": 40, "y": 40})
    step = page.evaluate("V.active().choice.step")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("V.active().choice.step") == str(int(step) - 1)
    page.keyboard.press("Escape")
    assert page.evaluate("V.state.pin") is None


def test_two_corners_are_no_polygon(show: Open) -> None:
    page = show(samples.saliency())
    page.evaluate("V.masks.corner({ y: 0.1, x: 0.1 }); V.masks.corner({ y: 0.5, x: 0.5 }); V.masks.closePolygon()")
    settle(page)
    assert page.evaluate("[V.state.mask, V.masks.drawn]") == ["match", None]


def test_what_was_only_announced_is_asked_for_once(show: Open) -> None:
    made = atlas_of(samples.attention())
    page = show(samples.attention())
    page.evaluate("async bytes => V.open(Uint8Array.from(bytes).buffer)", list(pack(within(made, 1))))
    wanted = next(block for block in made.blocks[1:] if block.at["arm"] == made.blocks[0].at["arm"])
    page.evaluate(
        """bytes => { globalThis.asked = []; V.options.more = async (at) => {
        asked.push(at); return Uint8Array.from(bytes).buffer; }; }""",
        list(pack(part(made, dict(wanted.at)))),
    )
    page.evaluate("at => V.choose(at)", dict(wanted.at))
    settle(page)
    for _ in range(3):
        page.evaluate("V.step('word', 1, true)")
    settle(page)
    twice = "async at => { V.pending.clear(); await Promise.all([1, 2].map(() => V.fetchBlock(V.atlas.block(at)))); }"
    before = page.evaluate("asked.length")
    page.evaluate(twice, dict(wanted.at))
    assert page.evaluate("asked.length") == before + 1
    page.evaluate("asked.pop()")
    mine = [at for at in page.evaluate("asked") if at == dict(wanted.at)]
    assert len(mine) == 1
    assert page.evaluate("Boolean(V.active().map)")


def test_a_link_is_taken_only_as_far_as_it_fits(show: Open) -> None:
    result = samples.saliency()
    second = result.names[1]
    page = show(result)
    page.evaluate(
        """async second => { V.restore({ colormap: "magma", opacity: 7, threshold: "0.25", scale: "<b>", show: "mask",
        pin: { y: 2, x: 0.5 }, zoom: { scale: 1e9, x: -1, y: 0.5 }, mask: "constructor", columns: "__proto__",
        panels: [{ class: second, map: "signed", evil: 1 }, { class: "<img>" }], active: 99, wipeAt: null });
        V.layout.build(); await V.refresh(); }""",
        second,
    )
    state = page.evaluate("V.remember()")
    assert (state["colormap"], state["opacity"], state["threshold"], state["scale"]) == ("magma", 1, 0.25, "own")
    assert state["show"] == "mask"
    assert state["zoom"] == {"scale": 16, "x": 0, "y": 0.5}
    assert (state["mask"], state["columns"], state["wipeAt"], state["active"]) == ("match", "class", 0.5, 1)
    assert state["panels"][0] == {"class": second, "map": "signed"}
    assert state["panels"][1]["class"] in result.names
    assert state["pin"]["y"] < 1
    again = page.evaluate("async state => { V.restore(state); await V.refresh(); return V.remember(); }", state)
    assert again == state


def test_a_page_opens_with_what_it_was_told(show: Open) -> None:
    result = samples.attention()
    word = next(word for word in result.request.prompt.split() if word != "horse")
    page = show(result, state={"panels": [{"arm": result.arms[-1], "word": word, "step": "1"}], "scale": "shared"})
    assert page.locator(".dv-panel").count() == 1
    assert page.evaluate("V.active().choice.word") == word
    assert page.get_by_label("Scale").input_value() == "shared"


def test_names_from_outside_stay_text(show: Open) -> None:
    evil = "<img src=x onerror=alert(1)>"
    result = samples.saliency()
    result = replace(result, request=replace(result.request, classes=((evil,), ("sky",)), masks={}))
    page = show(result)
    assert page.locator("img").count() == 0
    assert evil in page.locator(".dv-title").first.inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["saliency", "attention", "clusters", "segmentation"])
@pytest.mark.parametrize("width", [390, 1100])
def test_every_tab_fits_its_screen(show: Open, name: str, width: int) -> None:
    page = show(getattr(samples, name)(), width)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".dv-canvas").first.get_attribute("aria-label")


@pytest.mark.slow  # those of the page, in tests/ui, look at the same viewer
@pytest.mark.parametrize("name", ["attention", "segmentation"])
@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (1100, "dark"), (390, "light")])
def test_axe_finds_nothing(show: Open, name: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = show(getattr(samples, name)(), width)
    page.emulate_media(color_scheme=scheme)
    page.reload()
    page.wait_for_selector(".viewer[data-ready]")
    page.evaluate("DenseViewer.opened[0].pin({ y: 0.5, x: 0.5 })")
    page.evaluate("document.querySelectorAll('details').forEach(node => node.open = true)")
    settle(page)
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_clusters_show_the_similarity_to_the_pinned_pixel(show: Open) -> None:
    result = samples.clusters()
    page = show(result)
    page.evaluate("V.pin({ y: 0.3, x: 0.6 })")
    settle(page)
    height, width = result.request.image.shape[:2]
    y, x = int(0.3 * height), int(0.6 * width)
    found = page.evaluate("([y, x, h, w]) => V.panels[1].map.at(y, x, h, w)", [y, x, height, width])
    true = result.similarity(y, x)
    assert found == pytest.approx(float(true[y, x]), abs=0.03)
    assert page.locator(".dv-legend li").count() > 1


def test_a_finger_on_the_picture_scrolls_unless_it_draws_or_moves(show: Open) -> None:
    page = show(samples.saliency())
    over = "getComputedStyle(V.panels[0].over).touchAction"
    assert page.evaluate(over) == "pan-y"
    page.evaluate("V.zoomAt({ y: 0.5, x: 0.5 }, 3)")
    assert page.evaluate(over) == "none"
    page.evaluate("V.zoomAt({ y: 0.5, x: 0.5 }, 1e-9); V.set('tool', 'brush')")
    assert page.evaluate(over) == "none"


def test_zooming_keeps_the_pixel_under_the_pointer(show: Open) -> None:
    page = show(samples.saliency())
    where = """() => { const { canvas, frame: around } = V.panels[0];
        const box = canvas.getBoundingClientRect(), frame = around.getBoundingClientRect();
        return [(box.left - frame.left + 0.6 * box.width) / frame.width, box.width / frame.width]; }"""
    before, whole = page.evaluate(where)
    page.evaluate("V.zoomAt({ y: 0.5, x: 0.6 }, 2)")
    after, twice = page.evaluate(where)
    assert (before, whole, twice) == (pytest.approx(0.6), pytest.approx(1), pytest.approx(2))
    assert after == pytest.approx(before, abs=1e-3)


def test_closing_lets_go_of_everything(show: Open) -> None:
    page = show(samples.attention())
    page.evaluate("V.close()")
    assert page.evaluate("[V.atlas, V.cache.size, V.luts.size, V.root.childNodes.length]") == [None, 0, 0, 0]
