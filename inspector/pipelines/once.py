"""Once: what several methods need of one picture, computed once, and what each would take by itself."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

Value = TypeVar("Value")


@dataclass
class Spent:
    """own: seconds of a method's own work; shared: those of what it took from `Once`, by key, whoever computed it."""

    own: float = 0.0
    shared: dict[Hashable, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """What the method would have taken alone."""
        return self.own + sum(self.shared.values())


class Once:
    """Values by key, each computed at its first use."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Any, Spent]] = {}
        self._open: list[tuple[Spent, list[float]]] = []  # what is under way, outermost first, and its inner seconds

    def __call__(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of a key."""
        if key not in self._kept:
            with self.timed() as spent:
                value = compute()
            self._kept[key] = value, spent
        kept, spent = self._kept[key]
        for outer, _ in self._open[-1:]:
            outer.shared |= spent.shared | {key: spent.own}
        return kept

    def has(self, key: Hashable) -> bool:
        """Whether a key's value is there."""
        return key in self._kept

    @contextmanager
    def timed(self) -> Iterator[Spent]:
        """What the block spends: by itself, and on the values that it asks for."""
        spent, inner, started = Spent(), [0.0], time.perf_counter()
        self._open.append((spent, inner))
        try:
            yield spent
        finally:
            self._open.pop()
            elapsed = time.perf_counter() - started
            spent.own = elapsed - inner[0]
            for _, outer in self._open[-1:]:
                outer[0] += elapsed
