"""Load: many visitors at once, each from a loopback address of its own, and what that did to them and to the server.

    python -m tests.reliability.load [--clients 32] [--minutes 8] [--root TREE] [--json FILE]

It starts the server itself. The visitors warm it up until its store of results is full; then it is left alone for a
moment and measured, loaded for the minutes, left alone and measured again. Then some of the questions are asked once
more, of a fresh server, alone. Exit code 1 where something does not hold.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.ui import places
from tests.reliability import questions
from tests.reliability.attacks import cell, commit
from tests.reliability.calling import Visitor, is_sentence
from tests.reliability.load_clients import PATIENCE, Tally, client, put
from tests.reliability.serving import HERE, Server, end_cleanly

ENVIRONMENT = {"INSPECTOR_VISITOR_SECONDS": "0"}  # any share: here each visitor asks on and on
WARM = 360, 400.0  # answers, whose files are as many as the server keeps; seconds at most
QUIET = places.EVERY + 5  # seconds after which idle threads and connections are gone, and old files swept
ALONE = 12  # questions asked again
PLACE_AND_TIME = re.compile(r"\d+ .*\b\d+ ?(s|seconds|min)\b")
# What gradio prints of a stream of a session that is none.
OF_NOBODY = ("fastapi.exceptions.HTTPException: 404", "RuntimeError: Caught handled exception, but response already")
MOST = {"wait": 4.0, "memory": 1.05, "threads": 3, "open files": 8, "files": 1.05}


@dataclass(frozen=True)
class Measured:
    """A server at a quiet moment. files: of its temporary folders."""

    memory: int
    threads: int
    open_files: int
    files: int


def measured(server: Server) -> Measured:
    """The server after a quiet while."""
    time.sleep(QUIET)
    return Measured(server.memory(), server.threads(), server.open_files(), len(server.files()))


def phase(server: Server, clients: int, seconds: float, answers: float = float("inf")) -> Tally:
    """What so many clients see in so many seconds or answers, and until the last of them has its answer."""
    tally, limit = Tally(), time.monotonic() + seconds

    def more() -> bool:
        return time.monotonic() < limit and len(tally.waits) < answers

    with ThreadPoolExecutor(clients) as many:
        for ended in [many.submit(client, server.url, number, more, tally) for number in range(clients)]:
            ended.result()  # a fault of the client itself is one
    return tally


def alone(root: Path, tally: Tally) -> tuple[int, int]:
    """(equal, asked): some questions again, one at a time, of a server that knows nothing."""
    chosen = random.Random(1).sample(tally.samples, min(ALONE, len(tally.samples)))
    equal = 0
    with Server(root, ENVIRONMENT) as server, Visitor(server.url, patience=PATIENCE) as visitor:
        for question, essence in chosen:
            answer = put(visitor, question)
            if answer.done:
                maps = visitor.file(next(item["path"] for item in answer.data[2] if item["orig_name"] == "maps.npz"))
                equal += questions.essence(answer.data[1], maps) == essence
    return equal, len(chosen)


def loaded(root: Path, clients: int, seconds: float, warm: tuple[float, float] = WARM) -> dict[str, Any]:
    """The numbers of a whole run. warm: as `WARM`."""
    with Server(root, ENVIRONMENT, growth=6_000_000_000) as server:
        phase(server, clients, warm[1], warm[0])
        before = measured(server)
        tally = phase(server, clients, seconds)
        after = measured(server)
        log = server.log()
    equal, asked = alone(root, tally)
    found = summary(tally, before, after)
    return found | {"equal alone": equal, "asked alone": asked, "faults in the log": faults_of(log)}


def faults_of(log: str) -> list[str]:
    """Last lines of the tracebacks in a server's log."""
    ends = re.findall(r"^\w[\w.]*(?:Error|Exception|Exit|Interrupt)\b.*$", log, re.MULTILINE)
    return [end for end in ends if not end.startswith(OF_NOBODY)]


def summary(tally: Tally, before: Measured, after: Measured) -> dict[str, Any]:
    """What the clients saw and what the server had, as numbers."""
    median = statistics.median(tally.waits or [0.0])
    without_time = [sentence for sentence in tally.refusals if not is_told(sentence)]
    return {
        "answers": len(tally.waits),
        "errors": len(tally.errors),
        "crossed": len(tally.crossed),
        "refusals": len(tally.refusals),
        "refusals without place and time": len(without_time),
        "cancelled": tally.cancelled,
        "posted and left": tally.left,
        "opened and left": tally.looked,
        "median wait": median,
        "longest wait": max(tally.waits or [0.0]),
        "median without an answer": statistics.median(tally.without or [0.0]),
        "longest without an answer": max(tally.without or [0.0]),
        "memory": [before.memory, after.memory],
        "threads": [before.threads, after.threads],
        "open files": [before.open_files, after.open_files],
        "files": [before.files, after.files],
        "examples": [*tally.errors[:3], *tally.crossed[:3], *without_time[:2], *tally.refusals[:1]],
    }


def is_told(sentence: str) -> bool:
    """Whether a refusal is a sentence with a place, or a count of those before, and a time."""
    return is_sentence(sentence) and bool(PLACE_AND_TIME.search(sentence))


def faults(told: dict[str, Any], most: Mapping[str, float] = MOST) -> list[str]:
    """What does not hold, in words. most: by how much each may grow, and the longest wait in medians."""
    checks = {
        "nobody had an answer": told["answers"] > 0,
        "errors": not told["errors"],
        "crossed answers": not told["crossed"],
        "refusals without place and time": not told["refusals without place and time"],
        f"the longest wait is more than {most['wait']:g} times the median": told["longest wait"]
        <= most["wait"] * told["median wait"],
        f"memory grew by more than {most['memory'] - 1:.0%}": told["memory"][1] <= most["memory"] * told["memory"][0],
        "threads grew": told["threads"][1] <= told["threads"][0] + most["threads"],
        "open files grew": told["open files"][1] <= told["open files"][0] + most["open files"],
        "files grew": told["files"][1] <= most["files"] * max(told["files"][0], places.COUNT),
        "an answer alone differs": told["equal alone"] == told["asked alone"],
        "faults in the log": not told["faults in the log"],
    }
    return [what for what, holds in checks.items() if not holds]


def table(told: dict[str, Any]) -> str:
    """The numbers as Markdown."""
    rows: list[tuple[str, str]] = []
    for name, value in told.items():
        if isinstance(value, float):
            rows.append((name, f"{value:.1f} s"))
        elif name == "memory":
            rows.append((name, f"{value[0] / 1e6:.0f} MB after warm-up, {value[1] / 1e6:.0f} MB at the end"))
        elif name in ("examples", "faults in the log"):
            rows += [(name, example) for example in value[:9]]
        elif isinstance(value, list):
            rows.append((name, f"{value[0]} after warm-up, {value[1]} at the end"))
        else:
            rows.append((name, str(value)))
    return "\n".join(["| what | |", "|---|---|", *(f"| {cell(name)} | {cell(value)} |" for name, value in rows)])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.load", description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=32, metavar="N", help="visitors, 1 to 250")
    parser.add_argument("--minutes", type=float, default=8, metavar="M", help="of load, its warm-up included")
    parser.add_argument("--root", type=Path, default=HERE, metavar="TREE", help="the tree that is loaded")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to this file")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.clients <= 250 or not 0 < asked.minutes <= 60:
        parser.error("use 1 to 250 clients and up to 60 minutes")
    end_cleanly()
    told = loaded(asked.root.resolve(), asked.clients, asked.minutes * 60)
    failed = faults(told)
    print(table(told))
    what = f"{asked.clients} clients, {asked.minutes:g} minutes, at {commit(asked.root)}"
    print(f"\n{what}: {', '.join(failed) or 'all held'}.")
    if asked.json:
        asked.json.write_text(json.dumps(told | {"failed": failed}, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
