"""What the four pipelines share: the GPU wrapper of Spaces, the inference lock, provenance."""

import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from itertools import product
from math import floor, log
from queue import SimpleQueue
from typing import Any, TypeVar

import cv2
import numpy as np

from inspector.errors import Cancelled, InspectorError, ModelMemoryError
from inspector.models.placement import out_of_memory
from inspector.pipelines.known import warning
from inspector.pipelines.usual import unusual
from inspector.results import Progress, Provenance
from inspector.settings import settings

Model = TypeVar("Model")
Result = TypeVar("Result")

# Hooks on a shared model see every caller's run, so one run at a time per process.
INFERENCE_LOCK = threading.RLock()

try:  # only on a ZeroGPU host; must be imported before anything touches CUDA
    import spaces
except ImportError:
    spaces = None
if not hasattr(spaces, "GPU"):  # a folder of that name
    spaces = None


@dataclass(frozen=True)
class Raised:
    """An error on its way out of the process that borrowed the GPU."""

    error: InspectorError


def gpu(duration: Callable[[Any], int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a stream that is a GPU entry point; `duration(request)` is its time limit in seconds on ZeroGPU hosts.

    A lack of memory during the run becomes ModelMemoryError.
    """

    def decorate(stream: Callable[[Any], Iterator[Any]]) -> Callable[..., Any]:
        @wraps(stream)
        def guarded(request: Any) -> Iterator[Any]:
            try:
                yield from stream(request)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                raise ModelMemoryError(
                    "The run does not fit into memory; use a smaller picture, fewer steps or the embedded model."
                ) from error

        return guarded if spaces is None else _borrowing(guarded, duration)

    return decorate


def _borrowing(stream: Callable[[Any], Iterator[Any]], duration: Callable[[Any], int]) -> Callable[..., Any]:
    """The stream, run in a process that a ZeroGPU host lends its GPU.

    Of an error the host hands over the name of its class alone. So an error that has a sentence for the user is
    yielded there, and raised again here.
    """

    @wraps(stream)
    def telling(request: Any) -> Iterator[Any]:
        try:
            yield from stream(request)
        except InspectorError as error:
            yield Raised(error)

    borrowed = spaces.GPU(duration=duration)(telling)

    @wraps(stream)
    def raising(request: Any) -> Iterator[Any]:
        with closing(borrowed(request)) as items:
            for item in items:
                if isinstance(item, Raised):
                    raise item.error
                yield item

    return raising


def loading(load: Callable[..., Model], name: str) -> Generator[Progress, None, Model]:
    """Progress while a model is fetched and opened, in percent; `yield from` it for the model.

    load: `load_clip` or `load_diffusion`. It runs in a thread of its own, so that a fetch of gigabytes is seen; closing
    the generator waits for nothing and ends the fetch at its next report.
    """
    news: SimpleQueue[Progress | None] = SimpleQueue()
    given_up = threading.Event()

    def report(text: str, share: float) -> None:
        if given_up.is_set():
            raise Cancelled(f"Loading {name} was stopped.")
        fetched = int(100 * share) % 100  # once all is there, the bar is the run's, from its start
        news.put(Progress(fetched, 100, text))

    yield Progress(0, 100, f"Loading {name}")
    thread = ThreadPoolExecutor(1, "loading")
    loaded = thread.submit(load, name, report)
    loaded.add_done_callback(lambda _: news.put(None))
    thread.shutdown(wait=False)
    try:
        shown = None
        while (item := news.get()) is not None:
            if item != shown:  # a fetch reports every few kilobytes
                yield item
            shown = item
    finally:
        given_up.set()
    return loaded.result()


def last(stream: Iterator[Progress | Result]) -> Result:
    """Run a stream to its end and return its result, the last item."""
    ended = deque(stream, maxlen=1)
    if not ended or isinstance(ended[0], Progress):
        raise InspectorError("The run ended without a result.")
    return ended[0]


def model_side(shape: tuple[int, int], side: int | None, default: int) -> int:
    """Shorter side in pixels that a model sees of an image (h, w): `side`, or the model's own `default`.

    Less where the longer side would otherwise pass `limits.work_side`.
    """
    short, long = sorted(shape)
    return max(1, min(side or default, settings().limits.work_side * short // long))


def fit_image(image: np.ndarray, side: int, multiple: int) -> np.ndarray:
    """The image uint8 (h, w, 3) scaled to about side x side pixels in area, both sides multiples of `multiple`.

    Of the sizes around it, the one that bends the shape and the area least, the shape counting twice. Nothing is
    cut off, so a grid over the scaled image is a grid over the image.
    """
    height, width = image.shape[:2]
    scale = side / (height * width) ** 0.5 / multiple
    rows, columns = ([max(1, floor(length * scale)) + extra for extra in (0, 1)] for length in (height, width))

    def strain(size: tuple[int, int]) -> float:
        shape = log(size[0] * width / (size[1] * height))
        area = log(size[0] * size[1] / (height * width * scale**2))
        return abs(shape) + abs(area) / 2

    new_height, new_width = (length * multiple for length in min(product(rows, columns), key=strain))
    if (new_height, new_width) == (height, width):
        return image
    smaller = new_height * new_width < height * width
    return cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def provenance(started: float, request: Any, *models: Any) -> Provenance:
    """Provenance of a run of `request` that began at `time.perf_counter()` value `started` with these models."""
    packages = ("torch", "diffusers", "open_clip_torch", "transformers", "numpy")
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    notes = [unusual(request, model) for model in models]
    return Provenance(
        models={model.spec.name: model.revision for model in models},
        device=str(models[0].device),
        dtype=getattr(models[0], "precision", str(models[0].dtype).removeprefix("torch.")),
        versions=versions,
        seconds=round(time.perf_counter() - started, 3),
        warning=warning(request, *(model.spec for model in models)) or " ".join(filter(None, notes)),
        told={model.spec.name: model.spec.told for model in models if model.spec.told},
    )
