"""Trained segmenters: what a head proposes of a request's picture, and the scores that come of it.

| method | masks | names |
|---|---|---|
| odise | from inputs of a diffusion model's blocks (Xu et al., CVPR 2023) | the masks' features beside text, and CLIP |
| san | by a side network on CLIP (Xu et al., CVPR 2023) | CLIP's class tokens, steered by it |
| maskclip-masks | from CLIP's tokens, whatever they show (Ding et al., ICML 2023) | CLIP's class tokens in each mask |
| ovseg | those of maskclip-masks | CLIP on the crop of each mask (Liang et al., CVPR 2023) |
| lseg | none: every cell has an embedding (Li et al., ICLR 2022) | the embedding beside text |
| vpd | none: classes are the UNet's context (Zhao et al., ICCV 2023) | attention to each, and features beside text |
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inspector.analysis.proposals import class_scores
from inspector.errors import UnsupportedModelError
from inspector.models.files import read_json
from inspector.models.heads.files import CARD, folder_for, open_head
from inspector.models.heads.specs import HeadSpec, head_spec
from inspector.pipelines.common import fit_image, model_side
from inspector.pipelines.imported_heads import imported_proposals
from inspector.pipelines.mask_heads import Inputs, dense_logits, inputs_of_picture, propose, surroundings
from inspector.pipelines.readings import Asked, Readings
from inspector.pipelines.room import check_room
from inspector.results import ODISE_HEADS, TRAINED_METHODS, Proposed, SegmentationRequest
from inspector.words import matching


@dataclass(frozen=True)
class Opened:
    """A head, ready to use. seen: the words that it was trained with. place: its folder's name; revision: of that."""

    spec: HeadSpec
    head: Any
    seen: tuple[str, ...]
    place: str
    revision: str


_opened: dict[tuple[str, ...], Opened] = {}  # name and models' revisions -> head; they are small


def spec_of(request: SegmentationRequest, method: str) -> HeadSpec:
    """The row by which a method answers: of ODISE's the request's, if that is no imported head."""
    return head_spec(request.head if method == "odise" and request.head in ODISE_HEADS else method)


def available(readings: Readings) -> tuple[str, ...]:
    """The trained methods that have a head for the readings' models."""
    found = []
    for method in TRAINED_METHODS:
        with suppress(UnsupportedModelError):
            opened(readings, spec_of(readings.request, method))
            found.append(method)
    return tuple(found)


def left_out(request: SegmentationRequest, methods: tuple[str, ...]) -> str:
    """A sentence about a head that was asked for and has no part in "all"; "" where none was, or it has."""
    if request.head == "odise" or "odise" in methods:
        return ""
    return f"No head {request.head} was trained on these models, so that ODISE is not among the methods."


def parameters(readings: Readings, method: str) -> int:
    """How many weights the shipped head of a method has."""
    head = opened(readings, spec_of(readings.request, method)).head
    return sum(parameter.numel() for parameter in head.parameters())


def opened(readings: Readings, spec: HeadSpec) -> Opened:
    """The head that was trained on the readings' models.

    Raises UnsupportedModelError where there is none, ModelFilesError where its files were changed.
    """
    clip = readings.clip.model
    diffusion = readings.diffusion.model if "diffusion" in spec.kinds else None
    models = {model.spec.name: model.revision for model in (clip, diffusion) if model is not None}
    key = (spec.name, *models.values())
    if key not in _opened:
        folder, revision = folder_for(spec, models)
        head = open_head(spec, surroundings(spec, clip, diffusion), folder).to(clip.device)
        _opened[key] = Opened(spec, head, tuple(read_json(folder / CARD)["seen"]), folder.name, revision)
    return _opened[key]


def told(readings: Readings, method: str) -> dict[str, str]:
    """Name -> revision of the shipped head that a method used, for the provenance."""
    if readings.request.imported:
        return {}  # it is one of the models
    found = opened(readings, spec_of(readings.request, method))
    return {f"{found.place}/{found.spec.weights}": found.revision}


def _inputs(readings: Readings, found: Opened, asked: Asked) -> Inputs:
    request, clip = readings.request, readings.clip.model
    image, diffusion = request.image, None
    if "diffusion" in found.spec.kinds:
        diffusion = readings.diffusion.model
        image = fit_image(image, request.side or diffusion.image_size, diffusion.latent_factor * 8)
        check_room(diffusion, image.shape[:2])
    side = model_side(image.shape[:2], request.side, clip.image_size)
    names = [synonyms[0] for synonyms in request.classes if not isinstance(synonyms, str)]
    caption = ", ".join(names)
    tokens = readings.diffusion.tokens(asked.scored, request.template) if found.spec.asks else None
    with torch.no_grad():
        key = "layers", side, image.shape
        layers = readings.once(key, lambda: clip.layers(clip.pixels(image, side)))
    return inputs_of_picture(found.spec, found.head, image, clip, diffusion, caption, side, tokens, layers)


def proposed(readings: Readings, asked: Asked, method: str) -> Proposed:
    """What the head of a method proposes, named among all that is scored."""
    if readings.request.imported:
        return readings.once(("proposed", method, asked), lambda: imported_proposals(readings, asked))
    found = opened(readings, spec_of(readings.request, method))

    def compute() -> Proposed:
        text = readings.clip.texts(asked.scored)
        seen = np.array([bool(matching(synonyms, found.seen)) for synonyms in asked.scored], np.uint8)
        with torch.no_grad():
            (made,) = propose(found.head, found.spec, _inputs(readings, found, asked), readings.clip.model, text, seen)
        return made

    return readings.once(("proposed", found.spec.name, asked), compute)


def head_scores(method: str, readings: Readings, asked: Asked) -> np.ndarray:
    """float32 (scored, gh, gw) in [0, 1] of a trained method."""
    request = readings.request
    if not request.imported and spec_of(request, method).dense:
        found = opened(readings, spec_of(request, method))
        text = readings.clip.texts(asked.scored)
        with torch.no_grad():
            logits = dense_logits(found.spec, found.head, _inputs(readings, found, asked), readings.clip.model, text)
        return logits[0].softmax(0).cpu().numpy()
    made = proposed(readings, asked, method)
    return class_scores(made.masks.astype(np.float32), made.named(request.weights, shares=request.imported))


def proposals(readings: Readings, asked: Asked, method: str) -> Proposed | None:
    """What a head proposed, named among all that is scored; None of a dense head."""
    if not readings.request.imported and spec_of(readings.request, method).dense:
        return None
    return proposed(readings, asked, method)
