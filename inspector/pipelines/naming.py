"""Naming: the words of a list that a CLIP takes a picture to show, for a request's classes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inspector.analysis.naming import closest, embed_trunk
from inspector.analysis.vocabulary import embed_classes
from inspector.errors import NotFiniteError
from inspector.models import load_clip
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, gpu, last, loading, model_side
from inspector.results import NamingRequest, Progress


@dataclass(frozen=True)
class Name:
    """A word with its synonyms. behind: how much less its logit is than the best word's, 0 or more."""

    synonyms: tuple[str, ...]
    behind: float


def run(request: NamingRequest) -> tuple[Name, ...]:
    """The names, best first; errors as `stream`."""
    return last(stream(request))


@gpu(durations.naming)
def stream(request: NamingRequest) -> Iterator[Progress | tuple[Name, ...]]:
    """Progress, then the names.

    Raises ModelError when the model cannot be had, PromptError when a word in the template is too long for it.
    """
    model = yield from loading(load_clip, request.clip)
    yield Progress(1, 2, f"Reading {len(request.words)} words")
    with INFERENCE_LOCK:
        side = model_side(request.image.shape[:2], request.side, model.image_size)
        picture = embed_trunk(model, model.trunk(model.pixels(request.image, side)))
        text = embed_classes(model, request.words, request.template).float().cpu()
    logits = (model.logit_scale * text @ picture).numpy()
    if not np.isfinite(logits).all():
        raise NotFiniteError.of(model.spec.name, "the cosines of words")
    best = float(logits.max())
    kept = closest(logits, request.most, request.margin)
    yield tuple(Name(request.words[index], best - float(logits[index])) for index in kept)
