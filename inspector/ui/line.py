"""Line: who computes now and who is next, with the time that it will take; one at a time, in the order they came."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

# Seconds of one unit until one was timed here: what `python -m inspector bench startup` takes on two cores; a run is
# one unit, one of attention a unit for each step, and an evaluation a unit for each scene.
USUAL = {"saliency": 2.0, "attention": 0.4, "clusters": 2.0, "segmentation": 2.0, "evaluate": 2.0, "files": 2.0}
REMEMBERED = 9  # runs of a kind that a guess is made from


@dataclass(frozen=True)
class Waiting:
    """ahead: runs before this one, the one under way included; seconds: until it begins, a guess."""

    ahead: int
    seconds: float

    def __str__(self) -> str:
        others = "1 run" if self.ahead == 1 else f"{self.ahead} runs"
        return f"Place {self.ahead} in the queue: {others} before yours, about {max(1, round(self.seconds))} s"


class Line:
    """Places in the order of coming. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: list[Place] = []
        self._timed: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._changed = threading.Condition()

    @contextmanager
    def place(self, kind: str, units: float = 1.0) -> Iterator["Place"]:
        """A place at the end, given up at the end of the block."""
        place = Place(self, kind, max(units, 1.0))
        with self._changed:
            self._places.append(place)
        try:
            yield place
        finally:
            with self._changed:
                self._places.remove(place)
                self._changed.notify_all()

    def wait(self, place: "Place", seconds: float) -> bool:
        """Wait at most so long; whether the turn has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._places[0] is place, seconds)
            if self._places[0] is place and place.begun is None:
                place.begun = self._clock()
            return place.begun is not None

    def waiting(self, place: "Place | None" = None) -> Waiting:
        """How long the wait of a place is; None: of one who came now."""
        with self._changed:
            ahead = self._places[: self._places.index(place)] if place in self._places else self._places
            return Waiting(len(ahead), sum(self._left(other) for other in ahead))

    def timed(self, place: "Place") -> None:
        """Remember how long a run took that ended well."""
        with self._changed:
            if place.begun is not None:
                self._timed[place.kind].append((self._clock() - place.begun) / place.units)

    def __len__(self) -> int:
        return len(self._places)

    def _left(self, place: "Place") -> float:
        timed = self._timed[place.kind]
        whole = place.units * (median(timed) if timed else USUAL.get(place.kind, 2.0))
        if place.begun is None:
            return whole
        if place.left is not None:
            when, left = place.left
            return max(0.0, left - (self._clock() - when))
        return max(0.5, whole - (self._clock() - place.begun))


@dataclass(eq=False)
class Place:
    """One run's place; begun: when its turn came; left: (when it was told, seconds that it then still needed)."""

    line: Line
    kind: str
    units: float
    begun: float | None = None
    left: tuple[float, float] | None = field(default=None)

    def wait(self, seconds: float) -> bool:
        """As `Line.wait`."""
        return self.line.wait(self, seconds)

    def waiting(self) -> Waiting:
        """As `Line.waiting`."""
        return self.line.waiting(self)

    def tell(self, left: float | None) -> None:
        """Say how many seconds the run still needs, where it knows."""
        if left is not None:
            self.left = (self.line._clock(), left)

    def done(self) -> None:
        """The run ended well."""
        self.line.timed(self)


LINE = Line()
