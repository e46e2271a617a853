"""Readings: one picture as the models that some methods need see it, with all that they share computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from inspector.analysis import diffsegmenter
from inspector.analysis.vocabulary import other_words
from inspector.models.protocols import Conditions, ImportedHead, Segmenter
from inspector.pipelines.clip_reading import ClipReading
from inspector.pipelines.diffusion_reading import DiffusionReading
from inspector.pipelines.once import Once
from inspector.results import SCORE_SIDE, ClassNames, SegmentationRequest


@dataclass(frozen=True)
class Asked:
    """What is asked of a picture. words: background words that are no class; they join the softmax of CLIP.

    compete: whether they are scored too, after the classes, as the background rule "words" wants it.
    """

    classes: ClassNames
    words: ClassNames
    compete: bool = False

    @classmethod
    def of(cls, classes: ClassNames, request: SegmentationRequest) -> "Asked":
        """The question of some classes under the background rule and words of a request."""
        words = other_words(request.background_words, classes)
        return cls(classes, tuple((word,) for word in words), request.background_rule == "words")

    @property
    def scored(self) -> ClassNames:
        """All that gets a score."""
        return self.classes + (self.words if self.compete else ())


@dataclass
class Texts:
    """What text encoders gave, for callers that read many pictures.

    clip: template and synonyms -> (embed,); diffusion: prompt -> (1, tokens, width).
    """

    clip: dict[tuple[str, ...], torch.Tensor] = field(default_factory=dict)
    diffusion: dict[str, Conditions] = field(default_factory=dict)


class Readings:
    """The picture of a request. models: kind -> model, of the kinds that the request's methods need."""

    def __init__(self, request: SegmentationRequest, models: Mapping[str, Any], texts: Texts | None = None) -> None:
        self.once, self.request, texts = Once(), request, texts or Texts()
        self._models = models
        if "clip" in models:
            affine = "clip-es" in request.methods
            self.clip = ClipReading(self.once, models["clip"], request, affine, texts.clip)
        if "diffusion" in models:
            spreading = (diffsegmenter.TEMPLATE,) if "diffsegmenter" in request.methods else ()
            self.diffusion = DiffusionReading(self.once, models["diffusion"], request, spreading, texts.diffusion)
        if "segmenter" in models:
            self.segmenter: Segmenter = models["segmenter"]
        if "head" in models:
            self.head: ImportedHead = models["head"]

    def names(self) -> str:
        """The models' names, for errors."""
        return " and ".join(model.spec.name for model in self._models.values())

    @property
    def region_size(self) -> tuple[int, int]:
        """(h, w) of the grid that regions are drawn on: the picture's, the longer side at most `SCORE_SIDE`."""
        height, width = self.request.image.shape[:2]
        scale = min(1.0, SCORE_SIDE / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))
