"""Segmenters at work on a request: what they find as scores of its classes, named by CLIP where they know no words."""

import numpy as np
import torch

from inspector.analysis.proposals import class_scores
from inspector.analysis.vocabulary import embed_classes, embed_words, other_words
from inspector.errors import UnsupportedModelError
from inspector.models.protocols import ClipModel, Segmented, Segmenter
from inspector.pipelines.mask_heads import mask_opinions
from inspector.results import ClassNames, SegmentationRequest, parse_classes


def score_segmenter(model: Segmenter, request: SegmentationRequest, clip: ClipModel | None = None) -> np.ndarray:
    """float32 (class, gh, gw) in [0, 1]: what masks are called times masks, summed, at the segmenter's own size.

    clip: says what masks are called where the segmenter does not. Raises ClassesError where a class is none of the
    segmenter's labels, PromptError where a text is too long, UnsupportedModelError without a CLIP that is needed.
    """
    classes = parse_classes(request.classes)
    found = model.segment(request.image, classes, request.template)
    named = found.named
    if named is None:
        if clip is None:
            raise UnsupportedModelError(f"{model.spec.name} finds masks without names; choose a CLIP that names them.")
        named = clip_names(clip, found, classes, request)
    return class_scores(found.masks, found.sure[:, None] * named)


def clip_names(clip: ClipModel, found: Segmented, classes: ClassNames, request: SegmentationRequest) -> np.ndarray:
    """float32 (q, class): probabilities of CLIP's masked class tokens among the classes and background words.

    Without those words every mask would be called one of the classes, whatever it is.
    """
    if not len(found.masks):
        return np.zeros((0, len(classes)), np.float32)
    background = embed_words(clip, other_words(request.background_words, classes), request.template)
    text = torch.cat([embed_classes(clip, classes, request.template), background])
    layers = clip.layers(clip.pixels(request.image, request.side))
    masks = torch.from_numpy(found.masks)[None].to(clip.device, clip.dtype)
    return mask_opinions(clip, layers, masks, text)[0, :, : len(classes)].float().cpu().numpy()
