"""Request and result of the segmentation pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inspector.errors import ClassesError
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
from inspector.results.proposed import Panoptic, Proposed
from inspector.results.quoting import quoted
from inspector.results.recorded import (
    check_array,
    check_kind,
    check_labels,
    check_list,
    check_mapping,
    check_measured,
    check_row,
    check_same,
    misfit,
)
from inspector.results.saliency import CLIP_ES_BACKGROUND
from inspector.settings import settings
from inspector.words import matching

SEGMENTATION_METHODS = (
    "gradcam",
    "clip-es",
    "clip",
    "maskclip",
    "sclip",
    "clearclip",
    "naclip",
    "attention",
    "diffsegmenter",
    "diffseg",
    "diffcut",
    "vpd-attention",
)
LOADED = "segmenter"  # the method by which a model of the kind "segmenter" answers
LOCAL = "local:"  # begins the name of a folder that the command line gave
TRAINED_METHODS = ("odise", "san", "maskclip-masks", "ovseg", "lseg", "vpd")  # by heads that were trained on masks
ALL_METHODS = "all"
# Trained heads, which `inspector.models.heads.specs` describes: the rows of the paper's Table 1, rows that it leaves
# out, and other families that it discusses. Name -> title, the paper's where it has one.
HEAD_TITLES: Mapping[str, str] = {
    "odise": "ODISE",
    "odise-no-captioner": "w/o implicit captioner",
    "odise-no-unet": "w/o captioner and UNet",
    "odise-unet-alone": "* w/o captioner and VQGAN, no noise",
    "odise-unet-alone-fine": "* with masks of stride 4",
    "odise-no-noise": "w/o captioner, no noise",
    "odise-stride-8": "w/o captioner, masks of stride 8",
    "odise-t-100": "w/o captioner, t = 100",
    "odise-t-300": "w/o captioner, t = 300",
    "odise-caption": "a caption instead of the captioner",
    "odise-time-alone": "captioner's time branch alone",
    "odise-inversion": "features of an inversion",
    "san": "SAN",
    "maskclip-masks": "MaskCLIP (Ding et al.)",
    "ovseg": "OVSeg's pattern",
    "lseg": "LSeg",
    "vpd": "VPD",
}
ODISE_HEADS = tuple(name for name in HEAD_TITLES if name.startswith("odise"))
# Their papers'; a request does not change them. They count from 0, as the scheduler does: 1 is the second noise level.
OWN_TIMESTEPS = {"diffseg": 300, "diffcut": 50, "vpd-attention": 1, "vpd": 1}
IMPORTED = ("odise", "san")  # the methods by which an imported head can answer
BACKGROUND_RULES = ("constant", "power", "words")


@dataclass(frozen=True)
class SegmentationRequest:
    """Open-vocabulary segmentation.

    method: one of SEGMENTATION_METHODS, which need no training, or of TRAINED_METHODS; `inspector.pipelines.segmenters`
        and `trained` describe them. Or "segmenter": by the model `segmenter`. Or "all": every one that needs no
        training, and the trained ones whose heads are shipped for the models; what they share is done once.
    head: of ODISE_HEADS, the head by which "odise" answers; or the name of an imported one, by which "odise" or "san"
        does. seen_weight, unseen_weight: of CLIP's opinion on a mask, in [0, 1], for classes that were in the head's
        training and for others; ODISE's 0.3 and 0.7.
    segmenter: name of a model that was trained on masks. One that finds masks without names has them named by `clip`.
    background_rule: how a pixel of no named class is scored. "constant": by `background`. "power": by (1 - s)^p, s
        being the best class's score there (CLIP-ES). "words": by the best of `background_words` that are no class,
        scored by the method as classes are.
    background: score in [0, 1] that a pixel's best class must reach, for "constant"; 0 labels every pixel with a class.
        It is a probability for the methods by dense CLIP, vpd-attention, lseg and vpd, and for CLIPSeg; of proposals a
        sum of name times mask, of all by the largest above 1; else a fraction of the class's maximum.
    background_power: p of "power".
    background_words: those of "words". With CLIP they join the softmax whatever the rule; a class is never one of them.
    merging: what diffseg merges below, in nats; the paper's 0.9 is Stable Diffusion's. The less, the more regions.
    timestep: t of the noise added once, for attention, diffsegmenter and the names that diffseg gives; the others keep
        their papers' own.
    scene: number of the drawn scene that `image` is, told for the record only.
    """

    image: np.ndarray
    classes: ClassNames | str
    method: str = "maskclip"
    background: float = 0.0
    template: str = "a photo of {}."
    timestep: int = 100
    seed: int = 0
    side: int | None = None
    clip: str = "scenes-clip"
    diffusion: str = "scenes-diffusion"
    masks: Masks = field(default_factory=dict)
    scene: int | None = None
    background_rule: str = "constant"
    background_power: float = 2.0
    merging: float = 0.9
    head: str = "odise"
    seen_weight: float = 0.3
    unseen_weight: float = 0.7
    background_words: tuple[str, ...] = tuple(CLIP_ES_BACKGROUND)
    segmenter: str = "clipseg"

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        check_scene(self.scene)
        for name in ("clip", "diffusion", "segmenter", "head"):
            check_text(name, getattr(self, name), LONGEST_NAME)
        set_(self, "image", check_image(self.image))
        set_(self, "classes", parse_classes(self.classes))
        set_(self, "background_words", parse_background(self.background_words))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        for word in self.masks:
            named = [group[0] for group in self.classes if matching(group, [word])]
            if len(named) > 1:
                raise ClassesError(
                    f"Classes {quoted(named[0])} and {quoted(named[1])} both mean the mask of {quoted(word)}; name one."
                )
        check_choice("method", self.method, (*SEGMENTATION_METHODS, *TRAINED_METHODS, LOADED, ALL_METHODS))
        if not self.head.startswith(LOCAL):
            check_choice("head", self.head, ODISE_HEADS)
        for name in ("seen_weight", "unseen_weight"):
            check_number(name, getattr(self, name), 0, 1)
        check_choice("background_rule", self.background_rule, BACKGROUND_RULES)
        check_number("background", self.background, 0, 1)
        check_number("background_power", self.background_power, 0.1, 100)
        check_number("merging", self.merging, 0, 10)
        check_template(self.template)
        check_number("timestep", self.timestep, 0, 999, whole=True)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        if self.side is not None:
            check_number("side", self.side, 32, limits.work_side, whole=True)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are asked; of "all" those that need no training, beside which run what heads there are."""
        return SEGMENTATION_METHODS if self.method == ALL_METHODS else (self.method,)

    @property
    def weights(self) -> tuple[float, float]:
        """Of CLIP's opinion, for seen and unseen classes."""
        return self.seen_weight, self.unseen_weight

    @property
    def imported(self) -> bool:
        """Whether an imported head answers."""
        return self.method in IMPORTED and self.head.startswith(LOCAL)


@dataclass(frozen=True)
class Segment:
    """One connected region: class name, its share of the image, mean score, box (x0, y0, x1, y1) in pixels."""

    name: str
    class_index: int  # 1-based, as in the labels
    area: float
    score: float
    box_xyxy: tuple[int, int, int, int]

    def __post_init__(self) -> None:
        check_text("a segment's name", self.name, LONGEST_NAME)
        check_number("a segment's class_index", self.class_index, 1, 1_000_000, whole=True)
        check_measured("a segment's area", self.area, 0, 1)
        check_measured("a segment's score", self.score)
        check_list("a segment's box_xyxy", self.box_xyxy, int, 4)
        if len(self.box_xyxy) != 4:
            raise misfit(f"a segment's box_xyxy has {len(self.box_xyxy)} numbers; x0, y0, x1 and y1 are expected")


@dataclass(frozen=True)
class Vote:
    """One method's part in "all". labels: int32 (h, w), as a result's; metrics: as a result's.

    seconds: what it would have taken by itself, the work that it shares with others included, loading left out.
    parameters: weights of the models that it runs.
    """

    method: str
    labels: np.ndarray
    metrics: Mapping[str, Any]
    seconds: float
    parameters: int

    def __post_init__(self) -> None:
        check_choice("a vote's method", self.method, (*SEGMENTATION_METHODS, *TRAINED_METHODS))
        check_metrics(self.metrics, settings().limits.max_classes)
        check_measured("a vote's seconds", self.seconds, 0)
        check_number("a vote's parameters", self.parameters, 0, 1e15, whole=True)


@dataclass(frozen=True)
class SegmentationResult:
    """labels: int32 (h, w), 0 is background, i is classes[i - 1]; grid_scores: float32 (class, gh, gw) in [0, 1].

    metrics: {"miou", "pixel_accuracy", "iou": {class: ...}} where masks exist, else empty.
    votes: of "all", every method's labels; else none. Then `labels` are the majority's and `grid_scores` shares of
        votes. disagreement: float32 (h, w), the share of the methods that are not of the majority, or None.
    proposals: what a trained head or a segmenter proposed, from which scores and labels were made; None where there is
        no mask apart from the classes'. panoptic: the segments that were made of them.
    """

    request: SegmentationRequest
    labels: np.ndarray
    grid_scores: np.ndarray
    segments: tuple[Segment, ...]
    metrics: Mapping[str, Any]
    provenance: Provenance
    votes: tuple[Vote, ...] = ()
    disagreement: np.ndarray | None = None
    proposals: Proposed | None = None
    panoptic: Panoptic | None = None

    def __post_init__(self) -> None:
        check_kind("request", self.request, SegmentationRequest)
        names, (height, width) = self.names, self.request.image.shape[:2]
        check_labels("labels", self.labels, (height, width), 1 + len(names))
        check_array("grid_scores", self.grid_scores, np.float32, (len(names), None, None))
        check_list("segments", self.segments, Segment, height * width)
        for segment in self.segments:
            x0, y0, x1, y1 = segment.box_xyxy
            if segment.class_index > len(names):
                raise misfit(f"a segment is of class {segment.class_index}; 1 to {len(names)} is expected")
            if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
                raise misfit(f"the box {quoted(segment.box_xyxy)} of a segment lies outside of {width}x{height} pixels")
        check_metrics(self.metrics, len(names))
        check_kind("provenance", self.provenance, Provenance)
        self._check_votes((height, width))
        if self.proposals is not None:
            check_kind("proposals", self.proposals, Proposed)
            if len(self.proposals.seen) < len(names):
                raise misfit(f"proposals have {len(self.proposals.seen)} names; at least {len(names)} are expected")
        if self.panoptic is not None:
            self._check_panoptic(self.panoptic)

    def _check_panoptic(self, found: Panoptic) -> None:
        check_kind("panoptic", found, Panoptic)
        check_labels("panoptic", found.ids, self.labels.shape, 1 + len(found.classes))
        check_same("things", [len(found.things)], [len(self.names)])
        proposed = 0 if self.proposals is None else len(self.proposals.masks)
        for name, numbers, low, high in (
            ("classes", found.classes, 1, len(self.names)),
            ("proposals", found.proposals, 0, proposed - 1),
        ):
            if len(numbers) and not low <= numbers.min() <= numbers.max() <= high:
                raise misfit(
                    f"{name} of segments go from {numbers.min()} to {numbers.max()}; {low} to {high} is expected"
                )

    def _check_votes(self, size: tuple[int, int]) -> None:
        known = (*SEGMENTATION_METHODS, *TRAINED_METHODS)
        check_list("votes", self.votes, Vote, len(known))
        if self.request.method == ALL_METHODS:
            cast = [vote.method for vote in self.votes]
            check_same("votes", cast, [name for name in known if name in (*SEGMENTATION_METHODS, *cast)])
            check_array("disagreement", self.disagreement, np.float32, size)
        elif self.votes or self.disagreement is not None:
            raise misfit(f"there are votes in a result of {self.request.method}; only {ALL_METHODS} has them")
        for vote in self.votes:
            check_labels(f"labels of {vote.method}", vote.labels, size, 1 + len(self.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Each class's first name."""
        return tuple(group[0] for group in self.request.classes)

    @property
    def scores(self) -> np.ndarray:
        """float32 (class, h, w) at the image's size."""
        return resize_maps(self.grid_scores, self.request.image.shape[:2])

    @property
    def uncertainty(self) -> np.ndarray:
        """float32 (gh, gw) in [0, 1]: entropy of the scores' shares of their sum, of that of as many equal ones.

        0 where one class has all, or where there is one class; 1 where all have the same, none included.
        """
        count, scores = len(self.grid_scores), self.grid_scores.astype(np.float64)
        if count < 2:
            return np.zeros(scores.shape[1:], np.float32)
        total = scores.sum(0)
        shares = np.divide(scores, total, out=np.full_like(scores, 1 / count), where=total > 0)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(0) / np.log(count)
        return np.clip(entropy, 0, 1).astype(np.float32)


def check_metrics(metrics: Any, classes: int) -> None:
    """Raise ChoiceError unless `metrics` are numbers, and IoU of at most so many classes."""
    check_mapping("metrics", metrics, 10)
    ious = metrics.get("iou", {})
    check_row("metrics", {name: value for name, value in metrics.items() if name != "iou"})
    check_mapping("iou in metrics", ious, 1 + classes)
    check_row("iou in metrics", ious, dict.fromkeys(ious, float))
