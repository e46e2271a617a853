"""How long work takes in units of a fixed piece of work that is timed beside it: no test counts a machine's seconds."""

import time
from collections.abc import Callable

import cv2
import numpy as np

ROUNDS = 7


def _yardstick() -> None:
    """Work of the kind ours does, in Python, NumPy and OpenCV: about 10 ms on a core of 2020.

    Nothing that one processor's wide instructions make ten times as fast as another's, such as NumPy's sort.
    """
    dice = np.random.default_rng(0)
    square, places = dice.random((256, 256), dtype=np.float32), dice.integers(0, 256 * 256, 256 * 256)
    for _ in range(4):
        cv2.GaussianBlur(square, (0, 0), 3)
        square.ravel()[places]
    counts: dict[int, int] = {}
    for number in range(30_000):
        counts[number % 1000] = counts.get(number % 1000, 0) + number * number % 7


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def yardsticks(work: Callable[[], object]) -> float:
    """Processor time of `work` in yardsticks: the least of each over rounds that take turns."""
    pairs = [(_seconds(_yardstick), _seconds(work)) for _ in range(ROUNDS)]
    yardstick, ours = zip(*pairs, strict=True)
    return min(ours) / min(yardstick)
