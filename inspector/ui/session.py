"""Sessions: results that were computed, kept for as long as there is room, under the fingerprint of their request."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from inspector.errors import InputError


class Store:
    """A bounded store; the page's state holds keys only, so a visitor's result is never copied.

    The same request gives the same result, so its key is made of its fingerprint and a repeated request costs nothing;
    only this process can make it, so that nobody has the key of what they did not ask. What was used longest ago goes
    first. The program's own examples stay, and what came from files has its own, smaller
    room, so that nobody drives the examples out. All methods may be called from any thread.
    """

    def __init__(self, count: int = 64, size: int = 2_000_000_000, aside: int = 500_000_000) -> None:
        """count: results kept at most; size: bytes of their arrays; aside: bytes of arrays that came from files."""
        self._kept, self._aside = _Shelf(count, size), _Shelf(count, aside)
        self._pinned: dict[str, Any] = {}
        self._lock = threading.Lock()

    def put(self, result: Any) -> str:
        """Keep a result, let go of the oldest where there is no room, return the key."""
        key = sealed(fingerprint(result.request))
        with self._lock:
            self._kept.put(key, result)
        return key

    def pin(self, result: Any) -> str:
        """Keep a result for good, return the key."""
        key = sealed(fingerprint(result.request))
        with self._lock:
            self._pinned[key] = result
        return key

    def put_aside(self, result: Any) -> str:
        """Keep a result that came from a file, under a key by which no request finds it; returns that key."""
        key = sealed(f"file {fingerprint(result)}")
        with self._lock:
            self._aside.put(key, result)
        return key

    def get(self, key: str) -> Any:
        """The result of a key. Raises InputError when there is none any more."""
        with self._lock:
            for shelf in (self._pinned, self._kept, self._aside):
                if (found := shelf.get(key)) is not None:
                    return found
        raise InputError("That result is no longer kept; press Run to compute it again.")

    def has(self, key: str) -> bool:
        """Whether a key's result is still kept."""
        with self._lock:
            return any(shelf.get(key) is not None for shelf in (self._pinned, self._kept, self._aside))

    def find(self, request: Any) -> str:
        """The key of a request's result, "" where it was not computed yet."""
        key = sealed(fingerprint(request))
        return key if self.has(key) else ""


class _Shelf:
    """Results in the order of their last use, as many as there is room for; the newest always fits."""

    def __init__(self, count: int, size: int) -> None:
        self._count, self._size = count, size
        self._items: OrderedDict[str, Any] = OrderedDict()

    def put(self, key: str, result: Any) -> None:
        self._items[key] = result
        self._items.move_to_end(key)
        while len(self._items) > 1 and not self._fits():
            self._items.popitem(last=False)

    def get(self, key: str) -> Any:
        """The result, which counts as used, or None."""
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def _fits(self) -> bool:
        total = sum(byte_size(result) for result in self._items.values())
        return len(self._items) <= self._count and total <= self._size


_SECRET = secrets.token_bytes(32)


def sealed(text: str) -> str:
    """A name for what a text says that nobody outside this process can work out, 64 hexadecimal digits."""
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()


def fingerprint(request: Any) -> str:
    """A hash of everything a request says, pictures and masks included."""
    digest = hashlib.sha256()
    _feed(digest, request)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    """Hash a value with its type and shape, so that no two requests read alike."""
    if is_dataclass(value):
        digest.update(type(value).__name__.encode())
        for item in fields(value):
            digest.update(item.name.encode())
            _feed(digest, getattr(value, item.name))
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            digest.update(repr(key).encode())
            _feed(digest, value[key])
    elif isinstance(value, tuple | list):
        digest.update(f"{len(value)} items".encode())
        for item in value:
            _feed(digest, item)
    else:
        whole = isinstance(value, float) and value.is_integer()
        digest.update(repr(int(value) if whole else value).encode())  # 0.0 asks for what 0 asks for


def byte_size(value: Any) -> int:
    """Bytes of the arrays in a result."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(byte_size(item) for item in value.values())
    if isinstance(value, tuple | list):
        return sum(byte_size(item) for item in value)
    if is_dataclass(value):
        return sum(byte_size(getattr(value, item.name)) for item in fields(value))
    return 0


RESULTS = Store()
