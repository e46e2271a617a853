"""Request and result of the saliency pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inspector.results.checks import (
    LONGEST_NAME,
    ClassNames,
    Masks,
    check_choice,
    check_image,
    check_masks,
    check_number,
    check_scene,
    check_template,
    check_text,
    parse_background,
    parse_classes,
)
from inspector.results.common import Provenance, resize_maps
from inspector.results.recorded import check_array, check_kind, check_measured, check_rows
from inspector.settings import settings

# CLIP-ES, Lin et al. 2023: the 25 background words it adds for VOC.
CLIP_ES_BACKGROUND = (
    "ground land grass tree building wall sky lake water river sea railway railroad keyboard helmet "
    "cloud house mountain ocean road rock street valley bridge sign"
).split()  # fmt: skip
POOLINGS = ("class", "mean")


@dataclass(frozen=True)
class SaliencyRequest:
    """Grad-CAM of a CLIP model for each class; masks, where given, are only for the metrics.

    classes: "car, trees/palms" or a sequence (of sequences); the paper's Fig. 1 uses four.
    background: words that join the softmax and are not shown (CLIP-ES).
    pooling: "class" (plain CLIP) or "mean" (CLIP-ES).
    threshold: fraction of a map's maximum for the binary mask (paper Fig. 2 leaves it open: our choice).
    side: shorter side in pixels the model sees; None is the model's own.
    scene: number of the drawn scene that `image` is, told for the record only.
    """

    image: np.ndarray
    classes: ClassNames | str
    background: tuple[str, ...] = tuple(CLIP_ES_BACKGROUND)
    template: str = "a photo of {}."
    pooling: str = "mean"
    threshold: float = 0.4
    side: int | None = None
    model: str = "scenes-clip"
    masks: Masks = field(default_factory=dict)
    scene: int | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        check_scene(self.scene)
        check_text("model", self.model, LONGEST_NAME)
        set_(self, "image", check_image(self.image))
        set_(self, "classes", parse_classes(self.classes))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        set_(self, "background", parse_background(self.background))
        check_template(self.template)
        check_choice("pooling", self.pooling, POOLINGS)
        check_number("threshold", self.threshold, 0, 1)
        if self.side is not None:
            check_number("side", self.side, 32, settings().limits.work_side, whole=True)


@dataclass(frozen=True)
class SaliencyResult:
    """Maps at the patch grid, in true scale.

    grid_signed: float32 (class, gh, gw), the sum over channels before the ReLU.
    probabilities: float32 (class,), softmax over classes and background words.
    scores: float32 (class,), cosine similarities.
    metrics: one row per class that has a mask.
    """

    request: SaliencyRequest
    grid_signed: np.ndarray
    probabilities: np.ndarray
    scores: np.ndarray
    background_probability: float
    metrics: tuple[Mapping[str, Any], ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        check_kind("request", self.request, SaliencyRequest)
        count = len(self.request.classes)
        check_array("grid_signed", self.grid_signed, np.float32, (count, None, None))
        check_array("probabilities", self.probabilities, np.float32, (count,))
        check_array("scores", self.scores, np.float32, (count,))
        check_measured("background_probability", self.background_probability, -0.001, 1.001)
        check_rows("metrics", self.metrics, {"class": str}, count)
        check_kind("provenance", self.provenance, Provenance)

    @property
    def names(self) -> tuple[str, ...]:
        """Each class's first name."""
        return tuple(group[0] for group in self.request.classes)

    @property
    def grid(self) -> np.ndarray:
        """float32 (class, gh, gw), non-negative."""
        return np.maximum(self.grid_signed, 0)

    @property
    def maps(self) -> np.ndarray:
        """float32 (class, h, w) at the image's size, non-negative, true scale."""
        return resize_maps(self.grid, self.request.image.shape[:2])

    @property
    def signed(self) -> np.ndarray:
        """float32 (class, h, w) at the image's size, before the ReLU."""
        return resize_maps(self.grid_signed, self.request.image.shape[:2])
