"""Rows: who may ask, under which name, and what an answer gives away."""

import json
import math
import os
import re
import string

import httpx

from tests.reliability import page
from tests.reliability.calling import API, MCP_ACCEPTS, Visitor, is_sentence, refusal
from tests.reliability.ground import EASY, Ground, Row, Verdict, worst

FOREIGN = "http://pages.example"
PLAIN = {"content-type": "text/plain"}  # what a foreign page may post without asking first
ENOUGH = 96  # bits that nobody guesses
FINGERPRINT = """
from inspector.ui.saliency import make
from inspector.ui.session import fingerprint
print(fingerprint(make(None, 500_001, "car, building")))
"""


def _judged(got: httpx.Response, word: str) -> Verdict:
    """The verdict on a request that must not be let in."""
    if got.status_code < 400 and '"isError":true' not in got.text:
        return Verdict(False, f"{word}: status {got.status_code}")
    told = refusal(got)
    if is_sentence(told.sentence):
        return Verdict(True, f"refused: {got.status_code} {told.sentence}")
    return Verdict(False, f"{word}?: {got.status_code} {told.sentence[:60]}")


def _posts(visitor: Visitor, headers: dict[str, str], kinds: tuple[str, ...]) -> dict[str, httpx.Response]:
    """The responses to what a page that is not ours may try, by kind."""
    http = visitor.http
    config = http.get("/config").json()
    page_run = page.run_events(config)["saliency"]["id"] if "saliency" in page.run_events(config) else 0
    asked = {"data": [], "fn_index": page_run, "session_hash": "foreign"}
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "saliency", "arguments": EASY}}
    server_function = {"data": {}, "component_id": 1, "session_hash": "foreign", "fn_name": "more"}
    tries = {
        "call": lambda: http.post(f"{API}/call/v2/saliency", json=EASY, headers=headers),
        "call, plain": lambda: http.post(f"{API}/call/saliency", content=b'{"data": []}', headers=headers | PLAIN),
        "join": lambda: http.post(f"{API}/queue/join", json=asked, headers=headers),
        "run": lambda: http.post(f"{API}/run/opened", json={"data": [None]}, headers=headers),
        "upload": lambda: http.post(f"{API}/upload", files={"files": ("x.png", b"x")}, headers=headers),
        "agent": lambda: http.post(f"{API}/mcp/", json=tool, headers=headers | MCP_ACCEPTS),
        "component": lambda: http.post(f"{API}/component_server", json=server_function, headers=headers),
        "cancel": lambda: http.post(
            f"{API}/cancel", json={"session_hash": "a", "fn_index": 0, "event_id": "b"}, headers=headers
        ),
        "page": lambda: http.get("/", headers=headers),
        "files": lambda: http.get(f"{API}/info", headers=headers),
    }
    return {kind: tries[kind]() for kind in kinds}


def rebinding(ground: Ground) -> Verdict:
    """A name of somebody else's that was pointed at this machine."""
    server = ground.server()
    with ground.visitor(server) as visitor:
        host = {"host": f"pages.example:{server.port}"}
        own = host | {"origin": f"http://pages.example:{server.port}"}
        got = _posts(visitor, host, ("page", "files", "call", "join", "upload", "agent"))
        got |= {f"{kind}, own origin": item for kind, item in _posts(visitor, own, ("call", "upload")).items()}
        return worst({kind: _judged(item, "RAN") for kind, item in got.items()})


def _from(ground: Ground, origin: str, *kinds: str) -> Verdict:
    with ground.visitor(ground.server()) as visitor:
        got = _posts(visitor, {"origin": origin}, kinds)
        return worst({kind: _judged(item, "RAN") for kind, item in got.items()})


def foreign_join(ground: Ground) -> Verdict:
    """A page of another site joins the queue."""
    return _from(ground, FOREIGN, "join")


def foreign_call(ground: Ground) -> Verdict:
    """A page of another site calls an endpoint, also by what browsers let through unasked."""
    return _from(ground, FOREIGN, "call", "call, plain")


def foreign_upload(ground: Ground) -> Verdict:
    """A page of another site uploads."""
    return _from(ground, FOREIGN, "upload")


def foreign_agent(ground: Ground) -> Verdict:
    """A page of another site calls a tool."""
    return _from(ground, FOREIGN, "agent")


def foreign_rest(ground: Ground) -> Verdict:
    """A page of another site calls a component's function, a quiet event, Stop."""
    return _from(ground, FOREIGN, "component", "run", "cancel")


def origin_null(ground: Ground) -> Verdict:
    """A file on disk, or a sandboxed frame."""
    return _from(ground, "null", "call", "join", "upload", "agent")


def another_port(ground: Ground) -> Verdict:
    """Another program's page on this machine."""
    return _from(ground, "http://127.0.0.1:9", "call", "join", "upload", "agent")


def own_origin(ground: Ground) -> Verdict:
    """The page itself is let in, by each name of this machine; or all of the above says nothing."""
    server = ground.server()
    with ground.visitor(server) as visitor:
        for name in ("127.0.0.1", "localhost"):
            headers = {"host": f"{name}:{server.port}", "origin": f"http://{name}:{server.port}"}
            for kind, got in _posts(visitor, headers, ("page", "call", "upload", "agent")).items():
                if not got.is_success:
                    return Verdict(False, f"SHUT OUT: {name} {kind} {got.status_code}")
    return Verdict(True, "let in, as 127.0.0.1 and as localhost")


def readable_elsewhere(ground: Ground) -> Verdict:
    """Whether a browser would let scripts of other origins read answers."""
    readers = []
    with ground.visitor(ground.server()) as visitor:
        for origin in (FOREIGN, "null", "http://127.0.0.1:9", "http://localhost:3000"):
            asked = {"origin": origin, "access-control-request-method": "POST"}
            for got in (
                visitor.http.get("/config", headers={"origin": origin}),
                visitor.http.options(f"{API}/queue/join", headers=asked),
            ):
                if got.headers.get("access-control-allow-origin") in (origin, "*"):
                    readers.append(f"{origin} by {got.request.method}")
    return (
        Verdict(False, f"READS: {', '.join(readers)}") if readers else Verdict(True, "refused: no other origin reads")
    )


def headers_sent(ground: Ground) -> Verdict:
    """What answers tell a browser."""
    missing: dict[str, list[str]] = {}
    with ground.visitor(ground.server()) as visitor:
        place = str(visitor.upload(ground.private.read_bytes()))
        answers = {"page": "/", "config": "/config", "file": f"{API}/file={place}", "none": "/no-such-page"}
        for name, path in answers.items():
            told = visitor.http.get(path).headers
            policy = told.get("content-security-policy", "")
            wanted = {
                "nosniff": told.get("x-content-type-options") == "nosniff",
                "policy": "script-src" in policy or "default-src" in policy,
                "frame-ancestors": "frame-ancestors" in policy or (name == "file" and "sandbox" in policy),
                "referrer": bool(told.get("referrer-policy")),
            }
            for header in [header for header, there in wanted.items() if not there]:
                missing.setdefault(header, []).append(name)
    if missing:
        return Verdict(
            False, f"MISSING: {', '.join(f'{header} of {len(on)}' for header, on in missing.items())} answers"
        )
    return Verdict(True, "sent: nosniff, policy, frame-ancestors or sandbox, referrer-policy on all four answers")


def uploaded_page(ground: Ground) -> Verdict:
    """An uploaded document with a script is not opened as one."""
    ran = []
    with ground.visitor(ground.server()) as visitor:
        for name in ("x.html", "x.svg", "x.xhtml", "x.xml", "x.js", "x.png"):
            place = visitor.upload(b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>", name)
            if not isinstance(place, str):
                continue
            told = visitor.http.get(f"{API}/file={place}").headers
            kind, saved = told.get("content-type", ""), told.get("content-disposition", "")
            document = any(word in kind for word in ("html", "xml", "svg"))
            if document and not saved.startswith("attachment"):
                ran.append(name)
    return Verdict(False, f"OPENED: {', '.join(ran)}") if ran else Verdict(True, "refused: none opens as a document")


def _bits(name: str) -> float:
    """Bits in a part of a path that differs between two servers."""
    secret = re.split(r"[-.]", name)[-1] if "-" in name else name
    alphabet = 16 if re.fullmatch(r"[0-9a-f]+", secret) else len(string.ascii_lowercase + string.digits)
    return len(secret) * math.log2(64 if secret != secret.lower() else alphabet)


def _places(visitor: Visitor) -> list[str]:
    """Paths of a small run's files and of its page's atlas, below the folder that every visitor sees in every path."""
    answer = visitor.ask("saliency", EASY)
    shown = json.dumps(page.run(visitor, "saliency", "places", number=500_001).data)
    atlas = re.search(r'"path": "([^"]+\.atlas)"', shown)
    paths = [str(visitor.upload(b"something")), answer.data[2][1]["path"], atlas[1] if atlas else ""]
    common = os.path.commonpath(paths)
    return [path.removeprefix(common) for path in paths[1:]]


def names_of_results(ground: Ground) -> Verdict:
    """Two servers, asked the same: what differs between their addresses is what nobody can guess."""
    with ground.own() as second, ground.visitor(ground.server()) as one, ground.visitor(second) as other:
        weak = []
        for what, here, there in zip(("result", "atlas"), _places(one), _places(other), strict=True):
            differing = [part for part, twin in zip(here.split("/"), there.split("/"), strict=True) if part != twin]
            bits = sum(map(_bits, differing))
            if bits < ENOUGH:
                weak.append(f"{what} {bits:.0f} bits")
    return Verdict(False, f"GUESSED: {', '.join(weak)}") if weak else Verdict(True, f"refused: over {ENOUGH} bits each")


def key_from_a_hash(ground: Ground) -> Verdict:
    """Somebody who knows what another visitor asked computes the key of the answer."""
    server = ground.server()
    key = ground.python(FINGERPRINT)
    had = []
    with ground.visitor(server) as owner, ground.visitor(server) as thief:
        if not page.shown(page.run(owner, "saliency", "owner", number=500_001)):
            return Verdict(False, "NO RESULT: the owner's run was not shown")
        config = thief.config()
        viewers = [item["id"] for item in config["components"] if "more" in item["props"].get("server_fns", ())]
        for name, data in {"more": {"key": key, "at": [{"map": "signed"}]}, "renew": key}.items():
            if page.server_call(thief, viewers[0], name, data):
                had.append(name)
        for folder in [path.parent.parent for path in server.files() if path.suffix == ".atlas"]:
            if thief.file(f"{folder}/{key}/result.atlas"):
                had.append("the atlas's address")
    return (
        Verdict(False, f"HAD: by {', '.join(dict.fromkeys(had))}")
        if had
        else Verdict(True, "refused: nothing by that key")
    )


ROWS = [
    Row(2, "a foreign name for this machine (rebinding)", rebinding),
    Row(2, "a foreign page joins the queue", foreign_join),
    Row(2, "a foreign page calls an endpoint", foreign_call),
    Row(2, "a foreign page uploads", foreign_upload),
    Row(2, "a foreign page calls an agent's tool", foreign_agent),
    Row(2, "a foreign page calls functions, quiet events, Stop", foreign_rest),
    Row(2, "origin null", origin_null),
    Row(2, "a page of another port of this machine", another_port),
    Row(2, "the page itself", own_origin),
    Row(2, "other origins read answers", readable_elsewhere),
    Row(2, "headers of answers", headers_sent),
    Row(2, "an uploaded page with a script", uploaded_page),
    Row(2, "addresses of results and atlases", names_of_results),
    Row(2, "another visitor's result, by the hash of what was asked", key_from_a_hash),
]
