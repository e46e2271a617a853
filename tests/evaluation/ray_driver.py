"""A process that measures with an engine: `python -m tests.evaluation.ray_driver FOLDER ENGINE WORKERS SECONDS [KEY]`.

What stands for a model sleeps so many SECONDS, notes in FOLDER/calls who measured what, and at KEY, the first time,
kills its own process as a machine that lacks memory would.
"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from inspector.evaluation.datasets import Entry
from inspector.evaluation.engines import ENGINES
from inspector.evaluation.journal import open_journal

COUNT = 12
ENTRIES = tuple(Entry(f"k{number:02d}", Path("image"), Path("mask")) for number in range(COUNT))


def measure(folder: Path, seconds: float, deadly: str, entry: Entry) -> dict[str, Any]:
    """A row whose number is a third of the entry's."""
    with open(folder / "calls", "a", encoding="utf-8") as calls:
        calls.write(f"{entry.key} {os.getpid()}\n")
    killed = folder / "killed"
    if entry.key == deadly and not killed.exists():
        killed.write_text(str(os.getpid()), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return {"key": entry.key, "error": "", "models": {}, "parts": {}, "numbers": {"miou": int(entry.key[1:]) / 3}}


def main(folder: str, engine: str, workers: str, seconds: str, deadly: str = "") -> None:
    """Measure what the journal does not have."""
    journal = open_journal(Path(folder) / "journal", {})
    waiting = [entry for entry in ENTRIES if not journal.done(entry.key)]
    measure_ = partial(measure, Path(folder), float(seconds), deadly)
    ENGINES[engine](measure_, waiting, journal, int(workers), lambda _: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
