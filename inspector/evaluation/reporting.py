"""Reporting: progress of an evaluation whose parts take alike long."""

import time
from collections.abc import Callable

from inspector.results import Progress


def counted(progress: Callable[[Progress], None] | None, message: str, total: int) -> Callable[[], None]:
    """A function that says that one part more is done, and how long is left."""
    started, done = time.monotonic(), 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            left = (time.monotonic() - started) / done * (total - done)
            progress(Progress(done, total, message, left))

    return report
