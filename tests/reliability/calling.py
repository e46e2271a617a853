"""Calling: one visitor of a served page, from a loopback address of its own, over every way that a script has."""

import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

API = "/gradio_api"
MCP_ACCEPTS = {"accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Answer:
    """What came of a call.

    event: "complete" or "error", as the page says; "refused" by its status; "silence" where nothing came in time;
    "cut" where the connection broke. data: of a completed call. sentence: why not, "" where nothing was said.
    seconds: until then.
    """

    event: str
    data: Any = None
    sentence: str = ""
    status: int = 200
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it was answered."""
        return self.event == "complete"

    @property
    def told(self) -> bool:
        """Whether it was not answered, with a sentence that says why."""
        return self.event in ("error", "refused") and is_sentence(self.sentence)


def is_sentence(text: str) -> bool:
    """Whether a person can read it: a few words in one line, no server's stock phrase, no traceback."""
    return (
        len(text.split()) >= 3
        and len(text) < 600
        and "\n" not in text.strip()
        and "Internal Server Error" not in text
        and "Traceback" not in text
    )


class Visitor:
    """A client of `url` whose connections come from `source`. Both are loopback, or nothing is sent."""

    def __init__(
        self, url: str, source: str = "127.0.0.1", headers: Mapping[str, str] | None = None, patience: float = 60
    ) -> None:
        """patience: seconds waited for an answer."""
        for address in (urlsplit(url).hostname or "", source):
            if not ipaddress.ip_address(address).is_loopback:
                raise ValueError(f"{address} is not this machine's own.")
        self.patience = patience
        self.http = httpx.Client(
            base_url=url,
            # No connection twice: after a fault the server closes it, and the next call would pay for that.
            transport=httpx.HTTPTransport(
                verify=False, local_address=source, limits=httpx.Limits(max_keepalive_connections=0)
            ),
            headers=dict(headers or {}),
            timeout=httpx.Timeout(patience),
            trust_env=False,
        )

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, path: str, body: Any) -> httpx.Response | Answer:
        """The response to JSON, or to bytes that are sent as such; an Answer where there was none."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            return self.http.post(path, content=content, headers={"content-type": "application/json"})
        except httpx.TimeoutException:
            return Answer("silence", seconds=self.patience)
        except httpx.TransportError as error:
            return Answer("cut", sentence=type(error).__name__)

    def asked(self, tab: str, values: Mapping[str, Any] | list[Any] | bytes, **body: Any) -> str | Answer:
        """The event's id of a call by names, or by a list of values; an Answer where it was refused."""
        if isinstance(values, list):
            got = self.post(f"{API}/call/{tab}", {"data": values, **body})
        else:
            got = self.post(f"{API}/call/v2/{tab}", values if isinstance(values, bytes) else dict(values))
        return event_of(got)

    def ask(self, tab: str, values: Mapping[str, Any] | list[Any] | bytes, **body: Any) -> Answer:
        """The answer to a call, waited for."""
        started = time.monotonic()
        event = self.asked(tab, values, **body)
        if isinstance(event, Answer):
            return event
        answer = self.read(tab, event)
        return Answer(answer.event, answer.data, answer.sentence, answer.status, time.monotonic() - started)

    def read(self, tab: str, event: str) -> Answer:
        """The end of a call that was posted."""
        started = time.monotonic()
        for name, data in self.events(f"{API}/call/{tab}/{event}"):
            if name == "complete":
                return Answer("complete", data, seconds=time.monotonic() - started)
            if name in ("error", "refused", "silence", "cut"):
                return Answer(name, sentence=sentence_of(data), seconds=time.monotonic() - started)
        return Answer("cut", seconds=time.monotonic() - started)

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """(name, data) of a stream of events; at its end, where it did not come to one, silence or cut."""
        limit = time.monotonic() + self.patience
        name = ""
        try:
            with self.http.stream("GET", path) as response:
                if not response.is_success:
                    yield "refused", response.read().decode(errors="replace")
                    return
                for line in response.iter_lines():
                    if line.startswith("event:"):
                        name = line.removeprefix("event:").strip()
                    elif line.startswith("data:"):
                        yield name, json.loads(line.removeprefix("data:"))
                    if time.monotonic() > limit:
                        yield "silence", None
                        return
        except httpx.TimeoutException:
            yield "silence", None
        except httpx.TransportError as error:
            yield "cut", type(error).__name__

    def joined(self, function: int, values: list[Any], session: str) -> Answer:
        """The answer to an event of the page itself; `data` is (output, what was shown as messages)."""
        started = time.monotonic()
        got = self.post(f"{API}/queue/join", {"data": values, "fn_index": function, "session_hash": session})
        event = event_of(got)
        if isinstance(event, Answer):
            return event
        messages: list[str] = []
        for name, data in self.events(f"{API}/queue/data?session_hash={session}"):
            seconds = time.monotonic() - started
            if name:
                return Answer(name, sentence=sentence_of(data), seconds=seconds)
            if data["msg"] == "log":
                messages.append(data["log"])
            if data["msg"] == "process_completed" and data["event_id"] == event:
                if data["success"]:
                    return Answer("complete", (data["output"], messages), seconds=seconds)
                return Answer("error", sentence=sentence_of(data["output"]), seconds=seconds)
            if data["msg"] in ("unexpected_error", "server_stopped"):
                return Answer("error", sentence=sentence_of(data.get("message")), seconds=seconds)
        return Answer("cut", seconds=time.monotonic() - started)

    def tool(self, name: str, arguments: Mapping[str, Any]) -> Answer:
        """The answer to an agent's call; `data` is its text."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        try:
            got = self.http.post(f"{API}/mcp/", json=call, headers=MCP_ACCEPTS)
        except httpx.TimeoutException:
            return Answer("silence", seconds=self.patience)
        except httpx.TransportError as error:
            return Answer("cut", sentence=type(error).__name__)
        if not got.is_success:
            return refusal(got)
        lines = [line.removeprefix("data:") for line in got.text.splitlines() if line.startswith("data:")]
        told = json.loads(lines[-1] if lines else got.text)
        if "error" in told:
            return Answer("error", sentence=str(told["error"].get("message", "")))
        text = " ".join(part.get("text", "") for part in told["result"]["content"])
        failed = told["result"].get("isError")
        return Answer("error", sentence=text) if failed else Answer("complete", text)

    def upload(self, content: bytes, name: str = "picture.png") -> str | Answer:
        """Where the page keeps a file that was uploaded."""
        got = self.http.post(f"{API}/upload", files={"files": (name, content)})
        return got.json()[0] if got.is_success else refusal(got)

    def file(self, path: str) -> bytes:
        """A file that the page hands out; b"" where it does not."""
        got = self.http.get(f"{API}/file={path}")
        return got.content if got.is_success else b""

    def config(self) -> dict[str, Any]:
        """What the page says of itself."""
        return self.http.get("/config").json()


def event_of(got: httpx.Response | Answer) -> str | Answer:
    """The event's id in a response to a call, else what the response says."""
    if isinstance(got, Answer):
        return got
    try:
        told = got.json()
    except ValueError:
        return refusal(got)
    return told["event_id"] if got.is_success and isinstance(told, dict) and "event_id" in told else refusal(got)


def refusal(got: httpx.Response) -> Answer:
    """A response that is no answer, with the sentence in it."""
    try:
        told = got.json()
    except ValueError:
        told = got.text
    return Answer("refused", sentence=sentence_of(told), status=got.status_code)


def sentence_of(told: Any) -> str:
    """The text in what an error says of itself, "" where there is none."""
    if isinstance(told, dict):
        told = next((told[name] for name in ("error", "detail", "message") if told.get(name)), "")
    if isinstance(told, list) and told and isinstance(told[0], dict):  # what does not fit, and where
        place = ".".join(map(str, told[0].get("loc", ())))
        told = f"{place}: {told[0].get('msg', '')}"
    if isinstance(told, str) and told.startswith("{"):
        try:
            return sentence_of(json.loads(told))
        except ValueError:
            return told
    return told if isinstance(told, str) else ""
