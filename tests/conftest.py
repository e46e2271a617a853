"""Every test runs offline: no hub, no analytics, and a socket to anywhere but this machine fails the test."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from inspector.models import catalog, personal

os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "DO_NOT_TRACK": "1",
}
# More threads only wait for each other on models so small, beside the other process of tests; and the same number
# everywhere gives the same sums everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_ATTEMPTS: list[str] = []
_PILLOWS_LIMIT = Image.MAX_IMAGE_PIXELS  # which the page lowers for its process
_CONNECT, _CONNECT_EX, _LOOKUP = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


class OutsideError(OSError):
    """Something tried to leave the machine."""


def _is_local(host: Any) -> bool:
    if host in (None, "", b"", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check(host: Any) -> None:
    if not _is_local(host):
        _ATTEMPTS.append(str(host))
        raise OutsideError(f"a test tried to reach {host}")


def _check_address(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        _check(address[0])


def _connect(sock: socket.socket, address: Any) -> None:
    _check_address(sock, address)
    return _CONNECT(sock, address)


def _connect_ex(sock: socket.socket, address: Any) -> int:
    _check_address(sock, address)
    return _CONNECT_EX(sock, address)


def _lookup(host: Any, *args: Any, **options: Any) -> Any:
    _check(host)
    return _LOOKUP(host, *args, **options)


socket.socket.connect = _connect  # type: ignore[method-assign]
socket.socket.connect_ex = _connect_ex  # type: ignore[method-assign]
socket.getaddrinfo = _lookup


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Every test draws the same random numbers each time, in whatever order and process it runs."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        sys.modules["numpy"].random.seed(0)


@pytest.fixture(autouse=True)
def outside_attempts() -> Iterator[list[str]]:
    """Hosts outside this machine that were asked for; any left at the end fails the test.

    Libraries swallow connection errors, so raising alone would not show.
    """
    _ATTEMPTS.clear()
    yield _ATTEMPTS
    assert not _ATTEMPTS, f"reached outside the machine: {_ATTEMPTS}"


@pytest.fixture(autouse=True)
def untouched_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers or limits for the whole process is gone after it."""
    monkeypatch.setattr(catalog, "_LOCAL", {})
    monkeypatch.setattr(personal, "_LORAS", {})
    monkeypatch.setattr(personal, "_EMBEDDINGS", {})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", _PILLOWS_LIMIT)
