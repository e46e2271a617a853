"""Gate: which requests reach the page at all, and what every answer tells the browser.

A page on a person's own machine can be reached from any site that this person opens, unless it looks at who asks:
by a script there that posts (`Origin`, `Sec-Fetch-Site`), or under a name that was pointed at this machine (`Host`).
"""

import base64
import hashlib
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gradio.exceptions import Error
from gradio.route_utils import FnIndexInferError
from gradio.routes import App, ORJSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

from inspector.settings import is_public, settings
from inspector.ui import places
from inspector.ui.guard import explained
from inspector.ui.listeners import LISTENERS
from inspector.ui.share import AGENT

TOKEN = secrets.token_urlsafe(24)
_LOCAL = ("localhost", "*.localhost")
_FORWARDED = ("x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "x-forwarded-port", "forwarded")
_FILES = ("/gradio_api/file=", "/gradio_api/file/")
_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_ROOM = 1_000_000  # bytes of a request beside a picture


@dataclass(frozen=True)
class Rules:
    """hosts: names that the page answers to, "*.x" for all below x. addresses: whether any address of a machine will
    do, which nobody can point elsewhere. origins: other sites whose scripts may call. frames: sites that may frame it.
    """

    hosts: tuple[str, ...]
    addresses: bool
    origins: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this page."""
        name = name_of(host)
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return any(fits(name, known) for known in self.hosts)
        return self.addresses or address.is_loopback or name in self.hosts

    def may_call(self, origin: str, host: str) -> bool:
        """Whether scripts of an origin may call the page that was asked for under `host`."""
        own = origin.lower().partition("://")[2]
        if own and (own == host.lower() or fits(name_of(own), *_names(self.hosts))):
            return True
        return any(fits(origin.lower(), known.lower()) for known in self.origins)


def rules(host: str | None) -> Rules:
    """The rules of a page that listens on `host`; None is what the environment says."""
    listens = host or settings().server_name
    names = [*_LOCAL, *settings().hosts]
    if listens:
        names.append(name_of(listens))
    if root := name_of(settings().root_path.partition("://")[2]):
        names.append(root)
    if is_public(host):
        names.append(socket.gethostname().lower())
    return Rules(tuple(dict.fromkeys(names)), is_public(host), settings().origins, settings().frames)


def name_of(host: str) -> str:
    """The name or address in a Host header or an origin's place, without port and brackets, in small letters."""
    try:
        return (urlsplit(f"//{host.strip()}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def fits(name: str, *known: str) -> bool:
    """Whether a name is one of those known, of which "*.x" are all below x."""
    return any(name.endswith(item[1:]) if item.startswith("*.") else name == item.lower() for item in known)


def _names(hosts: Iterable[str]) -> list[str]:
    """Those that were set, not this machine's own: another program on it is another site."""
    return [host for host in hosts if host not in _LOCAL]


def guarded_app(rules: Rules, session_of: Callable[[str], str], scripts: Collection[str]) -> App:
    """Gradio's application behind the gate, with our policies in every answer.

    A call that names an endpoint or a parameter which does not exist is told so.
    """

    class Guarded(App):
        def build_middleware_stack(self) -> Any:
            return Gate(super().build_middleware_stack(), rules, session_of)

    return Guarded(
        default_response_class=ORJSONResponse,
        middleware=[Middleware(Policies, rules=rules, scripts=scripts)],
        exception_handlers={**dict.fromkeys(_MISUSE, _misused), OSError: _failed},
    )


_MISUSE = (TypeError, ValueError, KeyError, RecursionError, FnIndexInferError, Error)


async def _failed(request: Any, error: Exception) -> JSONResponse:
    """The machine could not do it, such as keep an upload where the disk is full."""
    return JSONResponse({"detail": str(explained(error))}, 507)


async def _misused(request: Any, error: Exception) -> JSONResponse:
    """What was sent cannot be a call of any endpoint: gradio itself looks at that without care."""
    told = str(error) if isinstance(error, TypeError | Error) else f"{type(error).__name__}: {str(error)[:80]}"
    sentence = " ".join(told.split(". Please click")[0].split())[:300]
    detail = (
        f"This is no call that the page knows ({sentence}); its endpoints and their parameters are listed in README."
    )
    return JSONResponse({"detail": detail.encode("utf-8", "backslashreplace").decode()}, 400)


class Gate:
    """ASGI: refuses requests under other names, from other sites or too large, and counts who listens for answers."""

    def __init__(self, app: Callable[..., Any], rules: Rules, session_of: Callable[[str], str]) -> None:
        """session_of: event id -> the session that its answers go to."""
        self.app, self.rules, self.session_of = app, rules, session_of

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":  # the page has none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if refusal := self._refusal(scope, headers):
            status, sentence = refusal
            await JSONResponse({"detail": sentence}, status, {"X-Content-Type-Options": "nosniff"})(
                scope, receive, send
            )
            return
        scope["headers"] = _trusted(scope, headers)
        limited = _Limited(receive, _ROOM + settings().limits.max_bytes * 4 // 3)
        with LISTENERS.listening(_listened(scope, self.session_of)):
            await self.app(scope, limited, send)

    def _refusal(self, scope: Any, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if settings().proxy:
            host = headers.get("x-forwarded-host", host).split(",")[0].strip()
        if not self.rules.answers_to(host):
            return 421, (
                f"This page does not answer to the name {name_of(host)[:60]!r}; whoever runs it can add the name to "
                "INSPECTOR_HOSTS."
            )
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        opened = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        foreign = site not in (None, "same-origin", "none") and not opened
        if origin is not None:
            foreign = not self.rules.may_call(origin, host) and site != "same-origin"
        if foreign:
            return 403, (
                f"Scripts of {(origin or 'another site')[:60]} may not call this page; whoever runs it can allow them "
                "by INSPECTOR_ORIGINS."
            )
        most = _ROOM + settings().limits.max_bytes * 4 // 3
        length = headers.get("content-length", str(most) if "transfer-encoding" in headers else "0")
        if not (length.isascii() and length.isdecimal() and len(length) < 20):
            return 400, "The request's length is no number."
        if int(length) > most:
            return 413, f"The request has {int(length):,} bytes; at most {most:,} are read."
        if scope["path"].rstrip("/").endswith("/upload") and not places.room(int(length)):
            return 507, f"So much was uploaded lately that there is no room; try again in {places.EVERY:.0f} s."
        return None


class _Limited:
    """The body of a request, which ends as if the visitor had hung up once it is larger than it may be."""

    def __init__(self, receive: Any, most: int) -> None:
        self._receive, self._left = receive, most

    async def __call__(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}


def _trusted(scope: Any, headers: Headers) -> list[tuple[bytes, bytes]]:
    """A request's headers without those that only a proxy, or this server itself, may set.

    A call of an agent is told whose it is, since this server then asks itself.
    """
    dropped = set() if settings().proxy else set(_FORWARDED)
    if not headers.get(AGENT, "").startswith(f"{TOKEN}:"):
        dropped.add(AGENT)
    kept = [(name, value) for name, value in scope["headers"] if name.decode("latin-1").lower() not in dropped]
    if scope["path"].startswith("/gradio_api/mcp") and not settings().proxy and scope.get("client"):
        kept.append((AGENT.encode(), f"{TOKEN}:{scope['client'][0]}".encode()))
    return kept


def _listened(scope: Any, session_of: Callable[[str], str]) -> str:
    """The session whose answers a request reads, "" for any other request."""
    if scope["method"] != "GET":
        return ""
    parts = scope["path"].rstrip("/").split("/")
    if scope["path"].endswith("/queue/data"):
        found = re.search(rb"(?:^|&)session_hash=([^&]*)", scope.get("query_string", b""))
        return found[1].decode("latin-1") if found else ""
    return session_of(parts[-1]) if "call" in parts and len(parts) > 2 else ""


class Policies:
    """ASGI: tells the browser with every answer what the page may do, and with a file that it may do nothing."""

    def __init__(self, app: Callable[..., Any], rules: Rules, scripts: Collection[str]) -> None:
        """scripts: those that the page puts into the document itself, beside those of its first answer."""
        self.app, self.rules, self.scripts = app, rules, tuple(scripts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun: list[Any] = []  # the start of an answer in HTML, until its scripts are known

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._tell(headers, scope)
                if headers.get("content-type", "").startswith("text/html") and not scope["path"].startswith(_FILES):
                    begun.append(message)
                    return
            elif begun:
                message = {**message, "body": begun[0].setdefault("read", b"") + message.get("body", b"")}
                if message.get("more_body"):
                    begun[0]["read"] = message["body"]
                    return
                start = begun.pop()
                del start["read"]
                page = message["body"].decode("utf-8", "replace")
                MutableHeaders(scope=start)["Content-Security-Policy"] = self.policy(_INLINE.findall(page))
                await send(start)
            await send(message)

        await self.app(scope, receive, told)

    def _tell(self, headers: MutableHeaders, scope: Any) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        if not self.rules.origins:
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if scope["path"].startswith(_FILES):
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        else:
            headers["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors {self._frames}"

    @property
    def _frames(self) -> str:
        return " ".join(["'self'", *self.rules.frames])

    def policy(self, scripts: Iterable[str]) -> str:
        """What a document with these scripts, and the page's own, may load and run.

        Gradio makes functions of texts ('unsafe-eval') and sets styles on elements; a script that somebody smuggled in
        as markup runs nowhere, since only those known here by their hash do.
        """
        known = " ".join(dict.fromkeys(f"'sha256-{_sha(script)}'" for script in (*scripts, *self.scripts)))
        return "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' 'unsafe-eval' {known}",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "media-src 'self' data: blob:",
                "font-src 'self' data:",
                "connect-src 'self' data: blob:",
                "worker-src 'self' blob:",
                "object-src 'none'",
                "base-uri 'self'",
                "form-action 'self'",
                f"frame-ancestors {self._frames}",
            )
        )


def _sha(script: str) -> str:
    """As browsers count it: line ends become one character when a document is read."""
    text = script.replace("\r\n", "\n").replace("\r", "\n")
    return base64.b64encode(hashlib.sha256(text.encode("utf-8", "replace")).digest()).decode()
