"""The gate: under which names and from which sites the page may be asked, and what its answers tell the browser."""

import asyncio
import errno
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route

from inspector.settings import settings
from inspector.ui import gate
from inspector.ui.gate import Gate, Policies, Rules, rules
from inspector.ui.listeners import LISTENERS
from inspector.ui.share import AGENT, visitor

LOCAL = Rules(("localhost", "*.localhost"), addresses=False)
PAGE = "<html><script>var a = 1;</script><script src='x.js'></script><SCRIPT type='module'>\r\nb()</SCRIPT></html>"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in ("SPACE_ID", "SPACE_HOST", "INSPECTOR_PROXY", "INSPECTOR_HOSTS", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(variable, raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


async def page(request: Any) -> Any:
    return HTMLResponse(PAGE)


async def told(request: Any) -> Any:
    return JSONResponse({"headers": dict(request.headers), "who": visitor(request), "size": len(await request.body())})


async def answers(request: Any) -> Any:
    async def lines() -> Any:
        yield f"{LISTENERS.heard('session', -1e9)}"

    return StreamingResponse(lines())


def ask(
    path: str = "/",
    method: str = "GET",
    rules: Rules = LOCAL,
    client: str = "127.0.0.1",
    body: Any = None,
    **headers: str,
) -> httpx.Response:
    """The answer of a small page behind the gate. headers: with _ for -."""
    routes = [
        Route("/", page, methods=["GET", "POST"]),
        Route("/gradio_api/queue/data", answers),
        Route("/gradio_api/call/saliency/{event}", answers),
        Route("/{path:path}", told, methods=["GET", "POST", "OPTIONS"]),
    ]
    inner = Policies(Starlette(routes=routes), rules, ["of.the(page)"])
    outer = Gate(inner, rules, {"event": "session"}.get)
    given = {"host": "127.0.0.1:7860"} | {name.replace("_", "-"): value for name, value in headers.items()}

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=outer, client=(client, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860") as asking:
            return await asking.request(method, path, headers=given, content=body)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("127.3.2.1", 200),
        ("localhost:7860", 200),
        ("LOCALHOST.", 200),
        ("[::1]:7860", 200),
        ("evil.example:7860", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("192.168.1.5:7860", 421),
        ("", 421),
        ("[::1", 421),
        ("127.0.0.1@evil.example", 421),
    ],
)
def test_a_local_page_answers_to_this_machine_s_names_alone(host: str, status: int) -> None:
    answer = ask(host=host)
    assert answer.status_code == status
    if status == 421:
        assert "INSPECTOR_HOSTS" in answer.json()["detail"]


def test_a_public_page_answers_to_addresses_and_the_names_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_HOSTS", "inspector.example, *.example.net")
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://proxy.example/inspector")
    settings.cache_clear()
    known = rules("0.0.0.0")
    for host in (
        "192.168.1.5:7860",
        "inspector.example",
        "a.b.example.net",
        "proxy.example",
        "localhost",
        "[2001:db8::1]",
    ):
        assert known.answers_to(host), host
    for host in ("example.net", "xinspector.example", "evil.example"):
        assert not known.answers_to(host), host
    assert not rules(None).answers_to("192.168.1.5")
    assert rules("my-machine").answers_to("my-machine:7860")


def test_behind_a_proxy_the_name_is_the_one_that_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_PROXY", "1")
    settings.cache_clear()
    known = Rules(("inspector.example",), addresses=False)
    assert ask(rules=known, x_forwarded_host="inspector.example").status_code == 200
    assert ask(rules=known, x_forwarded_host="evil.example").status_code == 421


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/mcp/", "/config"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a script, which no browser lets call for others
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({"origin": "http://127.0.0.1:7860", "sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:8888"}, 403),  # another program on this machine
        ({"origin": "http://localhost:7860"}, 403),
        ({"origin": "http://127.0.0.1:7860.evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, 403),  # a form of another site
    ],
)
def test_only_the_page_s_own_scripts_may_call(path: str, headers: dict[str, str], status: int) -> None:
    assert ask(path, "POST", **headers).status_code == status


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else() -> None:
    elsewhere = {"sec_fetch_site": "cross-site"}
    assert ask(sec_fetch_mode="navigate", **elsewhere).status_code == 200
    assert ask(sec_fetch_mode="no-cors", **elsewhere).status_code == 403
    assert ask(sec_fetch_mode="cors", origin="http://evil.example", **elsewhere).status_code == 403


def test_other_sites_may_call_where_they_were_allowed() -> None:
    allowed = Rules(("localhost",), False, origins=("https://*.example.org", "http://127.0.0.1:8888"))
    assert ask("/x", "POST", allowed, origin="http://127.0.0.1:8888", sec_fetch_site="same-site").status_code == 200
    assert ask("/x", "POST", allowed, origin="http://127.0.0.1:8889").status_code == 403
    assert (
        ask("/x", "POST", allowed, origin="http://127.0.0.1:8889").json()["detail"].startswith("Scripts of http://127")
    )


def test_behind_a_proxy_that_hides_the_name_the_browser_s_word_counts() -> None:
    assert ask("/x", "POST", origin="https://inspector.example", sec_fetch_site="same-origin").status_code == 200


def test_a_request_that_is_too_large_is_not_read() -> None:
    most = settings().limits.max_bytes * 4 // 3 + 1_000_000
    assert ask("/x", "POST", content_length=str(most + 1)).status_code == 413
    assert ask("/x", "POST", content_length="many").status_code == 400
    assert ask("/x", "POST", body=b"x" * 1000).json()["size"] == 1000

    async def parts() -> Any:  # without a length beforehand
        for _ in range(most // 1_000_000 + 2):
            yield b"x" * 1_000_000

    with pytest.raises(Exception, match=r"^$|[Dd]isconnect"):  # as if the visitor had hung up
        ask("/x", "POST", body=parts())


def test_uploads_stop_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate.places, "room", lambda length: length < 50)
    assert ask("/gradio_api/upload", "POST", body=b"x" * 40).status_code == 200
    answer = ask("/gradio_api/upload", "POST", body=b"x" * 60)
    assert answer.status_code == 507
    assert "try again in 30 s" in answer.json()["detail"]
    assert ask("/gradio_api/queue/join", "POST", body=b"x" * 60).status_code == 200


def test_what_only_a_proxy_or_the_server_may_say_is_not_believed() -> None:
    headers = ask("/x", x_forwarded_for="1.2.3.4", x_forwarded_host="a", forwarded="for=5", x_inspector_visitor="me")
    assert not {"x-forwarded-for", "x-forwarded-host", "forwarded", AGENT} & set(headers.json()["headers"])


def test_an_agent_is_counted_by_its_own_address() -> None:
    first = ask("/gradio_api/mcp/", "POST", client="10.0.0.7").json()
    assert first["who"] == "address 10.0.0.7"
    # This server asks itself, with the headers that it got.
    again = ask("/gradio_api/queue/join", "POST", client="127.0.0.1", x_inspector_visitor=first["headers"][AGENT])
    assert again.json()["who"] == "address 10.0.0.7"
    forged = ask("/gradio_api/queue/join", "POST", client="10.0.0.8", x_inspector_visitor="guess:10.0.0.7")
    assert forged.json()["who"] == "address 10.0.0.8"


def test_who_reads_answers_is_known_while_they_do() -> None:
    assert ask("/gradio_api/queue/data?session_hash=other").text == "False"
    assert ask("/gradio_api/queue/data?session_hash=session&x=1").text == "True"
    assert ask("/gradio_api/call/saliency/event").text == "True"
    assert not LISTENERS._now


def test_every_answer_says_what_it_is_and_who_may_frame_it() -> None:
    framed = Rules(("localhost",), False, frames=("https://host.example",))
    for path in ("/", "/config", "/gradio_api/file=x/y.html", "/gradio_api/queue/data"):
        headers = ask(path, rules=framed).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'self' https://host.example" in ask(rules=framed).headers["content-security-policy"]
    assert ask().headers["content-security-policy"].endswith("frame-ancestors 'self'")
    assert ask(host="evil.example").headers["x-content-type-options"] == "nosniff"


def test_a_document_runs_its_own_scripts_and_none_that_was_smuggled_in() -> None:
    policy = dict(part.split(" ", 1) for part in ask().headers["content-security-policy"].split("; "))
    scripts = policy["script-src"].split()
    known = {f"'sha256-{gate._sha(text)}'" for text in ("var a = 1;", "\nb()", "of.the(page)")}
    assert {item for item in scripts if "sha256" in item} == known
    assert "'unsafe-inline'" not in scripts
    assert policy["object-src"] == "'none'"
    assert policy["base-uri"] == "'self'"
    assert ask().text == PAGE


def test_a_file_may_do_nothing_at_all() -> None:
    policy = ask("/gradio_api/file=somewhere/drawing.svg").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")


def test_a_call_that_no_endpoint_knows_and_a_full_disk_are_sentences() -> None:
    async def once(path: str, error: Exception) -> httpx.Response:
        app = gate.guarded_app(LOCAL, str, ())

        async def fail(request: Any) -> Any:
            raise error

        app.add_route(path, fail)
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            return await asking.get(path)

    for error in (KeyError("/nobody"), TypeError("Parameter `x` is not one"), gate.FnIndexInferError("nobody")):
        answer = asyncio.run(once("/x", error))
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("This is no call that the page knows (")
    full = asyncio.run(once("/x", OSError(errno.ENOSPC, "No space left on device")))
    assert full.status_code == 507
    assert full.json()["detail"].startswith("The server's disk is full")


def test_the_page_says_only_what_a_browser_reads() -> None:
    assert not re.search(r"[\r\n]", ask().headers["content-security-policy"])
