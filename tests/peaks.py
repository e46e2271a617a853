"""The peak of memory while something runs, counted where it is taken: by torch's allocator, or by numpy's and Python's.

Neither depends on the machine. The process's resident memory does: it holds what the C library keeps of freed blocks,
and grows with the number of threads (of one call it was between 106 and 310 MB).
"""

import tracemalloc
from collections.abc import Callable
from itertools import accumulate

from torch.autograd import profiler


def peak_of_tensors(call: Callable[[], object]) -> int:
    """Bytes of torch's tensors at the highest point of `call()` beyond those before it, by its allocator's record."""
    with profiler.profile(use_kineto=True, profile_memory=True) as record:
        call()
    events = sorted(record.kineto_results.events(), key=lambda event: event.start_ns())
    sizes = [event.nbytes() for event in events if event.name() == "[memory]"]
    assert sizes, "nothing was recorded"
    return max(accumulate(sizes))


def peak_of_arrays(call: Callable[[], object]) -> int:
    """Bytes of numpy's arrays and of Python's objects at the highest point of `call()` beyond those before it."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
