"""Random choices that come out the same on every machine."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """A stream of choices fixed by its key; only uniform doubles of PCG64 are used, which are exact everywhere."""

    def __init__(self, *key: int) -> None:
        self._source = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
        self._values: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._values:
            self._values = self._source.random(64).tolist()
        return self._values.pop()

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.unit() < share

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.unit() * len(items))]

    def weighted(self, weights: dict[T, float]) -> T:
        """A key, with probability in proportion to its weight."""
        left = self.unit() * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return item
