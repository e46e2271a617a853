"""Driving the page in a browser: what its tests share."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from inspector.browser import SEEN, open_browser
from inspector.errors import ChoiceError

DESK, PHONE = 1440, 390  # width of the window, pixels
LONG = 180_000  # milliseconds; a busy machine
TABS = ("saliency", "attention", "clusters", "segmentation")
VIEWER = "DenseViewer.shell.slots.get(DenseViewer.shell.active).viewer"
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
    """A function that opens an address of the page; every request to elsewhere is aborted, and fails the test.

    first: as somebody who never was there before, whom the page tells what it is for.
    """
    contexts, outside, errors = [], [], []

    def only_here(route: Any) -> None:
        if route.request.url.startswith((page, "blob:", "data:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def opened(
        query: str = "",
        width: int = DESK,
        theme: str = "light",
        flag: str = "ready",
        height: int = 900,
        first: bool = False,
    ) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce"))
        tab = contexts[-1].new_page()
        if not first:
            tab.add_init_script(SEEN)
        tab.route("**/*", only_here)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{page}{query}{'&' if query else '?'}__theme={theme}", timeout=LONG)
        until(tab, flag)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not outside, outside
    assert not errors, errors


def until(tab: Any, flag: str = "ready") -> None:
    """Wait for what the document says of itself."""
    tab.wait_for_function(f"document.documentElement.dataset.inspector === '{flag}'", timeout=LONG)


def asked_from_now(tab: Any) -> list[str]:
    """The addresses that the page asks of its server from now on, heartbeats left out; a list that grows.

    Now is when it has asked for nothing for two seconds: what opening it set off comes late on a busy machine.
    """
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if "heartbeat" not in request.url else None)
    for _ in range(30):
        asked.clear()
        tab.wait_for_timeout(2000)
        if not asked:
            break
    return asked


def choose(tab: Any, name: str) -> None:
    """Open a tab of the page by a click."""
    tab.get_by_role("tab", name=name.capitalize()).click()
    tab.wait_for_function(f"DenseViewer.shell.active === '{name}'", timeout=LONG)
    until(tab)


def run(tab: Any) -> None:
    """Press Run, which may also say what was changed."""
    tab.locator("button.run:visible").click(timeout=LONG)


def side(tab: Any, name: str) -> None:
    """Open a part of the inspector."""
    tab.get_by_role("tab", name=name, exact=True).click()


def source(tab: Any) -> None:
    """Open where the picture is chosen."""
    tab.get_by_role("button", name="Choose the picture").click()


def pill(tab: Any, name: str) -> None:
    """Open what stands behind a button of the two bars."""
    tab.locator(".pill > button:visible", has_text=name).first.click()


def state(tab: Any) -> dict[str, Any]:
    return tab.evaluate(f"{VIEWER}.remember()")


def query(tab: Any) -> str:
    """The address once it says what is shown, which the page writes a moment after."""
    tab.wait_for_timeout(500)
    tab.wait_for_function("location.search === `?${DenseViewer.shell.link()}`", timeout=LONG)
    return "?" + tab.url.partition("?")[2].replace("&__theme=light", "")
