"""Pretend pipelines: results at once, without models, for tests of the page itself."""

import threading
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import ModelFetchError
from inspector.results import Progress, SaliencyRequest, SaliencyResult
from tests.views import samples


class Saliency(types.ModuleType):
    """A stand-in for inspector.pipelines.saliency that writes down what happens to it.

    Three steps, then maps whose first class is 1 everywhere. Models but the embedded one cannot be had.
    """

    def __init__(self) -> None:
        super().__init__("inspector.pipelines.saliency")
        self.requests: list[SaliencyRequest] = []
        self.threads: list[str] = []
        self.closed: list[str] = []
        self.gate: threading.Event | None = None  # where set, each step waits for it

    def stream(self, request: SaliencyRequest) -> Iterator[Progress | SaliencyResult]:
        self.requests.append(request)
        if request.model != "scenes-clip":
            raise ModelFetchError(f"{request.model} could not be fetched: offline; put its files into a folder.")
        try:
            for step in range(3):
                self.threads.append(threading.current_thread().name)
                yield Progress(step, 3, f"Step {step}")
                if self.gate is not None:
                    self.gate.wait(10)
            grids = np.ones((len(request.classes), 4, 6), np.float32)
            ones = np.ones(len(request.classes), np.float32)
            yield replace(
                samples.saliency(),
                request=request,
                grid_signed=grids,
                probabilities=ones / (len(ones) + 1),
                scores=ones / 2,
                metrics=(),
            )
        finally:
            self.closed.append(threading.current_thread().name)


def saliency_request(**changes: Any) -> SaliencyRequest:
    return replace(samples.saliency().request, **changes)
