"""Heaps: how many of them the C library's malloc keeps, so that a page's memory does not grow with its threads."""

import ctypes
import os
from typing import Any

HEAPS = 2
_M_ARENA_MAX = -8  # mallopt(3) of glibc


def keep_few_heaps() -> bool:
    """Have glibc keep few heaps from now on; whether it does. To be called before threads are started.

    It gives each new thread a heap of its own, up to eight a core, and every heap keeps some of what runs once held:
    hundreds of megabytes after some hundred runs, each in a thread of its own. With few, a run reuses what the last
    one left. MALLOC_ARENA_MAX, where it is set, is the host's own choice; other C libraries are left alone.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    mallopt = _of_the_c_library("mallopt")
    return mallopt is not None and mallopt(_M_ARENA_MAX, HEAPS) == 1


def give_back() -> None:
    """Hand what the heaps hold free back to the system, so that a page that rests is as small as it was."""
    trim = _of_the_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_the_c_library(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
