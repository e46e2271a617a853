"""Loaded segmenters: what models that were trained on masks find, as scores of classes; named by CLIP where they know
no words.

| family | masks | names |
|---|---|---|
| CLIPSeg | one for each word | the word that was asked |
| MaskFormer, Mask2Former | queries | their own labels, of which only those are asked that mean a class |
| Segment Anything | from a grid of points | CLIP's class token in each mask, among classes and background words |
"""

from dataclasses import replace

import numpy as np
import torch

from inspector.analysis.proposals import class_scores
from inspector.errors import ClassesError
from inspector.models.protocols import Segmented, Segmenter
from inspector.pipelines.common import model_side
from inspector.pipelines.mask_heads import mask_opinions
from inspector.pipelines.readings import Asked, Readings
from inspector.results import ClassNames, Proposed, quoted
from inspector.words import matching

SHOWN = 12  # labels, or classes, that a sentence names


def segmented(readings: Readings, asked: Asked) -> Segmented:
    """Masks named among all that is scored.

    Raises ClassesError where no class is a label of the segmenter, PromptError where a text is too long.
    """
    model, request = readings.segmenter, readings.request

    def compute() -> Segmented:
        check_known(model, asked.classes)
        found = model.segment(request.image, asked.scored, request.template)
        return found if found.named is not None else replace(found, named=clip_names(readings, asked, found.masks))

    return readings.once(("segmented", asked), compute)


def segmenter_scores(readings: Readings, asked: Asked) -> np.ndarray:
    """float32 (scored, gh, gw) in [0, 1]: what masks are called times masks, summed, at the segmenter's own size."""
    found = segmented(readings, asked)
    assert found.named is not None
    return class_scores(found.masks, found.sure[:, None] * found.named)


def segmenter_proposals(readings: Readings, asked: Asked) -> Proposed | None:
    """The masks and what each is called among the classes; None without any, and of one for each class anyway."""
    found, count = segmented(readings, asked), len(asked.classes)
    if not readings.segmenter.queries or not len(found.masks):
        return None
    assert found.named is not None
    missing = unknown(readings.segmenter, asked.classes)
    return Proposed(
        masks=found.masks.astype(np.float16),
        head=found.named[:, :count].astype(np.float32),
        null=(1 - found.sure).astype(np.float32),
        clip=None,
        seen=np.array([synonyms[0] not in missing for synonyms in asked.classes], np.uint8),
    )


def clip_names(readings: Readings, asked: Asked, masks: np.ndarray) -> np.ndarray:
    """float32 (q, scored): probabilities of CLIP's masked class tokens among classes and background words.

    Without those words every mask would be called one of the classes, whatever it is.
    """
    count = len(asked.scored)
    if not len(masks):
        return np.zeros((0, count), np.float32)
    clip, request = readings.clip.model, readings.request
    side = model_side(request.image.shape[:2], request.side, clip.image_size)
    layers = clip.layers(clip.pixels(request.image, side))
    text = readings.clip.texts(asked.classes + asked.words)
    given = torch.from_numpy(masks)[None].to(clip.device, clip.dtype)
    return mask_opinions(clip, layers, given, text)[0, :, :count].float().cpu().numpy()


def unknown(model: Segmenter, classes: ClassNames) -> tuple[str, ...]:
    """Names of the classes that are none of a segmenter's labels; none where it takes any word."""
    if not model.labels:
        return ()
    return tuple(names[0] for names in classes if not any(matching(names, label) for label in model.labels))


def check_known(model: Segmenter, classes: ClassNames) -> None:
    """Raise ClassesError where no class is a label of the segmenter."""
    missing = unknown(model, classes)
    if len(missing) == len(classes):
        names = [label[0] for label in model.labels]
        of = f"{quoted(missing[0])} is none of them" if len(missing) == 1 else "none of the classes is one of them"
        raise ClassesError(
            f"{model.spec.name} knows {len(names)} labels, and {of}; ask for some of {_listed(names)}, or use clipseg, "
            "which takes any word."
        )


def untold(readings: Readings, asked: Asked) -> str:
    """A sentence about a segmenter that found nothing, or about classes that are none of its labels; else ""."""
    model = readings.segmenter
    missing = unknown(model, asked.classes)
    if not len(segmented(readings, asked).masks):
        return f"{model.spec.name} found no mask in this picture."
    if not missing:
        return ""
    its = "its scores are" if len(missing) == 1 else "their scores are"
    return f"{model.spec.name} has no label for {_listed(missing)}: {its} nought."


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
