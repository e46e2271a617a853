"""The viewer in a browser, on a page from disk: what it shows is what Python shows."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.pipelines.segmentation import reweighed
from inspector.results import resize_maps
from inspector.views import overlay
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of, part, within
from inspector.views.color import colorize
from tests.views import samples
from tests.views.viewing import Open, needs_browser, settle, side

pytestmark = needs_browser


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
    whole = "V.pixels(V.content(V.active().choice), null, V.active().canvas.width, V.active().canvas.height)"
    flat = page.evaluate(f"[...{whole}]")
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
            "([index, y, x]) => [...V.panels[index].sheet.context.getImageData(x, y, 1, 1).data]", [index, *at]
        )
        expected = colorize(item[-1:, -1:], low, high)[0, 0]
        assert np.abs(np.array(found[:3]) - expected).max() <= 6  # two steps of the table


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


def test_keys_work_on_the_picture_that_was_clicked(show: Open) -> None:
    page = show(samples.attention())
    page.locator(".dv-over").first.click(position={"x": 40, "y": 40})
    step = page.evaluate("V.active().choice.step")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("V.active().choice.step") == str(int(step) - 1)
    page.keyboard.press("Escape")
    assert page.evaluate("V.state.pin") is None


def test_what_was_only_announced_is_asked_for_once(show: Open) -> None:
    made = atlas_of(samples.attention())
    page = show(samples.attention())
    page.evaluate("async bytes => V.open(Uint8Array.from(bytes).buffer)", list(pack(within(made, 1))))
    wanted = next(block for block in made.blocks[1:] if block.at["arm"] == made.blocks[0].at["arm"])
    page.evaluate(
        """bytes => { globalThis.asked = []; V.options.more = async (at) => {
        asked.push(at); return Uint8Array.from(bytes).buffer; }; }""",
        list(pack(part(made, [dict(wanted.at)]))),
    )
    page.evaluate("at => V.choose(at)", dict(wanted.at))
    settle(page)
    for _ in range(3):
        page.evaluate("V.step('word', 1, true)")
    settle(page)
    twice = """async at => { V.pending.clear(); const missing = [[V.atlas.block(at), V.atlas]];
        await Promise.all([1, 2].map(() => V.fetch(missing))); }"""
    before = page.evaluate("asked.length")
    page.evaluate(twice, dict(wanted.at))
    assert page.evaluate("asked.length") == before + 1
    page.evaluate("asked.pop()")
    mine = [at for at in page.evaluate("asked") if dict(wanted.at) in at]
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
    page.evaluate("opened[0].pin({ y: 0.5, x: 0.5 })")
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
    assert page.evaluate("[V.showing, V.cache.size, V.luts.size, V.root.childNodes.length]") == [False, 0, 0, 0]


SHOWN = "Array.from(V.own.labelsAt({ view: 'labels' }).values)"


def test_a_saved_page_weighs_proposals_itself_and_opens_with_what_it_remembers(show: Open) -> None:
    result = samples.segmented_by_proposals()
    other = reweighed(result, 1.0, 0.1)
    assert (other.labels != result.labels).any()
    page = show(result)
    side(page, "Proposals")
    np.testing.assert_array_equal(page.evaluate(SHOWN), result.labels.ravel())
    page.get_by_label("CLIP's weight, seen").fill("1")
    page.get_by_label("CLIP's weight, unseen").fill("0.1")
    settle(page)
    np.testing.assert_array_equal(page.evaluate(SHOWN), other.labels.ravel())
    assert "of the weights it was run with" in page.locator(".dv-weighing").text_content()
    remembered = page.evaluate("V.remember()")
    assert remembered["weights"] == [1, 0.1]
    page.get_by_role("button", name="The weights that this was run with").click()
    settle(page)
    np.testing.assert_array_equal(page.evaluate(SHOWN), result.labels.ravel())
    again = show(result, state=remembered)
    np.testing.assert_array_equal(again.evaluate(SHOWN), other.labels.ravel())


def test_proposals_that_clip_alone_names_have_no_weights(show: Open) -> None:
    result = samples.segmented_by_proposals()
    page = show(replace(result, proposals=replace(result.proposals, clip=None)))
    side(page, "Proposals")
    assert page.locator(".dv-proposal").count() == 5
    assert not page.get_by_label("CLIP's weight, seen").count()
    assert "by the head" not in page.locator(".dv-proposal").first.get_attribute("aria-label")
    other = show(samples.segmentation())
    assert not other.get_by_role("tab", name="Proposals").count()
