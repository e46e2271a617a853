"""Rows: the queue, and how much of it one visitor may take."""

import io
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import httpx
from PIL import Image

from tests.reliability import page
from tests.reliability.calling import API, Answer, Visitor, event_of
from tests.reliability.ground import EASY, Ground, Row, Verdict
from tests.reliability.serving import Server

OTHER = EASY | {"scene": 500_002}  # what nobody asked before
SHARE = """
from inspector import settings as own
known = own.settings()
print(*(known.share(own.is_public(host)) if hasattr(known, "share") else known.visitor_seconds for host in HOSTS))
"""
ALLOWED = 3  # runs of a visitor, under way and waiting
WHEN = re.compile(r"\d+ ?(s|seconds|min|minutes)\b")


def long_run(seed: int, steps: int = 100) -> dict[str, Any]:
    """Values of the attention tab that take about 0.3 s a step."""
    return {"prompt": "a horse on the grass", "steps": steps, "seed": seed}


class Readers:
    """Threads that read answers until they end or the server does; use in a `with` around the server's."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self.answers: list[Answer] = []

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def read(self, visitor: Callable[[], Visitor], tab: str, event: str | Answer) -> None:
        """Read one answer beside, with a visitor of its own."""

        def work() -> None:
            if isinstance(event, Answer):
                self.answers.append(event)
                return
            with visitor() as reader:
                self.answers.append(reader.read(tab, event))

        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def refused(self) -> list[Answer]:
        """Those that ended with a no, each once it came."""
        return [answer for answer in list(self.answers) if answer.event in ("error", "refused")]


def _post(
    server: Server, source: str, readers: Readers, asked: list[tuple[str, dict[str, Any]]], patience: float
) -> None:
    """Post runs from one address, one after the other at once, and read all of them."""
    with Visitor(server.url, source, patience=patience) as visitor:
        events = [(tab, visitor.asked(tab, values)) for tab, values in asked]
    for tab, event in events:
        readers.read(lambda: Visitor(server.url, source, patience=patience), tab, event)


def fill(ground: Ground, server: Server, readers: Readers, visitors: int, patience: float) -> None:
    """So many visitors ask for a long run each, and read on."""
    for seed in range(visitors):
        _post(server, ground.address(), readers, [("attention", long_run(seed))], patience)


def _wait_of_another(ground: Ground, server: Server, limit: float, before: str = "") -> Verdict:
    """How long somebody else waits for a small run."""
    started = time.monotonic()
    with ground.visitor(server, patience=limit) as other:
        answer = other.ask("saliency", OTHER)
    seconds = time.monotonic() - started
    if answer.done:
        return Verdict(True, f"served: another waited {seconds:.0f} s{before}")
    if answer.event == "silence":
        return Verdict(False, f"WAITED: another had nothing after {seconds:.0f} s{before}")
    return Verdict(False, f"SHUT OUT: another was told {answer.sentence!r}{before}")


def seventeen_posts(ground: Ground) -> Verdict:
    """One visitor posts 17 runs at once and reads them; another asks for a small one."""
    with Readers() as readers, ground.own() as server:
        asked = [("attention", long_run(seed, 40)) for seed in range(17)]
        _post(server, ground.address(), readers, asked, 150)
        time.sleep(1)
        verdict = _wait_of_another(ground, server, 100)
        return Verdict(verdict.holds, f"{verdict.said}, {len(readers.refused())} of 17 were refused")


def _too_many(ground: Ground, asked: list[tuple[str, dict[str, Any]]]) -> Verdict:
    """Whether all runs of a visitor but the first are refused, with a sentence that says when to come again."""
    with Readers() as readers, ground.own() as server:
        _post(server, ground.address(), readers, asked, 6)
        time.sleep(4)
        refused = readers.refused()
    let_in = len(asked) - len(refused)
    if let_in != ALLOWED:
        return Verdict(False, f"LET IN: {let_in} of {len(asked)}")
    if not all(answer.told and WHEN.search(answer.sentence) for answer in refused):
        return Verdict(False, f"NULL: refused without a time: {refused[0].sentence!r}")
    return Verdict(True, f"refused: {refused[0].sentence}")


def fourth_run(ground: Ground) -> Verdict:
    """Five runs of one visitor."""
    return _too_many(ground, [("attention", long_run(seed)) for seed in range(5)])


def fourth_evaluation(ground: Ground) -> Verdict:
    """Evaluations count as runs."""
    evaluation = ("evaluate", {"subject": "attention", "count": 64})
    return _too_many(ground, [evaluation, evaluation, ("attention", long_run(1)), evaluation, ("saliency", OTHER)])


def _join_page(visitor: Visitor, number: int, todo: dict[str, Any]) -> str | Answer:
    """Join the page's own run of attention, from a session of its own."""
    config = visitor.config()
    item = page.run_events(config)["attention"]
    sent = page.values(config, item, json=todo)
    session = f"tab-{number}"
    return event_of(visitor.post(f"{API}/queue/join", {"data": sent, "fn_index": item["id"], "session_hash": session}))


def made_up_questions(ground: Ground) -> Verdict:
    """Forty of the page's own runs for questions that no page asked, while a run is under way."""
    with Readers() as readers, ground.own() as server:
        _post(server, ground.address(), readers, [("attention", long_run(1, 60))], 60)
        time.sleep(1)
        with ground.visitor(server) as visitor:
            got = [_join_page(visitor, number, {"nonce": -number, "how": "fresh"}) for number in range(1, 41)]
        let_in = sum(isinstance(event, str) for event in got)
        return _wait_of_another(ground, server, 60, f", {let_in} of 40 had an event")


def quiet_events_queued(ground: Ground) -> Verdict:
    """Four hundred of the page's quiet questions sent to the queue, which they need not, about a large picture."""
    packed = io.BytesIO()
    Image.new("1", (3990, 3990)).save(packed, "PNG")
    with ground.own(growth=4_000_000_000) as server:
        with ground.visitor(server) as visitor:
            sent = {"path": visitor.upload(packed.getvalue()), "meta": {"_type": "gradio.FileData"}}
            config = visitor.config()
        item = page.asking_event(config, "clusters")
        body = {"data": page.values(config, item, image=sent, number=None), "fn_index": item["id"]}
        got: list[str | Answer] = []

        def post(number: int) -> None:
            with ground.visitor(server) as somebody:
                got.append(event_of(somebody.post(f"{API}/queue/join", body | {"session_hash": f"quiet-{number}"})))

        with ThreadPoolExecutor(8) as many:
            for number in range(400):
                many.submit(post, number)
            time.sleep(2)
            verdict = _wait_of_another(ground, server, 60)
            many.shutdown(cancel_futures=True)
        let_in = sum(isinstance(event, str) for event in got)
        return Verdict(verdict.holds, f"{verdict.said}, while {let_in} of {len(got)} had an event")


def posted_and_left(ground: Ground) -> Verdict:
    """Three long runs that nobody comes to read."""
    with ground.own() as server:
        with ground.visitor(server) as visitor:
            for seed in range(3):
                visitor.asked("attention", long_run(seed))
        time.sleep(1)
        verdict = _wait_of_another(ground, server, 120)
        slow = "waited" in verdict.said and (found := re.search(r"waited (\d+) s", verdict.said)) and int(found[1]) > 45
        return Verdict(False, verdict.said.replace("served", "WAITED")) if slow else verdict


def full_house(ground: Ground) -> Verdict:
    """Twenty visitors with a long run each: those beyond the room are told when to come again."""
    with Readers() as readers, ground.own() as server:
        fill(ground, server, readers, 20, 8)
        time.sleep(5)
        refused = readers.refused()
    if not refused:
        return Verdict(False, "LET IN: all twenty")
    if not all(answer.told and WHEN.search(answer.sentence) for answer in refused):
        return Verdict(False, f"NO TIME: {len(refused)} were told {refused[0].sentence!r}")
    return Verdict(True, f"refused: {len(refused)}, {refused[0].sentence}")


def opened_and_left(ground: Ground) -> Verdict:
    """Three hundred streams of sessions that never were, opened and left, then a run."""
    server = ground.server()
    threads, files = server.threads(), server.open_files()
    with ExitStack() as stack:
        visitors = [stack.enter_context(ground.visitor(server, patience=3)) for _ in range(10)]
        for number in range(300):
            visitor = visitors[number % 10]
            path = f"{API}/queue/data?session_hash=never-{number}"
            with suppress(httpx.TransportError), visitor.http.stream("GET", path) as response:
                if number % 3 == 0:
                    response.read()
    time.sleep(3)
    grown = server.threads() - threads, server.open_files() - files
    verdict = _wait_of_another(ground, server, 30)
    if max(grown) > 25:
        return Verdict(False, f"LEFT: {grown[0]} threads and {grown[1]} open files more")
    return verdict


def share_of_a_public_page(ground: Ground) -> Verdict:
    """What a visitor may use of a page that others may ask, where nobody set it: on a Space, and by --host."""
    space = ground.python(f"HOSTS = [None]{SHARE}", {"SPACE_ID": "somebody/space"})
    hosts = ground.python(f"HOSTS = ['0.0.0.0', '192.0.2.1', 'inspector.example']{SHARE}")
    shares = [float(text) for text in f"{space} {hosts}".split()]
    if not all(shares):
        return Verdict(False, f"ANY: no share on {shares.count(0)} of {len(shares)} public pages")
    return Verdict(True, f"a share of {min(shares):g} s in ten minutes")


ROWS = [
    Row(3, "17 posts in 0.2 s by one visitor", seventeen_posts),
    Row(3, "a fourth run of one visitor", fourth_run),
    Row(3, "a fourth one, evaluations among them", fourth_evaluation),
    Row(3, "40 runs of the page that no page asked for", made_up_questions),
    Row(3, "400 quiet questions sent to the queue", quiet_events_queued),
    Row(3, "three long runs, posted and never read", posted_and_left),
    Row(3, "twenty visitors at once", full_house),
    Row(3, "300 streams opened and left", opened_and_left),
    Row(3, "a visitor's share of a public page", share_of_a_public_page),
]
