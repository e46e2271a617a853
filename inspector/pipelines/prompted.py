"""Prompted: a point or a box gives a mask, by a promptable segmenter; what nobody drew, to score maps against.

What the encoder made of the last pictures is kept, so that a second click in one costs the decoder alone; but on a
ZeroGPU host, where each run has a process of its own.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator

import numpy as np

from inspector.models import load_promptable
from inspector.models.protocols import PictureEmbedding, PromptableSegmenter
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, gpu, last, loading, provenance
from inspector.results import Progress, PromptedRequest, PromptedResult

KEPT = 8  # pictures; an embedding has 1 MB for the large model in half precision


class Embeddings:
    """What promptable segmenters read of the last pictures, by weights, place and content."""

    def __init__(self, room: int = KEPT) -> None:
        self._room, self._kept = room, OrderedDict[Hashable, PictureEmbedding]()

    def of(self, model: PromptableSegmenter, image: np.ndarray) -> PictureEmbedding:
        """The embedding of a picture, computed where it is not kept; the one used longest ago goes first."""
        content = hashlib.sha256(np.ascontiguousarray(image).data).digest()
        key = (model.spec.name, model.revision, str(model.device), model.dtype, image.shape, content)
        if key not in self._kept:
            self._kept[key] = model.embed(image)
        self._kept.move_to_end(key)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return self._kept[key]


EMBEDDINGS = Embeddings()  # used under INFERENCE_LOCK


def run(request: PromptedRequest) -> PromptedResult:
    """The result; errors as `stream`."""
    return last(stream(request))


@gpu(durations.prompted)
def stream(request: PromptedRequest) -> Iterator[Progress | PromptedResult]:
    """Progress, then the result: of one point the mask that the model is surest of.

    Raises ModelError when the model cannot be had, UnsupportedModelError for one that takes no points and boxes.
    """
    started = time.perf_counter()
    model = yield from loading(load_promptable, request.model)
    yield Progress(1, 2, "Asking for the mask")
    with INFERENCE_LOCK:
        embedding = EMBEDDINGS.of(model, request.image)
        points = np.array(request.points, np.float32) if request.points else None
        labels = np.array(request.labels) if request.points else None
        box = None if request.box_xyxy is None else np.array(request.box_xyxy, np.float32)
        masks, sure = model.ask(embedding, points, labels, box)
    yield PromptedResult(request, masks[0], float(sure[0]), provenance(started, request, model))
