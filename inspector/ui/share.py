"""Share: how much computing each visitor of a public host used lately, so that no one takes all of it.

It keeps honest visitors out of each other's way. Who wants more can come from many addresses, and a header can be
forged; what protects the host itself are its limits and its bounded queue.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from inspector.errors import ShareError
from inspector.settings import settings

WINDOW = 600.0  # seconds that are looked back on
GRAIN = 5.0  # seconds within which charges are kept as one, so that a visitor has at most WINDOW / GRAIN + 1 of them
VISITORS = 10_000  # remembered at most; then the one who was charged longest ago is forgotten
AGENT = "x-inspector-visitor"  # header by which the gate tells for which agent this server asks itself
LONGEST = 64  # characters of a session's name that are read: the visitor's own browser makes it up


class Share:
    """Seconds of computing per visitor in the last ten minutes. All methods may be called from any thread."""

    def __init__(
        self,
        allowed: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        visitors: int = VISITORS,
    ) -> None:
        """allowed: seconds of computing in ten minutes, 0 for any, None for what a page on this machine alone has.

        clock: seconds that never go back; visitors: how many are remembered.
        """
        self._allowed, self._clock, self._visitors = allowed, clock, visitors
        self._charged: OrderedDict[str, list[tuple[float, float]]] = OrderedDict()  # visitor -> (when, seconds)
        self._lock = threading.Lock()

    @property
    def allowed(self) -> float:
        """Seconds of computing in ten minutes; 0 for any."""
        return settings().share(public=False) if self._allowed is None else self._allowed

    def allow(self, allowed: float) -> None:
        """From now on so many seconds in ten minutes; 0 for any."""
        self._allowed = allowed

    def admit(self, visitor: str) -> None:
        """Raise ShareError, which says when to come back, if the visitor's share is used up.

        A visitor with a little left is admitted, however long the run: its length is known afterwards.
        """
        allowed = self.allowed
        if not allowed:
            return
        with self._lock:
            now, charges = self._clock(), self._recent(visitor)
        over = sum(seconds for _, seconds in charges) - allowed
        if over < 0:
            return
        wait = 0.0
        for when, seconds in charges:  # the oldest first: until what they free is more than what is too much
            wait, over = when + WINDOW - now, over - seconds
            if over < 0:
                break
        raise ShareError(
            f"You used your {allowed:g} s of computing for now; try again in {max(1, math.ceil(wait))} s, or run "
            "the program yourself."
        )

    def charge(self, visitor: str, seconds: float) -> None:
        """Count seconds of computing that just ended; called as often as one likes during a run."""
        if not self.allowed or seconds <= 0:
            return
        with self._lock:
            now, charges = self._clock(), self._recent(visitor)
            if charges and now - charges[-1][0] < GRAIN:
                when, before = charges.pop()
                charges.append((when, before + seconds))
            else:
                charges.append((now, seconds))
            self._charged[visitor] = charges
            self._charged.move_to_end(visitor)
            while len(self._charged) > self._visitors:
                self._charged.popitem(last=False)

    def used(self, visitor: str) -> float:
        """Seconds of computing that count against a visitor now."""
        with self._lock:
            return sum(seconds for _, seconds in self._recent(visitor))

    def _recent(self, visitor: str) -> list[tuple[float, float]]:
        since = self._clock() - WINDOW
        return [(when, seconds) for when, seconds in self._charged.get(visitor, ()) if when > since]


def visitor(request: Any) -> str:
    """What tells one visitor from another, at most 80 characters: an address, else the session; nothing of it is proof.

    request: gradio's; None and other things without an address or a session are one visitor together. Behind a proxy
    (INSPECTOR_PROXY) the address is the first of x-forwarded-for. Addresses of IPv6 count by their first 64 bits, of
    which a household has one.
    """
    headers = getattr(request, "headers", None) or {}
    if told := headers.get(AGENT, ""):  # by this server itself, see `gate`
        return f"address {_address(told.partition(':')[2])}"
    forwarded = headers.get("x-forwarded-for", "") if settings().proxy else ""
    client = getattr(getattr(request, "client", None), "host", None)
    for text in (forwarded.split(",")[0], client):
        if address := _address(text):
            return f"address {address}"
    return f"session {str(getattr(request, 'session_hash', None) or 'unknown')[:LONGEST]}"


def _address(text: str | None) -> str:
    """An address as it is counted, "" for anything else."""
    try:
        address = ipaddress.ip_address((text or "").strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
