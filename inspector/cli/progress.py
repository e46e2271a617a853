"""Progress on standard error: one line that rewrites itself on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable
from typing import Any

from inspector.results import Progress

QUIET_SECONDS = 10  # between lines where standard error is not a terminal


class Reporter:
    """Prints `Progress`; call `close` (or leave the `with`) to end the line."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.width = 0
        self.printed = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        line = progress_line(progress)
        now = time.monotonic()
        if self.live:
            print("\r" + line.ljust(self.width), end="", file=sys.stderr, flush=True)
            self.width = len(line)
        elif now - self.printed >= QUIET_SECONDS:
            print(line, file=sys.stderr, flush=True)
            self.printed = now

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, message: str) -> None:
        """Print a line that stays."""
        self._clear()
        print(f"inspector: {message}", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self.width:
            print("\r" + " " * self.width + "\r", end="", file=sys.stderr, flush=True)
            self.width = 0


def progress_line(progress: Progress) -> str:
    """Such as "denoising 3/20, 12 s left"."""
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    return f"{progress.message} {progress.step}/{progress.total}{left}"


def follow(stream: Iterable[Any], lasting: bool = True) -> Any:
    """As `watch`; what the result warns of is told too."""
    result = watch(stream, lasting)
    if told := result.provenance.warning:
        print(f"inspector: {told}", file=sys.stderr)
    return result


def watch(stream: Iterable[Any], lasting: bool = True) -> Any:
    """Run a pipeline's stream, show its progress, and return the result, the last item.

    lasting: print what the run says of itself as a whole; not where another run has said it already.
    """
    from inspector.pipelines.common import last

    def shown() -> Iterable[Any]:
        with Reporter() as report:
            for item in stream:
                if isinstance(item, Progress) and not item.lasting:
                    report(item)
                elif isinstance(item, Progress) and lasting:
                    report.say(item.message)
                yield item

    return last(iter(shown()))
