"""The peak of this process's memory while something runs, as the kernel counted it; Linux only."""

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

import pytest

PROCESS = Path("/proc/self")


def peak_of(call: Callable[[], object]) -> int:
    """Bytes of resident memory at the highest point of `call()` beyond those before it.

    Resets the kernel's own mark and reads it after, so that nothing between two samples is missed. Skips the test
    where the kernel does not let it be reset.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        gc.collect()
        libc.malloc_trim(0)  # else what an earlier test has freed, and the C library kept, would be used first
        (PROCESS / "clear_refs").write_text("5")
    except OSError:
        pytest.skip("this system does not tell a process's peak of memory")
    before = _bytes("VmRSS")
    call()
    return _bytes("VmHWM") - before


def _bytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return 1024 * int(found[1]) if found else 0
