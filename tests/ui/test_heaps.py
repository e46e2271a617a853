"""Heaps: many threads share the few that are kept."""

import platform
import subprocess
import sys

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
