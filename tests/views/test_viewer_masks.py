"""Masks, scores and thresholds of the viewer in a browser: what it measures is what Python measures."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.analysis import metrics
from inspector.results import blocks, resize_maps
from tests.views import samples
from tests.views.viewing import Open, module, needs_browser, settle, side

pytestmark = needs_browser


def test_scores_against_a_mask_are_pythons(show: Open) -> None:
    rng = np.random.default_rng(0)
    grid = cv2.GaussianBlur(rng.random((2, 8, 12)).astype(np.float32).transpose(1, 2, 0), (3, 3), 0).transpose(2, 0, 1)
    result = replace(samples.saliency(), grid_signed=grid)
    page = show(result)
    mask = result.request.masks["car"]
    found = page.evaluate(f"{module('score')}.score(V.active().map, V.masks.of(V.active().choice), 0.7)")
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
    found = page.evaluate(f"{module('score')}.otsu(V.active().map)")
    cut, _ = cv2.threshold(grid[0].round().astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    inside = grid[0] >= found * 255
    assert np.array_equal(inside, grid[0].round() > cut)


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
        for layer in ("mean", *result.layers, *result.resolutions, *blocks(result.layers)):
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
    pixels = "(({ context, width, height }) => [...context.getImageData(0, 0, width, height).data])(V.active().sheet)"
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


def test_two_corners_are_no_polygon(show: Open) -> None:
    page = show(samples.saliency())
    page.evaluate("V.masks.corner({ y: 0.1, x: 0.1 }); V.masks.corner({ y: 0.5, x: 0.5 }); V.masks.closePolygon()")
    settle(page)
    assert page.evaluate("[V.state.mask, V.masks.drawn]") == ["match", None]
