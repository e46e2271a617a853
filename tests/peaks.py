"""The peak of memory while something runs: of all the process, as the kernel counted it, or of torch's tensors."""

import ctypes
import gc
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
from torch.autograd import profiler

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


def peak_of_tensors(call: Callable[[], object]) -> int:
    """Bytes of torch's tensors at the highest point of `call()` beyond those before it, by its allocator's own record.

    The same on every machine. What the C library keeps of freed blocks, and the number of threads, are not in it: of
    one call the kernel's figure was between 106 and 310 MB.
    """
    with profiler.profile(use_kineto=True, profile_memory=True) as record:
        call()
    events = sorted(record.kineto_results.events(), key=lambda event: event.start_ns())
    sizes = [event.nbytes() for event in events if event.name() == "[memory]"]
    assert sizes, "nothing was recorded"
    return max(accumulate(sizes))


def _bytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return 1024 * int(found[1]) if found else 0
