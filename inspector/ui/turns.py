"""Turns: work that waits for its place in the line, is charged to a visitor, and ends when nobody wants it any more."""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from inspector.errors import Cancelled
from inspector.results import Progress
from inspector.ui.line import LINE, Place
from inspector.ui.listeners import LISTENERS
from inspector.ui.share import Share, visitor

LOOK = 0.2  # seconds between two looks at whether a run is still wanted
TOLD = 1.0  # seconds between two words on how long the wait is
REMEMBERED = 10_000  # questions
STOPPED = "Stopped. The earlier result is unchanged."
SHARE = Share()


class Wishes:
    """The question that each tab of each browser wants answered: the last one it asked, until it is stopped.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._count = itertools.count(1)  # the same question twice is two
        self._wished: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._sessions: dict[int, str] = {}
        self._lock = threading.Lock()

    def ask(self, session: str, tab: str) -> int:
        """The number of a new question, which takes the place of the tab's last one."""
        with self._lock:
            number = next(self._count)
            self._forget((session, tab))
            self._wished[session, tab], self._sessions[number] = number, session
            while len(self._wished) > REMEMBERED:
                self._forget(next(iter(self._wished)))
        return number

    def drop(self, session: str, tab: str) -> None:
        """The tab wants no answer any more."""
        with self._lock:
            self._forget((session, tab))

    def answered(self, session: str, tab: str, number: Any) -> None:
        """The question was answered, well or badly; nothing where another took its place."""
        with self._lock:
            if self._wished.get((session, tab)) == number:
                self._forget((session, tab))

    def last(self, session: str, tab: str) -> int:
        """The number of the question that the tab wants answered, 0 for none."""
        return self._wished.get((session, tab), 0)

    def holds(self, session: str, number: Any) -> bool:
        """Whether one of the session's tabs still wants the answer to this question."""
        return isinstance(number, int) and self._sessions.get(number) == session

    def _forget(self, where: tuple[str, str]) -> None:
        self._sessions.pop(self._wished.pop(where, 0), None)


WISHES = Wishes()


@dataclass(frozen=True)
class Caller:
    """Whom a run is for.

    who: whose share of computing it takes, "" for nobody's. session: where its answers go, "" where they are not sent.
    wanted: whether they still want it. since: when they asked.
    """

    who: str = ""
    session: str = ""
    wanted: Callable[[], bool] = lambda: True
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, asked: Any, wanted: Callable[[], bool] = lambda: True) -> "Caller":
        """The one who made gradio's request."""
        return cls(visitor(asked), session_of(asked), wanted)

    def check(self) -> None:
        """Raise Cancelled where the run is stopped, or nobody reads its answers."""
        if not self.wanted():
            raise Cancelled(STOPPED)
        if self.session and not LISTENERS.heard(self.session, self.since):
            raise Cancelled("Nobody listened for the answer any more, so the run was ended; ask again.")


def session_of(asked: Any) -> str:
    """The session of gradio's request, "" without one."""
    return str(getattr(asked, "session_hash", None) or "")


@contextmanager
def charged(asked: Any) -> Iterator[None]:
    """What is done meanwhile counts against the share of the one who made gradio's request, whether it works or not.

    Raises ShareError where that is used up.
    """
    who, started = visitor(asked), time.monotonic()
    SHARE.admit(who)
    try:
        yield
    finally:
        SHARE.charge(who, time.monotonic() - started)


def in_turn(kind: str, units: float, caller: Caller, work: Callable[[Place], Iterator[Any]]) -> Iterator[Any]:
    """Progress while waiting, then what `work(place)` yields once its turn has come.

    kind, units: as `Line.place`. Raises ShareError where the visitor's share is used up, Cancelled as `Caller.check`.
    """
    if caller.who:
        SHARE.admit(caller.who)
    with LINE.place(kind, units) as place:
        told = 0.0
        while not place.wait(LOOK):
            caller.check()
            if time.monotonic() - told >= TOLD:
                told = time.monotonic()
                yield Progress(0, 1, str(place.waiting()))
        started = time.monotonic()
        try:
            caller.check()
            yield from work(place)
            place.done()
        finally:
            if caller.who:
                SHARE.charge(caller.who, time.monotonic() - started)
