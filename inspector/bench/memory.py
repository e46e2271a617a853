"""The most memory that a run holds at once, beyond what was held before it, counted where it is taken.

By torch's allocators, and by numpy's and Python's: the same on every machine. A process's resident memory is not, since
it holds what the C library keeps of freed blocks and grows with the number of threads (of one call it was between 106
and 310 MB).
"""

import tracemalloc
from collections.abc import Callable
from itertools import accumulate

import torch
from torch.autograd import profiler


def peak_mb(run: Callable[[], object], device: torch.device) -> float:
    """Megabytes: of torch on a CUDA device; on a CPU the tensors' peak and that of arrays and objects together."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return round((torch.cuda.max_memory_allocated(device) - before) / 1e6, 1)
    arrays: list[int] = []
    tensors = peak_of_tensors(lambda: arrays.append(peak_of_arrays(run)))
    return round((tensors + arrays[0]) / 1e6, 1)


def peak_of_tensors(run: Callable[[], object]) -> int:
    """Bytes of tensors on the CPU at the highest point of `run()` beyond those before it, by the allocator's record."""
    with profiler.profile(use_kineto=True, profile_memory=True) as record:
        run()
    events = sorted(record.kineto_results.events(), key=lambda event: event.start_ns())
    return max(accumulate(event.nbytes() for event in events if event.name() == "[memory]"), default=0)


def peak_of_arrays(run: Callable[[], object]) -> int:
    """Bytes of numpy's arrays and of Python's objects at the highest point of `run()` beyond those before it."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
