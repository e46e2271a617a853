"""Listeners: which sessions read their answers, so that no run goes on for nobody."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 10.0  # seconds that a run waits for somebody to read of it
REMEMBERED = 10_000  # sessions


class Listeners:
    """Who reads now, and when they last did. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now: Counter[str] = Counter()
        self._last: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While a session's answers are read; "" is nobody's."""
        if not session:
            yield
            return
        with self._lock:
            self._now[session] += 1
        try:
            yield
        finally:
            with self._lock:
                self._now[session] -= 1
                self._now += Counter()  # forgets zeros
                self._last[session] = self._clock()
                self._last.move_to_end(session)
                while len(self._last) > REMEMBERED:
                    self._last.popitem(last=False)

    def heard(self, session: str, since: float) -> bool:
        """Whether somebody reads, or did a moment ago, or may still come to read of what was asked at `since`."""
        with self._lock:
            last = max(since, self._last.get(session, since))
            return self._now[session] > 0 or self._clock() - last < PATIENCE


LISTENERS = Listeners()
