"""Entrance: runs are counted before gradio's queue takes them, so that no visitor fills it for the others."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gradio.data_classes import PredictBodyInternal
from gradio.queueing import AsyncQueue, Event, Queue
from gradio.server_messages import ProcessCompletedMessage

from inspector.errors import BusyError
from inspector.settings import settings
from inspector.ui.line import LINE
from inspector.ui.share import visitor
from inspector.ui.turns import WISHES

COUNTED = ("gpu", "files")  # concurrency ids of what computes
RUNS = COUNTED[0]
UNREAD = 2000  # sessions whose messages gradio keeps


class Entrance:
    """Gradio's queue, with our count before it."""

    def __init__(self) -> None:
        self.queue: Queue | None = None

    def stand_before(self, queue: Queue) -> None:
        """Count from now on what comes to a queue."""
        self.queue = queue
        queue.push = partial(self._push, queue, queue.push)  # type: ignore[method-assign]

    def session_of(self, event: str) -> str:
        """The session that an event's answers go to."""
        found = self.queue.event_ids_to_events.get(event) if self.queue is not None else None
        return found.session_hash if found is not None else event

    def refusal(self, who: str, besides: Any = None, counted: str = RUNS) -> BusyError | None:
        """Why a visitor may not ask for one more run, None where they may.

        besides: (session, number) of a question whose place the new one takes. counted: the concurrency id.
        """
        held = [event for event in self._events(counted) if _question(event) is None or _question(event) != besides]
        wait = LINE.waiting()
        soon = f"about {max(1, round(wait.seconds))} s"
        most = settings().visitor_runs
        if sum(visitor(event.request) == who for event in held) >= most:
            return BusyError(
                f"You have {most} runs under way or waiting, and no more are let in at once; try again when one of "
                f"them is done: place {wait.ahead} in the queue, {soon}."
            )
        if len(held) > settings().queue:
            return BusyError(
                f"{len(held) - 1} runs are waiting, and no more are let in; try again in {soon}, when they are done."
            )
        return None

    async def _push(
        self, queue: Queue, push: Callable[..., Any], body: PredictBodyInternal, request: Any, username: str | None
    ) -> Any:
        """As gradio's `push`; what is refused is answered at once, as a run that failed, with the sentence."""
        function = queue.blocks.fns.get(body.fn_index) if body.fn_index is not None else None
        counted = str(function.concurrency_id) if function is not None else ""
        refusal = self.refusal(visitor(request), counted=counted) if counted in COUNTED else None
        if function is None or refusal is None:
            return await push(body=body, request=request, username=username)
        event = Event(body.session_hash, function, request, username)
        session = event.session_hash
        async with queue.pending_message_lock:
            if session not in queue.pending_messages_per_session:
                queue.pending_messages_per_session[session] = AsyncQueue()
            queue.pending_event_ids_session.setdefault(session, set()).add(event._id)
            _forget_unread(queue)
        told = {"error": str(refusal), "visible": True, "title": "Busy", "duration": 10}
        queue.send_message(event, ProcessCompletedMessage(output=told, title="Busy", success=False))
        return True, event._id, "success"

    def _events(self, counted: str) -> Iterator[Event]:
        """Those under way and waiting that somebody still wants."""
        if self.queue is None:
            return
        waiting = self.queue.event_queue_per_concurrency_id.get(counted)
        under_way = [event for job in list(self.queue.active_jobs) if job for event in job]
        for event in [*under_way, *(list(waiting.queue) if waiting else ())]:
            question = _question(event)
            if event.concurrency_id == counted and (question is None or WISHES.holds(*question)):
                yield event


def _forget_unread(queue: Queue) -> None:
    """Let go of sessions that nobody reads, as gradio does of their messages but not of their events."""
    kept = queue.pending_event_ids_session
    if len(kept) > 2 * UNREAD:
        for session in [name for name in kept if name not in queue.pending_messages_per_session]:
            del kept[session]


def _question(event: Event) -> tuple[str, int] | None:
    """(session, number) of a question of the page, None for what a program asked."""
    first = event.data.data[0] if event.data is not None and event.data.data else None
    if not isinstance(first, dict) or not isinstance(first.get("nonce"), int):
        return None
    return event.session_hash, first["nonce"]
