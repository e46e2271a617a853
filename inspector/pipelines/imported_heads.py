"""Imported heads as the methods `odise` and `san`: what one proposes of a request's picture."""

import numpy as np

from inspector.errors import UnsupportedModelError
from inspector.models import catalog
from inspector.pipelines.full_heads import SIDE, propose_full
from inspector.pipelines.full_san import propose_san
from inspector.pipelines.readings import Asked, Readings
from inspector.pipelines.room import check_room
from inspector.results import Proposed, SegmentationRequest
from inspector.vocabularies import vocabulary
from inspector.words import matching

TRAINED_WITH = "coco-133"  # the vocabulary of ODISE's training


def check_family(request: SegmentationRequest) -> None:
    """Raise UnknownModelError for a head that is not there, UnsupportedModelError for one of another method."""
    spec = catalog.spec(request.head, "head")
    if spec.architecture != request.method:
        raise UnsupportedModelError(
            f"The head {spec.name} is of {spec.architecture}, and the method is {request.method}; choose the method "
            f"{spec.architecture}, or another head."
        )


def imported_proposals(readings: Readings, asked: Asked) -> Proposed:
    """What the head proposes, named among all that is scored; with its own recipe of tiles, templates and ensemble.

    Raises UnsupportedModelError where the models are not those the head was trained on, PromptError where a name is too
    long, ModelMemoryError where a tile does not fit.
    """
    request, head, clip = readings.request, readings.head.module, readings.clip.model
    if request.method == "san":
        return propose_san(head, request.image, asked.scored, clip, request.side)
    diffusion = readings.diffusion.model
    check_room(diffusion, (diffusion.image_size,) * 2)
    words = [word for group in vocabulary(TRAINED_WITH) for word in group]
    seen = np.array([bool(matching(synonyms, words)) for synonyms in asked.scored], np.uint8)
    return propose_full(
        head, request.image, asked.scored, clip, diffusion, request.template, request.side or SIDE, seen
    )
