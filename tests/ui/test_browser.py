"""A browser uses the page as a visitor does, with the embedded models; nothing leaves the machine."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inspector.browser import open_browser
from inspector.errors import ChoiceError
from inspector.ui import scenes
from inspector.views.archive import load_result
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of

playwright = pytest.importorskip("playwright.sync_api")
DESK, PHONE = 1440, 390  # width of the window, pixels
LONG = 180_000  # milliseconds; a busy machine
TABS = ("saliency", "attention", "clusters", "segmentation")
VIEWER = "DenseViewer.shell.slots.get(DenseViewer.shell.active).viewer"
# A pixel of the first panel that its labels call a car, with nothing else around it.
A_CAR = f"""() => {{
  const {{ labels, over }} = {VIEWER}.panels[0], {{ width, height, values }} = labels;
  const box = over.getBoundingClientRect();
  const car = labels.names.indexOf("car"), near = [-2 * width, -2, 0, 2, 2 * width];
  const at = values.findIndex((_, index) => near.every((step) => values[index + step] === car));
  return [((at % width) + 0.5) * box.width / width, (Math.floor(at / width) + 0.5) * box.height / height];
}}"""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with ExitStack() as stack:
        try:
            started = stack.enter_context(open_browser())
        except ChoiceError as error:
            warnings.warn(f"NO BROWSER: {error}", stacklevel=1)
            pytest.skip(str(error))
        yield started


@pytest.fixture
def visit(browser: Any, page: str) -> Iterator[Open]:
    """A function that opens an address of the page; every request to elsewhere is aborted, and fails the test."""
    contexts, outside, errors = [], [], []

    def only_here(route: Any) -> None:
        if route.request.url.startswith((page, "blob:", "data:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def opened(query: str = "", width: int = DESK, theme: str = "light", flag: str = "ready") -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce"))
        tab = contexts[-1].new_page()
        tab.route("**/*", only_here)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{page}{query}{'&' if query else '?'}__theme={theme}", timeout=LONG)
        until(tab, flag)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not outside
    assert not errors


def until(tab: Any, flag: str = "ready") -> None:
    """Wait for what the document says of itself."""
    tab.wait_for_function(f"document.documentElement.dataset.inspector === '{flag}'", timeout=LONG)


def choose(tab: Any, name: str) -> None:
    """Open a tab of the page by a click."""
    tab.get_by_role("tab", name=name.capitalize()).click()
    tab.wait_for_function(f"DenseViewer.shell.active === '{name}'", timeout=LONG)
    until(tab)


def state(tab: Any) -> dict[str, Any]:
    return tab.evaluate(f"{VIEWER}.remember()")


def query(tab: Any) -> str:
    """The address once it says what is shown."""
    tab.wait_for_timeout(500)
    return "?" + tab.url.partition("?")[2].replace("&__theme=light", "")


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
    tab.wait_for_timeout(1000)
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    for word in ("grass", "horse"):
        tab.get_by_role("radio", name=word, exact=True).click()
    slider = tab.get_by_role("slider", name="Step", exact=True).last
    slider.focus()
    for _ in range(12):
        slider.press("ArrowLeft")
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_timeout(1200)
    tab.get_by_role("slider", name="Opacity").fill("0.9")
    tab.get_by_label("Scale", exact=True).select_option("shared")
    tab.get_by_role("combobox", name="Layer").last.select_option("16")
    tab.locator(".dv-cell").nth(3).click()
    over = tab.locator(".dv-over").first
    for x in range(20, 200, 20):
        over.hover(position={"x": x, "y": x})
    over.click(position={"x": 90, "y": 90})
    tab.get_by_role("button", name="Wipe between").click()
    tab.get_by_role("slider", name="Threshold").fill("0.7")
    tab.wait_for_timeout(500)
    assert state(tab)["threshold"] == 0.7
    assert int(state(tab)["panels"][0]["step"]) > 8
    assert requests == []


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
    tab.get_by_role("button", name="Add panel").click()
    tab.get_by_role("radio", name="windows").click()
    tab.get_by_role("combobox", name="Colours").select_option("cividis")
    tab.get_by_role("slider", name="Threshold").fill("0.25")
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
    assert tab.get_by_role("spinbutton", name="Drawn scene number").input_value() == "500016"
    assert "scene=500016" in query(tab)
    assert "pooling=class" in query(tab)
    assert [panel["class"] for panel in state(tab)["panels"]] == ["sheep", "sheep"]


HOSTILE = [
    ("?tab=attention&steps=many", "failed", "steps is 'many' in the address; use a number"),
    ("?tab=attention&steps=100000", "failed", "steps is 100000"),
    ("?tab=clusters&scene=-4", "failed", "scene is -4"),
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
    made = devtools.send("Runtime.evaluate", {"expression": "DenseViewer.Viewer.prototype"})["result"]["objectId"]
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
    tab.get_by_role("textbox", name="Prompt").first.fill("a dog on the road")
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.locator(".status.running img:visible").wait_for(timeout=LONG)
    other.get_by_role("button", name="Figure 2: thresholded").click()
    other.wait_for_function(f"{VIEWER}?.state.show === 'mask'", timeout=5000)
    third = visit("?tab=clusters")
    assert third.locator(".dv-canvas").count() == 2
    assert tab.locator(".status.running:visible").count() == 1
    answer = other.request.post(f"{page}gradio_api/run/saliency", data={"data": []})
    assert answer.status in (404, 405)  # the queue cannot be walked around
    tab.get_by_role("button", name="Stop", exact=True).click()
    playwright.expect(tab.locator(".status:visible")).to_contain_text("Stopped", timeout=LONG)


def test_a_number_that_is_typed_is_drawn_without_enter(visit: Open) -> None:
    tab = visit("?tab=clusters")
    number = tab.get_by_role("spinbutton", name="Drawn scene number")
    number.fill("500123")
    tab.get_by_role("button", name="Run", exact=True).focus()
    playwright.expect(tab.locator(".left .caption").first).to_contain_text(scenes.get(500_123).caption, timeout=LONG)


def test_a_region_of_one_tab_scores_the_maps_of_another(visit: Open) -> None:
    tab = visit("?tab=segmentation&active=1")
    x, y = tab.evaluate(A_CAR)
    tab.locator(".dv-over").first.click(position={"x": x, "y": y})
    tab.get_by_role("button", name="Send to the other tabs").click()
    playwright.expect(tab.locator(".dv-live")).to_contain_text("Sent: Segmentation by maskclip, car")
    choose(tab, "saliency")
    tab.get_by_role("button", name="Send to the other tabs").click()  # the map above its threshold
    choose(tab, "attention")
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
    tab.locator(".scenes .thumbnail-item").nth(1).click()
    number = tab.get_by_role("spinbutton", name="Drawn scene number")
    playwright.expect(number).to_have_value(str(scenes.HORSE), timeout=LONG)
    tab.get_by_role("button", name="Ask for its words").click()
    classes = tab.get_by_role("textbox", name="Classes").first
    playwright.expect(classes).to_have_value(", ".join(sorted(scenes.get(scenes.HORSE).masks)), timeout=LONG)
    tab.get_by_role("combobox", name="Colours").select_option("magma")
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.wait_for_function(f"{VIEWER}.atlas.axis('class').values.includes('horse')", timeout=LONG)
    assert state(tab)["colormap"] == "magma"
    choose(tab, "clusters")
    assert number.input_value() == str(scenes.HORSE)
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.wait_for_function(
        "location.search.includes('tab=clusters') && location.search.includes('scene=501212')", timeout=LONG
    )


def test_an_example_says_how_it_is_shown(visit: Open) -> None:
    tab = visit("?tab=saliency&colormap=magma")
    tab.get_by_role("button", name="Figure 2: thresholded").click()
    tab.wait_for_function(f"{VIEWER}?.state.show === 'mask'", timeout=LONG)
    assert state(tab)["colormap"] == "viridis"


def test_bad_input_leaves_the_earlier_result(visit: Open) -> None:
    tab = visit("?tab=saliency")
    tab.get_by_role("textbox", name="Classes").first.fill("")
    tab.get_by_role("button", name="Run", exact=True).click()
    playwright.expect(tab.locator(".status.problem:visible")).to_contain_text("No classes given", timeout=LONG)
    assert tab.locator(".dv-title").first.inner_text().startswith("car")


def test_new_questions_are_answered_after_every_example(visit: Open) -> None:
    """Filling the controls by an example leaves the picture as a run wants it."""
    tab = visit("?tab=saliency")
    for name, example in (("saliency", "Figure 1"), ("attention", "Figure 3"), ("clusters", "a poor case")):
        if name != "saliency":
            choose(tab, name)
        tab.get_by_role("button", name=example).click()
        tab.wait_for_timeout(500)
        if name != "saliency":
            choose(tab, "saliency")
        tab.get_by_role("textbox", name="Classes").first.fill(f"car, {name}")
        tab.get_by_role("button", name="Run", exact=True).click()
        tab.wait_for_function(f"{VIEWER}.atlas?.axis('class').values.includes('{name}')", timeout=LONG)


@pytest.mark.slow
def test_a_picture_comes_from_a_file_the_camera_or_the_clipboard(visit: Open) -> None:
    tab = visit()
    tab.get_by_role("button", name="Clear").first.click()
    for name in ("Upload file", "Capture from camera", "Paste from clipboard"):
        assert tab.locator(".source").get_by_label(name).count() == 1, name


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
def test_stop_ends_a_run(visit: Open) -> None:
    tab = visit("?tab=attention")
    tab.get_by_role("textbox", name="Prompt").first.fill("a cow on the snow")
    tab.get_by_role("button", name="Run", exact=True).click(timeout=LONG)
    tab.locator(".status.running img:visible").wait_for(timeout=LONG)  # the preview of a step
    tab.get_by_role("button", name="Stop", exact=True).click()
    playwright.expect(tab.locator(".status:visible")).to_contain_text("Stopped", timeout=LONG)


@pytest.mark.slow
def test_a_model_of_the_hub_says_what_it_costs_before_anything_is_fetched(visit: Open) -> None:
    tab = visit()
    tab.get_by_role("combobox", name="Diffusion model").or_(tab.get_by_label("Diffusion model")).first.click()
    tab.get_by_role("option", name="Stable Diffusion 1.5").click()
    told = tab.locator(".models-told")
    for text in ("2.1 GB to fetch, when you press Run", "wants a GPU", "CreativeML OpenRAIL-M"):
        playwright.expect(told).to_contain_text(text, timeout=LONG)


@pytest.mark.slow
def test_an_upload_is_in_the_address_by_its_content(visit: Open, tmp_path: Path) -> None:
    file = tmp_path / "own.png"
    Image.fromarray(scenes.get(scenes.HORSE).image[:, ::-1]).save(file)
    tab = visit("?tab=clusters")
    tab.get_by_role("button", name="Clear").first.click()
    tab.locator(".source input[type=file]").first.set_input_files(str(file))
    playwright.expect(tab.locator(".left .caption").first).to_contain_text("Your own picture", timeout=LONG)
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.wait_for_function("location.search.includes('image=')", timeout=LONG)
    told = query(tab)
    assert "scene=" not in told
    again = visit(told)
    assert query(again) == told
    assert again.locator(".source img").count() == 1


@pytest.mark.slow
def test_what_is_saved_and_opened_again_is_the_same_page(visit: Open, tmp_path: Path) -> None:
    tab = visit("?tab=attention&step=9")
    tab.get_by_text("Take it away").click()
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
    whole = f"async () => [...new Uint8Array(await (await fetch({url})).arrayBuffer())]"
    before, address = bytes(tab.evaluate(whole)), query(tab)
    assert before == pack(atlas_of(load_result(files["maps.npz"])))

    other = visit("?tab=clusters")
    other.locator("input[type=file][accept*='.npz']").first.set_input_files(str(files["maps.npz"]))
    other.wait_for_function("DenseViewer.shell.active === 'attention'", timeout=LONG)
    until(other)
    assert bytes(other.evaluate(whole)) == before
    assert query(other) == address.replace("&step=9", "")
    assert other.get_by_role("textbox", name="Prompt").first.input_value() == "a horse on the grass"

    third = visit("?tab=clusters")
    third.locator("input[type=file][accept*='.npz']").first.set_input_files(str(files["result.json"]))
    third.wait_for_function("DenseViewer.shell.active === 'attention'", timeout=LONG)
    until(third)
    assert query(third) == address.replace("&step=9", "")


@pytest.mark.slow
def test_the_run_is_offered_as_script_and_command(visit: Open) -> None:
    tab = visit("?tab=clusters")
    tab.get_by_text("Copy as command").locator("visible=true").click()
    told = tab.locator(".recipe[open] pre").inner_text()
    assert told.startswith("python -m inspector clusters scene:500022")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator(".recipe[open] button").click()
    assert tab.evaluate("navigator.clipboard.readText()") == told
    tab.get_by_role("button", name="Copy link").locator("visible=true").click()
    assert "?tab=clusters&scene=500022" in tab.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(("width", "theme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing(visit: Open, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for name in ("attention", "segmentation"):
        tab = visit(f"?tab={name}&pin=0.5,0.5", width, theme)
        tab.wait_for_timeout(300)
        found = Axe().run(tab)
        assert not found.response["violations"], found.generate_report()
