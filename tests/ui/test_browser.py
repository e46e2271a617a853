"""A browser opens the page, runs each tab's example and sees pictures; nothing leaves the machine."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from inspector.browser import open_browser
from inspector.errors import ChoiceError
from inspector.ui.screenshots import EXAMPLES, open_tab

playwright = pytest.importorskip("playwright.sync_api")
DESK, PHONE = 1440, 390  # width of the window, pixels
LONG = 180_000  # milliseconds; a busy machine
# What gradio itself sets off in the thread that serves.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with ExitStack() as stack:
        try:
            started = stack.enter_context(open_browser())
        except ChoiceError as error:
            warnings.warn(f"NO BROWSER: {error}", stacklevel=1)
            pytest.skip(str(error))
        yield started


@pytest.fixture(params=[DESK])
def tab(request: pytest.FixtureRequest, browser: object, page: str) -> Iterator[object]:
    """A fresh page; every request to elsewhere is aborted, and fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, reduced_motion="reduce")
    opened, outside, errors = context.new_page(), [], []

    def only_here(route: object) -> None:
        if route.request.url.startswith(page):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    opened.route("**/*", only_here)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(page, timeout=LONG)
    opened.get_by_role("tab", name="Saliency").wait_for(timeout=LONG)
    yield opened
    context.close()
    assert not outside
    assert not errors


def seen(picture: object) -> bool:
    """Whether an image on the page is loaded and is no blank."""
    return picture.evaluate(
        """async image => {
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [64, 64];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0, 64, 64);
            const values = context.getImageData(0, 0, 64, 64).data.filter((_, index) => index % 4 < 3);
            return Math.max(...values) - Math.min(...values) > 100;
        }"""
    )


@pytest.mark.parametrize("tab", [DESK, PHONE], ids=["desk", "phone"], indirect=True)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_each_tab_shows_pictures(tab: object, name: str) -> None:
    open_tab(tab, name)
    tab.get_by_role("button", name=EXAMPLES[name]).click(timeout=LONG)
    figure, close = tab.locator(".sheet img:visible").first, tab.locator(".close-up img:visible").first
    for picture in (figure, close):
        picture.wait_for(timeout=LONG)
        assert seen(picture)
        assert picture.get_attribute("alt")
    tab.locator(".status.ready:visible").wait_for(timeout=LONG)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    before = close.get_attribute("src")
    close.click(position={"x": 60, "y": 80})
    playwright.expect(close).not_to_have_attribute("src", before, timeout=LONG)  # the mark
    if name != "clusters":
        tab.locator(".readings:visible").first.wait_for(timeout=LONG)


def test_bad_input_leaves_the_earlier_result(tab: object) -> None:
    tab.get_by_role("button", name=EXAMPLES["saliency"]).click(timeout=LONG)
    figure = tab.locator(".sheet img:visible").first
    figure.wait_for(timeout=LONG)
    tab.locator(".status.ready:visible").wait_for(timeout=LONG)
    shown = figure.get_attribute("src")
    tab.get_by_role("textbox", name="Classes").fill("")
    tab.get_by_role("button", name="Run", exact=True).click()
    problem = tab.locator(".status.problem:visible")
    playwright.expect(problem).to_contain_text("No classes given", timeout=LONG)
    assert figure.get_attribute("src") == shown


def test_stop_ends_a_run(tab: object) -> None:
    open_tab(tab, "attention")
    tab.get_by_role("textbox", name="Prompt").fill("a cow on the snow")
    tab.get_by_role("button", name="Run", exact=True).click(timeout=LONG)
    tab.locator(".status.running img:visible").wait_for(timeout=LONG)  # the preview of a step
    tab.get_by_role("button", name="Stop", exact=True).click()
    playwright.expect(tab.locator(".status:visible")).to_contain_text("Stopped", timeout=LONG)


def test_files_are_saved(tab: object) -> None:
    tab.get_by_role("button", name=EXAMPLES["saliency"]).click(timeout=LONG)
    tab.locator(".sheet img:visible").first.wait_for(timeout=LONG)
    tab.get_by_role("button", name="Save figure, maps and numbers").click()
    link = tab.locator("a[download='figure.png']:visible, .file-preview a:visible").first
    link.wait_for(timeout=LONG)
    with tab.expect_download(timeout=LONG) as waiting:
        link.click()
    assert waiting.value.suggested_filename == "figure.png"
