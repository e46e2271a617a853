"""The most memory that a run holds at once, beyond what was held before it."""

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_mb(run: Callable[[], object], device: torch.device) -> float | None:
    """Megabytes: what torch allocated on a CUDA device; else what the process had resident, on Linux; else None.

    Memory that the process had already freed and kept is given back first, where its C library can do so.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return round((torch.cuda.max_memory_allocated(device) - before) / 1e6, 1)
    if not (sys.platform == "linux" and CLEAR.exists()):
        run()
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    CLEAR.write_text("5")  # forget the highest so far: man 5 proc
    before = _resident("VmRSS")
    run()
    return round((_resident("VmHWM") - before) / 1e3, 1)


def _resident(name: str) -> int:
    """Kilobytes of a line of the process's status."""
    line = next(line for line in STATUS.read_text("ascii").splitlines() if line.startswith(name))
    return int(line.split()[1])
