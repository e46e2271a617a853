"""The entrance: runs are counted before the queue, and a refusal is an answer with a sentence."""

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event

from inspector.settings import settings
from inspector.ui.entrance import Entrance
from inspector.ui.turns import WISHES


def asked(host: str) -> Any:
    return SimpleNamespace(headers={}, client=SimpleNamespace(host=host))


class Page:
    """A page with a run, a file to write and something quick, whose queue nobody works off."""

    def __init__(self) -> None:
        with gr.Blocks(analytics_enabled=False) as self.blocks:
            for name in ("gpu", "files", None):
                gr.Button().click(lambda: None, concurrency_id=name)
        self.blocks.queue()
        self.entrance = Entrance()
        self.entrance.stand_before(self.blocks._queue)
        self.queue = self.blocks._queue

    def push(self, host: str, function: int = 0, data: list[Any] | None = None, session: str | None = None) -> str:
        """The sentence of a refusal, "" for what was let in."""
        body = PredictBodyInternal(fn_index=function, data=data or [], session_hash=session)

        async def once() -> tuple[bool, str, str]:
            return await self.queue.push(body=body, request=asked(host), username=None)

        success, event, state = asyncio.run(once())
        assert (success, state) == (True, "success")
        messages = self.queue.pending_messages_per_session[body.session_hash or event]
        told = [messages.get_nowait() for _ in range(messages.qsize())]
        return next((item.output["error"] for item in told if item.msg == "process_completed"), "")


@pytest.fixture
def page() -> Page:
    return Page()


def test_a_visitor_has_so_many_runs_and_others_still_get_in(page: Page) -> None:
    assert [page.push("10.0.0.1") for _ in range(3)] == ["", "", ""]
    for _ in range(14):
        sentence = page.push("10.0.0.1")
        assert sentence.startswith("You have 3 runs under way or waiting, and no more are let in at once; try again")
        assert "place" in sentence
        assert " s." in sentence
    assert len(page.queue) == 3
    assert page.push("10.0.0.2") == ""


def test_what_is_under_way_counts_too(page: Page) -> None:
    assert [page.push("10.0.0.1") for _ in range(3)] == ["", "", ""]
    waiting = page.queue.event_queue_per_concurrency_id["gpu"].queue
    page.queue.active_jobs = [None, [waiting.pop(0)]]
    assert page.push("10.0.0.1")
    page.queue.active_jobs = [None, None]
    assert page.push("10.0.0.1") == ""


def test_files_are_counted_by_themselves_and_quick_things_not_at_all(page: Page) -> None:
    assert [bool(page.push("10.0.0.1", 1)) for _ in range(4)] == [False, False, False, True]
    assert page.push("10.0.0.1", 0) == ""
    assert not any(page.push("10.0.0.1", 2) for _ in range(10))


def test_a_full_queue_says_for_how_long(page: Page) -> None:
    let_in = [page.push(f"10.0.{number}.1") for number in range(settings().queue + 1)]  # one of them is under way
    assert not any(let_in)
    assert page.push("10.9.0.1").startswith(
        f"{settings().queue} runs are waiting, and no more are let in; try again in "
    )


def test_a_question_that_another_took_the_place_of_does_not_count(page: Page) -> None:
    for _ in range(5):
        number = WISHES.ask("ann", "saliency")
        assert page.push("10.0.0.1", data=[{"nonce": number}], session="ann") == ""
    assert page.push("10.0.0.1") == ""
    assert page.push("10.0.0.1") == ""
    assert page.push("10.0.0.1")
    # The page's next question takes the place of the one that it has under way.
    assert page.entrance.refusal("address 10.0.0.1") is not None
    assert page.entrance.refusal("address 10.0.0.1", ("ann", number)) is None
    WISHES.drop("ann", "saliency")
    assert page.push("10.0.0.1") == ""


def test_a_number_that_was_made_up_is_no_way_in(page: Page) -> None:
    number = WISHES.ask("bob", "saliency")
    assert [bool(page.push("10.0.0.1", data=[{"nonce": number}], session="bob")) for _ in range(4)] == [False] * 3 + [
        True
    ]


def test_sessions_that_nobody_reads_are_forgotten(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.ui.entrance.UNREAD", 5)
    for _ in range(3):
        page.push("10.0.0.1")
    for number in range(100):
        page.queue.pending_messages_per_session.pop(f"s{number - 3}", None)  # as its own bound does
        page.push("10.0.0.1", session=f"s{number}")
    assert len(page.queue.pending_event_ids_session) < 15


def test_the_session_of_an_event_is_known(page: Page) -> None:
    page.push("10.0.0.1", session="ann")
    (event,) = page.queue.event_queue_per_concurrency_id["gpu"].queue
    assert isinstance(event, Event)
    assert page.entrance.session_of(event._id) == "ann"
    assert page.entrance.session_of("other") == "other"
    assert Entrance().session_of("other") == "other"
    assert Entrance().refusal("address 10.0.0.1") is None
