"""A browser uses the page as a visitor does, with the embedded models; nothing leaves the machine."""

import pytest

from inspector.ui import scenes
from tests.ui.driving import (
    DESK,
    LONG,
    PHONE,
    TABS,
    VIEWER,
    Open,
    asked_from_now,
    choose,
    pill,
    query,
    run,
    side,
    source,
    state,
)

playwright = pytest.importorskip("playwright.sync_api")
# What can be pressed and is seen, but smaller than 24 x 24 pixels.
SMALL = """() => [...document.querySelectorAll("button, select, input, [role=tab], [role=slider]")].filter((node) => {
  const { width, height } = (node.closest(".wrap") || node).getBoundingClientRect();  // Gradio's lists are one target
  return node.checkVisibility() && width > 1 && !["range", "file", "checkbox", "radio"].includes(node.type)
    && (width < 24 || height < 24);
}).map((node) => `${node.className} ${node.ariaLabel || node.textContent}`.trim())"""
# A pixel of the first panel that its labels call a car, with nothing else around it.
A_CAR = f"""() => {{
  const {{ labels, over }} = {VIEWER}.panels[0], {{ width, height, values }} = labels;
  const box = over.getBoundingClientRect();
  const car = labels.names.indexOf("car"), near = [-2 * width, -2, 0, 2, 2 * width];
  const at = values.findIndex((_, index) => near.every((step) => values[index + step] === car));
  return [((at % width) + 0.5) * box.width / width, (Math.floor(at / width) + 0.5) * box.height / height];
}}"""


@pytest.mark.parametrize("width", [DESK, pytest.param(PHONE, marks=pytest.mark.slow)], ids=["desk", "phone"])
def test_each_tab_opens_on_its_example_without_a_run(visit: Open, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.ui import runs

    monkeypatch.setattr(runs, "drive", lambda *_: pytest.fail("a model ran"))
    for name in TABS:
        tab = visit(f"?tab={name}", width)
        assert tab.evaluate("DenseViewer.shell.active") == name
        canvas = tab.locator(".dv-canvas:visible").first
        assert canvas.get_attribute("aria-label")
        colours = canvas.evaluate(
            "node => new Set(node.getContext('2d').getImageData(0, 0, node.width, node.height).data).size"
        )
        assert colours > 60  # no blank
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert " s on cpu" in tab.locator(".status.ready:visible").inner_text()


def test_scrubbing_asks_the_server_for_nothing(visit: Open) -> None:
    tab = visit("?tab=attention")
    requests = asked_from_now(tab)
    for word in ("grass", "horse"):
        tab.get_by_role("radio", name=word, exact=True).click()
    slider = tab.get_by_role("slider", name="Step", exact=True).last
    slider.focus()
    for _ in range(12):
        slider.press("ArrowLeft")
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_timeout(1200)
    side(tab, "Look")
    tab.get_by_role("slider", name="Opacity").fill("0.9")
    tab.get_by_label("Scale", exact=True).select_option("shared")
    tab.get_by_role("combobox", name="Layer").last.select_option("16")
    tab.locator(".dv-cell").nth(3).click()
    over = tab.locator(".dv-over").first
    for x in range(20, 200, 20):
        over.hover(position={"x": x, "y": x})
    over.click(position={"x": 90, "y": 90})
    tab.get_by_role("button", name="Wipe between").click()
    for _ in range(2):
        tab.get_by_role("button", name="All maps as a table").click()
        tab.wait_for_timeout(300)
    side(tab, "Threshold")
    tab.get_by_role("slider", name="Threshold").fill("0.7")
    tab.wait_for_timeout(500)
    assert state(tab)["threshold"] == 0.7
    assert int(state(tab)["panels"][0]["step"]) > 8
    assert requests == []


def test_leaving_a_tab_frees_it_and_coming_back_shows_the_same(visit: Open) -> None:
    tab = visit("?tab=attention&step=5&colormap=magma&pin=0.5,0.25")
    before, address = state(tab), query(tab)
    choose(tab, "clusters")
    assert tab.evaluate("DenseViewer.shell.slots.get('attention').viewer") is None
    assert tab.evaluate("DenseViewer.shell.slots.get('attention').root.childNodes.length") == 0
    assert "tab=clusters" in query(tab)
    choose(tab, "attention")
    assert state(tab) == before
    assert query(tab) == address


@pytest.mark.slow
def test_what_was_left_is_not_kept_by_the_page(visit: Open) -> None:
    tab = visit("?tab=saliency")
    for name in ("clusters", "saliency") * 3:
        choose(tab, name)
    devtools = tab.context.new_cdp_session(tab)
    made = devtools.send("Runtime.evaluate", {"expression": f"Object.getPrototypeOf({VIEWER})"})["result"]["objectId"]
    devtools.send("HeapProfiler.collectGarbage")
    alive = devtools.send("Runtime.queryObjects", {"prototypeObjectId": made})["objects"]["objectId"]
    count = devtools.send(
        "Runtime.callFunctionOn",
        {"objectId": alive, "functionDeclaration": "function () { return this.length; }", "returnByValue": True},
    )
    assert count["result"]["value"] <= 2


@pytest.mark.slow
def test_a_busy_queue_neither_keeps_the_page_nor_what_is_known(visit: Open, page: str) -> None:
    """Runs wait for each other; opening the page, examples and known answers do not."""
    tab, other = visit("?tab=attention"), visit("?tab=saliency")
    pill(tab, "Recipe")
    tab.get_by_role("spinbutton", name="number input for Steps").fill("100")  # it is under way until it is stopped
    tab.get_by_role("textbox", name="Prompt").first.fill("a dog on the road")
    run(tab)
    tab.locator(".status.running img:visible").wait_for(timeout=LONG)
    pill(other, "Examples")
    other.get_by_role("button", name="Figure 2: thresholded").click()
    other.wait_for_function(f"{VIEWER}?.state.show === 'mask'", timeout=LONG)
    third = visit("?tab=clusters")
    assert third.locator(".dv-canvas").count() == 2
    assert tab.locator(".status.running:visible").count() == 1
    answer = other.request.post(f"{page}gradio_api/run/saliency", data={"data": []})
    assert answer.status in (404, 405)  # the queue cannot be walked around
    tab.get_by_role("button", name="Stop", exact=True).click()
    playwright.expect(tab.locator(".status:visible")).to_contain_text("Stopped", timeout=LONG)


def test_a_number_that_is_typed_is_drawn_without_enter(visit: Open) -> None:
    tab = visit("?tab=clusters")
    source(tab)
    number = tab.get_by_role("spinbutton", name="Drawn scene number")
    number.fill("500123")
    tab.locator("button.run:visible").focus()
    playwright.expect(tab.locator(".left .caption").first).to_contain_text(scenes.get(500_123).caption, timeout=LONG)


def test_a_region_of_one_tab_scores_the_maps_of_another(visit: Open) -> None:
    tab = visit("?tab=segmentation&active=1")
    x, y = tab.evaluate(A_CAR)
    tab.locator(".dv-over").first.click(position={"x": x, "y": y})
    side(tab, "Mask")
    tab.get_by_role("button", name="Send to the other tabs").click()
    playwright.expect(tab.locator(".dv-live")).to_contain_text("Sent: Segmentation by maskclip, car")
    choose(tab, "saliency")
    side(tab, "Mask")
    tab.get_by_role("button", name="Send to the other tabs").click()  # the map above its threshold
    choose(tab, "attention")
    side(tab, "Mask")
    offered = tab.get_by_label("Score against").locator("option").all_text_contents()
    assert any(text.startswith("sent: Segmentation by maskclip, car") for text in offered)
    assert any(text.startswith("sent: Grad-CAM, car") and "≥ 0.40" in text for text in offered)
    assert all("(of another picture)" in text for text in offered if text.startswith("sent"))
    tab.get_by_label("Score against").select_option("sent:1")
    tab.wait_for_timeout(300)
    assert all(text.startswith("AP 0.") for text in tab.locator(".dv-score").all_inner_texts())
    assert "mask=" not in query(tab)


@pytest.mark.slow
def test_the_picture_stays_when_the_tab_changes_and_new_words_run(visit: Open) -> None:
    tab = visit()
    source(tab)
    tab.locator(".scenes .thumbnail-item").nth(1).click()
    number = tab.get_by_label("Drawn scene number")
    playwright.expect(number).to_have_value(str(scenes.HORSE), timeout=LONG)
    tab.get_by_role("button", name="Ask for its words").click()
    classes = tab.get_by_role("textbox", name="Classes").first
    playwright.expect(classes).to_have_value(", ".join(sorted(scenes.get(scenes.HORSE).masks)), timeout=LONG)
    side(tab, "Look")
    tab.get_by_role("combobox", name="Colours").select_option("magma")
    run(tab)
    tab.wait_for_function(f"{VIEWER}.atlas.axis('class').values.includes('horse')", timeout=LONG)
    assert state(tab)["colormap"] == "magma"
    choose(tab, "clusters")
    assert number.input_value() == str(scenes.HORSE)
    run(tab)
    tab.wait_for_function(
        "location.search.includes('tab=clusters') && location.search.includes('scene=501212')", timeout=LONG
    )


def test_an_example_says_how_it_is_shown(visit: Open) -> None:
    tab = visit("?tab=saliency&colormap=magma")
    pill(tab, "Examples")
    tab.get_by_role("button", name="Figure 2: thresholded").click()
    tab.wait_for_function(f"{VIEWER}?.state.show === 'mask'", timeout=LONG)
    assert state(tab)["colormap"] == "viridis"


def test_bad_input_leaves_the_earlier_result(visit: Open) -> None:
    tab = visit("?tab=saliency")
    tab.get_by_role("textbox", name="Classes").first.fill("")
    run(tab)
    playwright.expect(tab.locator(".status.problem:visible")).to_contain_text("No classes given", timeout=LONG)
    assert tab.locator(".dv-title").first.inner_text().startswith("car")


def test_new_questions_are_answered_after_every_example(visit: Open) -> None:
    """Filling the controls by an example leaves the picture as a run wants it."""
    tab = visit("?tab=saliency")
    for name, example in (("saliency", "Figure 1"), ("attention", "Figure 3"), ("clusters", "a poor case")):
        if name != "saliency":
            choose(tab, name)
        pill(tab, "Examples")
        tab.get_by_role("button", name=example).click()
        tab.wait_for_timeout(500)
        if name != "saliency":
            choose(tab, "saliency")
        tab.get_by_role("textbox", name="Classes").first.fill(f"car, {name}")
        run(tab)
        tab.wait_for_function(f"{VIEWER}.atlas?.axis('class').values.includes('{name}')", timeout=LONG)


@pytest.mark.slow
def test_stop_ends_a_run(visit: Open) -> None:
    tab = visit("?tab=attention")
    tab.get_by_role("textbox", name="Prompt").first.fill("a cow on the snow")
    run(tab)
    tab.locator(".status.running img:visible").wait_for(timeout=LONG)  # the preview of a step
    tab.get_by_role("button", name="Stop", exact=True).click()
    playwright.expect(tab.locator(".status:visible")).to_contain_text("Stopped", timeout=LONG)


@pytest.mark.slow
def test_a_model_of_the_hub_says_what_it_costs_before_anything_is_fetched(visit: Open) -> None:
    tab = visit()
    pill(tab, "Scenes CLIP")
    tab.get_by_role("combobox", name="Diffusion model").or_(tab.get_by_label("Diffusion model")).first.click()
    tab.get_by_role("option", name="Stable Diffusion 1.5", exact=True).click()
    told = tab.locator(".models-told")
    for text in ("2.1 GB to fetch, when you press Run", "wants a GPU", "CreativeML OpenRAIL-M"):
        playwright.expect(told).to_contain_text(text, timeout=LONG)


@pytest.mark.slow
def test_the_plain_pair_is_chosen_and_told_of(visit: Open) -> None:
    tab = visit()
    pill(tab, "Scenes CLIP")
    told = tab.locator(".models-told")
    playwright.expect(told).to_contain_text("told by captions where words are", timeout=LONG)
    tab.get_by_role("combobox", name="Diffusion model").or_(tab.get_by_label("Diffusion model")).first.click()
    tab.get_by_role("option", name="Scenes diffusion, plain").click()
    playwright.expect(told).to_contain_text("nobody told it where words are", timeout=LONG)
    playwright.expect(tab.locator(".pill.models > button")).to_contain_text("Scenes diffusion, plain", timeout=LONG)


@pytest.mark.slow
def test_a_model_that_cannot_be_had_is_not_named_as_the_one_in_use(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car")
    pill(tab, "Scenes CLIP")
    tab.get_by_role("combobox", name="CLIP model").or_(tab.get_by_label("CLIP model")).first.click()
    tab.get_by_role("option", name="ViT-B/16").first.click()
    tab.keyboard.press("Escape")
    run(tab)
    problem = tab.locator(".status.problem:visible")
    playwright.expect(problem).to_contain_text("Went on with scenes-clip", timeout=LONG)
    playwright.expect(tab.locator(".pill.models > button")).to_contain_text("Scenes CLIP", timeout=LONG)
    assert tab.evaluate(f"{VIEWER}.own.asked.model") == "scenes-clip"


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_what_is_pressed_is_at_least_24_pixels_wide_and_high(visit: Open, width: int) -> None:
    """WCAG 2.2, 2.5.8; a slider's handle and what stands in a line of text apart."""
    for name in TABS:
        tab = visit(f"?tab={name}&pin=0.5,0.5", width)
        small = set()
        for part in ("Pixel", "Threshold", "Mask", "Look", "Numbers"):
            side(tab, part)
            small |= set(tab.evaluate(SMALL))
            if width == PHONE:
                side(tab, part)  # the sheet is closed again
        assert not small, name


@pytest.mark.slow
def test_the_run_is_offered_as_script_and_command(visit: Open) -> None:
    tab = visit("?tab=clusters")
    tab.get_by_text("Copy as command").locator("visible=true").click()
    told = tab.locator(".recipe[open] pre").inner_text()
    assert told.startswith("python -m inspector clusters scene:500022")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator(".recipe[open] button").click()
    assert tab.evaluate("navigator.clipboard.readText()") == told
    tab.get_by_role("button", name="Link", exact=True).click()
    assert "?tab=clusters&scene=500022" in tab.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(("width", "theme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing(visit: Open, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for name in ("attention", "segmentation"):
        tab = visit(f"?tab={name}&pin=0.5,0.5", width, theme)
        tab.wait_for_timeout(300)
        found = Axe().run(tab)
        assert not found.response["violations"], found.generate_report()
