"""The queue as a visitor of the page sees it: the place and the time, refusals, Stop, and whatever ends badly."""

import errno
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from inspector.errors import ModelFetchError
from inspector.ui import runs, viewer
from inspector.ui import tab as tabs
from tests.ui.driving import LONG, Open, run, until

pytestmark = pytest.mark.slow
_seeds = itertools.count(5000)  # each run is a new one


class Script:
    """A program that asks for a long run, from an address of this machine, and reads what it is told."""

    def __init__(self, page: str, address: str, read: bool = True) -> None:
        self.told: list[str] = []
        self.ended = threading.Event()
        self._client = httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60)
        self._page, self._read = page, read
        asked = {"prompt": "a cow on the sand", "steps": 60, "seed": next(_seeds)}
        self.event = self._client.post(f"{page}gradio_api/call/v2/attention", json=asked).json()["event_id"]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        if read:
            self._thread.start()

    def _listen(self) -> None:
        with self._client.stream("GET", f"{self._page}gradio_api/call/attention/{self.event}") as answer:
            for line in answer.iter_lines():
                if self.ended.is_set():
                    return
                if line.startswith("data: "):
                    self.told.append(line)

    def close(self) -> None:
        self.ended.set()
        if self._read:
            self._thread.join(30)
        self._client.close()


@contextmanager
def scripts(page: str, *addresses: str, read: bool = True) -> Iterator[list[Script]]:
    """Long runs that are under way or wait while the block runs, and are ended at its end."""
    started = [Script(page, address, read) for address in addresses]
    try:
        if read:
            wait_for(lambda: all(script.told for script in started))
        yield started
    finally:
        for script in started:
            script.close()
        wait_for(runs.idle, 60)


def wait_for(condition: Any, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def status(tab: Any) -> str:
    return tab.locator(".status:visible").first.inner_text()


def until_status(tab: Any, text: str) -> None:
    tab.wait_for_function(
        "(text) => [...document.querySelectorAll('.status')]"
        ".some((line) => line.checkVisibility() && line.innerText.includes(text))",
        arg=text,
        timeout=LONG,
    )


def flag(tab: Any) -> str:
    return tab.evaluate("document.documentElement.dataset.inspector")


def press(tab: Any, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).locator("visible=true").first.click()


def ask(tab: Any, field: str, text: str) -> None:
    words = tab.get_by_label(field).locator("visible=true").first
    words.fill(text)
    words.press("Enter")  # the button beside it is Stop while something runs


def test_a_visitor_sees_the_place_and_the_time_and_then_the_result(visit: Open, page: str) -> None:
    tab = visit()
    with scripts(page, "127.0.0.2", "127.0.0.3"):
        ask(tab, "Classes", "car, house, sun")
        until_status(tab, "Place 2 in the queue: 2 runs before yours, about ")
        assert status(tab).endswith(" s")
    until_status(tab, " s on cpu")
    until(tab)


def test_a_refusal_is_told_in_the_status_line_where_it_can_be_tried_again(visit: Open, page: str) -> None:
    tab = visit()
    with scripts(page, "127.0.0.1", "127.0.0.1", "127.0.0.1"):  # the address that the browser comes from
        ask(tab, "Classes", "car, house, tree")
        until_status(tab, "You have 3 runs under way or waiting")
        assert "place 3 in the queue, about " in status(tab)
        assert flag(tab) == "failed"
    run(tab)
    until_status(tab, " s on cpu")
    until(tab)


def test_others_are_not_shut_out_by_posts_that_nobody_reads(visit: Open, page: str) -> None:
    tab = visit()
    started = time.monotonic()
    with scripts(page, *["127.0.0.2"] * 17, read=False):
        ask(tab, "Classes", "car, house, cow")
        until_status(tab, " s on cpu")
        assert time.monotonic() - started < 120  # three runs of a minute each would take longer
    until(tab)


@pytest.mark.parametrize("delay", [0.0, 0.3, 1.5])
def test_stop_stops_a_second_run_that_was_asked_for_while_another_ran(visit: Open, delay: float) -> None:
    tab = visit("?tab=attention")
    ask(tab, "Prompt", f"a dog on the grass and {delay} trees")
    until_status(tab, "Step ")
    ask(tab, "Prompt", f"a boat on the sea and {delay} trees")
    time.sleep(delay)
    press(tab, "Stop")
    until_status(tab, "Stopped. The earlier result is unchanged.")
    wait_for(runs.idle, 5)  # neither goes on
    assert flag(tab) == "failed"
    time.sleep(1)
    assert status(tab) == "Stopped. The earlier result is unchanged."
    assert "horse" in tab.evaluate("location.search") or "prompt" not in tab.evaluate("location.search")


def test_stop_frees_the_place_of_a_run_that_waits(visit: Open, page: str) -> None:
    tab = visit()
    with scripts(page, "127.0.0.2"):
        ask(tab, "Classes", "car, house, boat")
        until_status(tab, "Place 1 in the queue")
        press(tab, "Stop")
        until_status(tab, "Stopped.")
        wait_for(lambda: len(runs.LINE) == 1, 5)


def fails_with(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("a full disk", "The server's disk is full"),
        ("a model that is gone", "could not be fetched"),
        ("text that is no Unicode", "no Unicode"),
        ("a fault", "a fault that nobody foresaw (ZeroDivisionError)"),
        ("a queue that refuses at the last moment", "press Run to try again"),
    ],
)
def test_whatever_ends_badly_ends_in_the_status_line(
    what: str, sentence: str, visit: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = visit()
    classes = f"car, {what}"[:50]
    with monkeypatch.context() as patch:
        if what == "a full disk":
            patch.setattr(viewer, "write", fails_with(OSError(errno.ENOSPC, "No space left on device")))
        elif what == "a model that is gone":
            patch.setattr(runs, "load_pipelines", fails_with(ModelFetchError("scenes-clip could not be fetched.")))
        elif what == "a fault":
            patch.setattr(tabs.parts, "done", fails_with(ZeroDivisionError()))
        elif what == "a queue that refuses at the last moment":
            patch.setattr("inspector.ui.entrance.Entrance.refusal", refuses_only_at_the_queue)
        else:
            classes = "car, house"
            tab.route("**/queue/join*", spoiled)
            tab.route("**/run/predict*", spoiled)
        ask(tab, "Classes", classes)
        until_status(tab, sentence)
        until(tab, "failed")
    tab.unroute("**/queue/join*")
    tab.unroute("**/run/predict*")
    ask(tab, "Classes", f"car, house, {what}"[:50])
    until_status(tab, " s on cpu")
    until(tab)


def refuses_only_at_the_queue(self: Any, who: str, besides: Any = None, counted: str = "gpu") -> Any:
    from inspector.errors import BusyError

    return None if besides is not None else BusyError("16 runs are waiting.")


def spoiled(route: Any) -> None:
    """A request whose text is no Unicode, as a program may send it."""
    sent = route.request.post_data or "{}"
    route.continue_(post_data=sent.replace('"car, house"', json.dumps("car, \ud800")))


def test_an_open_page_does_not_compute_again_after_a_restart(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = visit("?tab=saliency&scene=500300&classes=car%2C+sky")
    assert "500300" in tab.url
    with monkeypatch.context() as patch:
        patch.setattr("inspector.ui.session.Store.find", lambda *_: "")  # the server was started anew
        patch.setattr(runs, "load_pipelines", fails_with(ModelFetchError("it computes")))
        tab.reload()
        until(tab, "failed")
        assert "no longer kept: press Run to compute it" in status(tab)
        assert runs.idle()
    run(tab)
    until_status(tab, " s on cpu")
    until(tab)
