"""A stand-in for the `spaces` module of a ZeroGPU host, after its version 0.51."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any


class WorkerError(Exception):
    """What the page sees of any error in the process that got the GPU: the name of its class."""


class Host:
    """Hands requests and items over as between two processes, and writes down for how long a GPU was lent.

    runs: every run, so that none is closed only because nobody holds it any more.
    """

    def __init__(self) -> None:
        self.lent: list[int] = []
        self.runs: list[Iterator[Any]] = []

    def GPU(self, duration: Callable[[Any], int]) -> Callable[..., Any]:
        """The decorator."""

        def decorate(task: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
            def lend(request: Any) -> Iterator[Any]:
                self.runs.append(self._run(task, duration, request))
                return self.runs[-1]

            return lend

        return decorate

    def _run(self, task: Callable[[Any], Any], duration: Callable[[Any], int], request: Any) -> Iterator[Any]:
        self.lent.append(duration(request))
        items = task(pickle.loads(pickle.dumps(request)))
        try:
            for item in items:
                yield pickle.loads(pickle.dumps(item))
        except Exception as error:  # noqa: BLE001, as there
            raise WorkerError(type(error).__name__) from None
        finally:
            items.close()
