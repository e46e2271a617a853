"""Load clients: what each of many visitors does over and over, and what they saw."""

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.reliability import questions
from tests.reliability.calling import API, Answer, Visitor
from tests.reliability.questions import Question

ROLES = ("ask", "ask", "ask", "ask", "ask", "cancel", "leave", "look")  # of every eight clients
WHEN = re.compile(r"(\d+) ?(?:s|seconds)\b")
PATIENCE = 300.0  # seconds that anybody waits for one answer
LONGEST_PAUSE = 30.0  # seconds that a client waits before it asks again, whatever it was told


@dataclass
class Tally:
    """What the clients saw. waits: seconds from a post to its answer. without: seconds from when a question was first
    asked to its answer, refusals and pauses included. samples: questions with the essence of each answer.
    """

    waits: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    crossed: list[str] = field(default_factory=list)
    samples: list[tuple[Question, str]] = field(default_factory=list)
    cancelled: int = 0
    left: int = 0
    looked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, value: object = 1) -> None:
        """Count one more; a number grows, a list gets the value."""
        with self.lock:
            known = getattr(self, name)
            if isinstance(known, list):
                known.append(value)
            else:
                setattr(self, name, known + 1)


def client(url: str, number: int, more: Callable[[], bool], tally: Tally) -> None:
    """Be one visitor, from an address of one's own, for as long as there is more to do."""
    chance = random.Random(number)
    role: Callable[[Visitor, random.Random, Tally], None] = {
        "ask": ask,
        "cancel": cancel,
        "leave": leave,
        "look": look,
    }[ROLES[number % len(ROLES)]]
    with Visitor(url, f"127.0.1.{number + 1}", patience=PATIENCE) as visitor:
        while more():
            try:
                role(visitor, chance, tally)
            except httpx.HTTPError as error:  # of an upload or a file
                tally.add("errors", f"{role.__name__}: {type(error).__name__}")
            time.sleep(chance.uniform(0, 2))


def ask(visitor: Visitor, chance: random.Random, tally: Tally) -> None:
    """Ask one question until it is answered, and look at the answer."""
    question = questions.make(chance)
    first = time.monotonic()
    answer = put(visitor, question)
    while is_refusal(answer) and time.monotonic() - first < PATIENCE:
        tally.add("refusals", answer.sentence)
        time.sleep(pause(answer.sentence, chance))
        answer = put(visitor, question)
    if not answer.done:
        tally.add("errors", f"{question.tab} {answer.event} {answer.status} {answer.sentence[:150]!r}")
        return
    tally.add("waits", answer.seconds)
    tally.add("without", time.monotonic() - first)
    numbers = answer.data[1]
    maps = visitor.file(next(item["path"] for item in answer.data[2] if item["orig_name"] == "maps.npz"))
    if not maps:
        tally.add("errors", f"{question.tab} maps.npz was not handed out")
    elif not questions.answers(question, numbers, maps):
        tally.add("crossed", f"{question} got {numbers['request']}")
    elif chance.random() < 0.2:
        tally.add("samples", (question, questions.essence(numbers, maps)))


def put(visitor: Visitor, question: Question) -> Answer:
    """The answer to a question, its own picture uploaded before."""
    values = dict(question.values)
    if question.picture is not None:
        place = visitor.upload(questions.png(question.picture))
        if isinstance(place, Answer):
            return place
        values["image"] = {"path": place, "meta": {"_type": "gradio.FileData"}}
    return visitor.ask(question.tab, values)


def is_refusal(answer: Answer) -> bool:
    """Whether an answer is a no for now, in whatever words."""
    return answer.event in ("error", "refused") and any(
        word in answer.sentence for word in ("again", "waiting", "full", "Queue")
    )


def pause(sentence: str, chance: random.Random) -> float:
    """Seconds until one asks again: about as many as one was told."""
    found = WHEN.search(sentence)
    told = float(found[1]) if found else 2.0
    return min(told * chance.uniform(0.5, 1), LONGEST_PAUSE)


def cancel(visitor: Visitor, chance: random.Random, tally: Tally) -> None:
    """Ask for a longer run and stop it once it reports."""
    values = {"prompt": "a dog on the sand", "steps": 30, "seed": chance.randrange(10**6)}
    event = visitor.asked("attention", values)
    if isinstance(event, Answer):
        tally.add("refusals" if is_refusal(event) else "errors", event.sentence)
        return
    functions = [item["id"] for item in visitor.config()["dependencies"] if item["api_name"] == "attention"]
    for name, data in visitor.events(f"{API}/call/attention/{event}"):
        if name in ("error", "refused", "cut", "silence"):
            sentence = str((data or {}).get("error", data)) if isinstance(data, dict) else str(data)
            refused = is_refusal(Answer("error", sentence=sentence))
            tally.add("refusals" if refused else "errors", sentence if refused else f"cancel {name} {sentence[:100]}")
            return
        if name == "generating":
            break
    stop = {"session_hash": event, "fn_index": functions[0], "event_id": event}
    got = visitor.post(f"{API}/cancel", stop)
    if isinstance(got, Answer) or not got.is_success:
        tally.add("errors", f"cancel: {got}")
    tally.add("cancelled")


def leave(visitor: Visitor, chance: random.Random, tally: Tally) -> None:
    """Post a run and never read of it."""
    question = questions.make(chance)
    if question.picture is None:
        event = visitor.asked(question.tab, question.values)
        if isinstance(event, Answer):
            tally.add("refusals" if is_refusal(event) else "errors", event.sentence)
        tally.add("left")
    time.sleep(chance.uniform(2, 6))


def look(visitor: Visitor, chance: random.Random, tally: Tally) -> None:
    """Open a stream of events of a session, and go."""
    path = f"{API}/queue/data?session_hash=look-{chance.randrange(10**9)}"
    try:
        with visitor.http.stream("GET", path) as response:
            next(response.iter_lines(), None)
    except httpx.RemoteProtocolError:  # the page ends a stream of nobody in the middle
        pass
    tally.add("looked")
