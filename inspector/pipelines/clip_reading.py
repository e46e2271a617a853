"""Clip reading: what CLIP computes of one picture for segmentation, in one pass of its image tower."""

from collections.abc import Hashable

import torch

from inspector.analysis import caa
from inspector.analysis.dense_clip import dense_scores
from inspector.analysis.saliency import GradCam, gradcam
from inspector.analysis.vocabulary import embed_classes
from inspector.models.protocols import ClipModel, Trunk
from inspector.pipelines.common import model_side
from inspector.pipelines.once import Once
from inspector.results import ClassNames, SegmentationRequest


class ClipReading:
    """The picture of a request as one CLIP sees it.

    affine: whether CLIP-ES's affinity will be asked for, which the same pass then gives. texts: template and synonyms
    -> (embed,), kept by the caller.
    """

    def __init__(
        self,
        once: Once,
        model: ClipModel,
        request: SegmentationRequest,
        affine: bool,
        texts: dict[tuple[str, ...], torch.Tensor],
    ) -> None:
        self.model, self._once, self._request = model, once, request
        self._affine, self._texts = affine, texts

    def trunk(self) -> Trunk:
        """The tokens that enter the last block."""
        return self._pass()[0]

    def affinity(self) -> torch.Tensor:
        """CLIP-ES's (patch, patch); only where `affine` was said."""
        attention = self._pass()[1]
        assert attention is not None  # a method that asks is registered as one that does
        return self._once("affinity", lambda: caa.affinity(attention))

    def _pass(self) -> tuple[Trunk, torch.Tensor | None]:
        def compute() -> tuple[Trunk, torch.Tensor | None]:
            image = self._request.image
            pixels = self.model.pixels(image, model_side(image.shape[:2], self._request.side, self.model.image_size))
            return caa.attentive_trunk(self.model, pixels) if self._affine else (self.model.trunk(pixels), None)

        return self._once("trunk", compute)

    def texts(self, classes: ClassNames) -> torch.Tensor:
        """Unit embeddings (class, embed) in the request's template, each class's synonyms averaged."""
        template = self._request.template

        def read() -> torch.Tensor:
            missing = tuple(names for names in classes if (template, *names) not in self._texts)
            if missing:
                found = embed_classes(self.model, missing, template)
                self._texts.update(((template, *names), text) for names, text in zip(missing, found, strict=True))
            return torch.stack([self._texts[template, *names] for names in classes])

        return self._once(("texts", classes), read)

    def gradcam(self, text: torch.Tensor, background: torch.Tensor, key: Hashable) -> GradCam:
        """Grad-CAM with the pooling that the model was trained with; key: what the texts are."""
        return self._once(
            ("gradcam", key), lambda: gradcam(self.model, self.trunk(), text, background, self.model.poolings[0])
        )

    def cosines(self, text: torch.Tensor, variant: str, key: Hashable) -> torch.Tensor:
        """(text, gh, gw) of every patch by a variant of the last block; key: what the texts are."""
        return self._once(("cosines", variant, key), lambda: dense_scores(self.model, self.trunk(), text, variant))
