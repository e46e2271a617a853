"""Heaps: many threads share the few that are kept."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.ui import heaps

# Twelve threads that each hold memory at the same time, then what malloc says of its heaps.
THREADS = """
import ctypes, sys, threading
from inspector.ui.heaps import keep_few_heaps

told = keep_few_heaps() if sys.argv[1] == "few" else None
libc, all_hold = ctypes.CDLL(None), threading.Barrier(12)
libc.malloc.restype = ctypes.c_void_p

def hold():
    libc.malloc(10_000)
    all_hold.wait()

threads = [threading.Thread(target=hold) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(told, flush=True)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def counted(how: str, **environment: str) -> tuple[str, int]:
    """(what the call answered, heaps) of a process whose threads all hold memory."""
    command = [sys.executable, "-c", THREADS, how]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
    return printed.split()[0], printed.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone has heaps to count")
def test_threads_share_few_heaps() -> None:
    assert counted("few") == ("True", heaps.HEAPS)
    assert counted("many")[1] > heaps.HEAPS


def test_a_host_that_chose_is_left_alone() -> None:
    assert counted("few", MALLOC_ARENA_MAX="3")[0] == "False"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone gives heaps back")
def test_what_is_free_is_given_back() -> None:
    kept = [bytes(60_000) for _ in range(4000)]  # 240 MB of the heap, below what is mapped apart
    kept = kept[::40]  # pieces that hold the heap's end
    before = _resident()
    heaps.give_back()
    assert before - _resident() > 100_000_000
    assert len(kept) == 100


def _resident() -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", text)[1])
