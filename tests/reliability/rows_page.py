"""Rows: Stop and bad ends, seen in a browser."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from inspector.browser import open_browser
from inspector.errors import ChoiceError
from tests.reliability import page as pages
from tests.reliability.calling import is_sentence
from tests.reliability.ground import BrokenPageError, Ground, NotTriedError, Row, Verdict
from tests.reliability.rows_queue import WHEN, Readers, fill
from tests.reliability.serving import Server

LONG = 120_000  # milliseconds
STATUS = (
    "[...document.querySelectorAll('.status')].filter(item => item.offsetParent).map(item => item.innerText).join(' ')"
)
FLAG = "document.documentElement.dataset.inspector"


@contextlib.contextmanager
def browsing(server: Server) -> Iterator[Any]:
    """A function that opens an address of the page in a window; what is asked of other hosts is not sent."""
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(open_browser())
        except ChoiceError as error:
            raise NotTriedError(str(error)) from None
        from playwright.sync_api import Error

        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        stack.callback(context.close)

        def only_here(route: Any) -> None:
            here = route.request.url.startswith((f"{server.url}/", "blob:", "data:"))
            route.continue_() if here else route.abort()

        def opened(**told: Any) -> Any:
            window = context.new_page()
            window.route("**/*", only_here)
            window.goto(f"{server.url}/?{urlencode(told)}", timeout=LONG)
            return window

        try:
            yield opened
        except Error as error:
            raise BrokenPageError(str(error)) from None


def _press(window: Any, name: str) -> None:
    window.get_by_role("button", name=name, exact=True).locator("visible=true").click(timeout=LONG)


def _until(window: Any, condition: str, seconds: float) -> bool:
    """Whether a condition comes true in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if window.evaluate(condition):
            return True
        window.wait_for_timeout(100)
    return False


def _computing(server: Server, seconds: float) -> float:
    """Seconds of computing that the server does in so many seconds."""

    def used() -> float:
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(seconds)
    return used() - before


def stop_the_second(ground: Ground) -> Verdict:
    """Run while another runs, then Stop two seconds later: nothing may run on."""
    with ground.own() as server, browsing(server) as opened:
        window = opened(tab="attention", prompt="a cow on the snow", steps=80)
        window.locator(".status.running img:visible").wait_for(timeout=LONG)
        window.get_by_role("textbox", name="Prompt").locator("visible=true").first.fill("a sheep on the sand")
        _press(window, "Run")
        window.wait_for_timeout(2000)
        _press(window, "Stop")
        window.wait_for_timeout(3000)
        worked = _computing(server, 6)
        said = window.evaluate(STATUS)
    if worked > 1.5:
        return Verdict(False, f"WENT ON: {worked:.1f} s of computing in the 6 s after Stop; the page says {said!r}")
    return Verdict("Stopped" in said, f"stopped: {said}")


def stop_the_first(ground: Ground) -> Verdict:
    """Stop while a run is under way, and another run after it."""
    with ground.own() as server, browsing(server) as opened:
        window = opened(tab="attention", prompt="a cow on the snow", steps=80)
        window.locator(".status.running img:visible").wait_for(timeout=LONG)
        _press(window, "Stop")
        window.wait_for_timeout(2500)
        worked = _computing(server, 4)
        window.get_by_role("tab", name="Saliency").click()
        _until(window, f"{FLAG} === 'ready'", 60)
        window.get_by_role("textbox", name="Classes").locator("visible=true").first.fill("car, sky")
        _press(window, "Run")
        again = _until(window, f"{STATUS}.includes(' s on ')", 40)
    if worked > 1.5:
        return Verdict(False, f"WENT ON: {worked:.1f} s of computing in the 4 s after Stop")
    return Verdict(again, "stopped, and the next run came" if again else "STUCK: the next run did not come")


def _busy_page(ground: Ground, visitors: int, wanted: str, seconds: float) -> tuple[bool, str]:
    """(whether the page's flag came to `wanted`, what it says) after Run on a page that others keep busy."""
    with Readers() as readers, ground.own() as server, browsing(server) as opened:
        window = opened()
        _until(window, f"{FLAG} === 'ready'", 90)
        fill(ground, server, readers, visitors, patience=seconds + 30)
        window.get_by_role("textbox", name="Classes").locator("visible=true").first.fill("car, sky")
        _press(window, "Run")
        came = _until(window, wanted, seconds)
        return came, window.evaluate(STATUS)


def full_on_the_page(ground: Ground) -> Verdict:
    """The page's visitor presses Run where the queue is full: a sentence with a time, and an end."""
    came, said = _busy_page(ground, 20, f"{FLAG} === 'failed'", 30)
    if not came:
        return Verdict(False, f"STUCK: after 30 s the page says {said!r}")
    return Verdict(bool(WHEN.search(said)), f"said: {said}")


def place_on_the_page(ground: Ground) -> Verdict:
    """The page's visitor waits behind four runs, and sees a place and a time."""
    came, said = _busy_page(
        ground, 5, f"/\\d+ ?(s|min)/.test({STATUS}) && /place|ahead|before you/i.test({STATUS})", 15
    )
    return Verdict(came, f"said: {said}" if came else f"NOTHING: the page says {said!r}")


def no_unicode_on_the_page(ground: Ground) -> Verdict:
    """The page's run of a text that is no Unicode."""
    with ground.visitor(ground.server(), patience=20) as visitor:
        answer = pages.run(visitor, "saliency", "no-unicode", number=500_001, textbox="car\ud800, sky")
    said = pages.said(answer)
    if is_sentence(said):
        return Verdict(True, f"said: {said}")
    return Verdict(False, f"STUCK: {answer.event} and {said!r}")


ROWS = [
    Row(4, "Run while another runs, Stop two seconds later", stop_the_second),
    Row(4, "Stop, then another run", stop_the_first),
    Row(4, "Run on the page while the queue is full", full_on_the_page),
    Row(3, "Run on the page behind four others", place_on_the_page),
    Row(4, "a text that is no Unicode, on the page", no_unicode_on_the_page),
]
