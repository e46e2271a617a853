"""How many bytes an analysis may hold at once, and the blocks it works in to stay under them."""

from collections.abc import Iterator

BUDGET = 2**28  # bytes of temporary arrays, whatever a visitor chose: picture side, classes, restarts


def fitting(count: int, each: float, room: float) -> int:
    """How many of `count` things of `each` bytes fit into `room` bytes; at least one."""
    return max(1, min(count, int(room // max(each, 1))))


def blocks(count: int, size: int) -> Iterator[slice]:
    """The slices of `size` that cover 0 to `count`, in order; the last may be shorter."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
