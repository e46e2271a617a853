"""Frozen requests and results of the four pipelines: checked once, plain numpy, picklable.

Axes are named as everywhere: `arm step layer head token class cluster h w`. Images are RGB uint8
(h, w, 3). Limits come from `settings`, so page, API and command line refuse the same input with the
same words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import cv2
import numpy as np

from inspector.errors import ChoiceError, ClassesError, ImageError, PromptError
from inspector.settings import settings

Masks = Mapping[str, np.ndarray]
ClassNames = tuple[tuple[str, ...], ...]

# CLIP-ES, Lin et al. 2023: the 25 background words it adds for VOC.
CLIP_ES_BACKGROUND = (
    "ground land grass tree building wall sky lake water river sea railway railroad keyboard helmet "
    "cloud house mountain ocean road rock street valley bridge sign"
).split()  # fmt: skip
SEGMENTATION_METHODS = ("gradcam", "maskclip", "attention")
CLUSTER_PRESETS = ("A", "B", "C")
POOLINGS = ("class", "mean")
ARMS = ("generation", "noise once")


@dataclass(frozen=True)
class Progress:
    """How far a run is; `stream` yields these before its result."""

    step: int
    total: int
    message: str
    seconds_left: float | None = None
    preview: np.ndarray | None = None  # uint8 (h, w, 3)


@dataclass(frozen=True)
class Provenance:
    """Where a result came from; goes into every exported file."""

    models: Mapping[str, str]  # name -> revision
    device: str
    dtype: str
    versions: Mapping[str, str]
    seconds: float


def parse_classes(text: str | Sequence[str] | Sequence[Sequence[str]]) -> ClassNames:
    """Classes as tuples of synonyms: a comma separates classes, a slash separates synonyms.

    >>> parse_classes("trees/palms, car")
    (('trees', 'palms'), ('car',))

    Raises ClassesError when there is none, too many, a repeated or an overlong one.
    """
    limits = settings().limits
    if isinstance(text, str):
        text = text.replace("\n", ",").split(",")
    groups = []
    for item in text:
        words = item.split("/") if isinstance(item, str) else item
        group = tuple(word for word in (" ".join(str(word).split()) for word in words) if word)
        if group:
            groups.append(group)
    if not groups:
        raise ClassesError('No classes given: write some, separated by commas, such as "car, building".')
    if len(groups) > limits.max_classes:
        raise ClassesError(f"{len(groups)} classes given; at most {limits.max_classes} are allowed.")
    for group in groups:
        if len(group) > limits.max_synonyms:
            raise ClassesError(
                f"Class {group[0]!r} has {len(group)} synonyms; at most {limits.max_synonyms} are allowed."
            )
        for word in group:
            if len(word) > limits.max_class_length:
                raise ClassesError(
                    f"Class {word[:20]!r}... has {len(word)} characters; at most {limits.max_class_length} are allowed."
                )
    names = [group[0].lower() for group in groups]
    for name in names:
        if names.count(name) > 1:
            raise ClassesError(f"Class {name!r} is given twice; name each class once.")
    return tuple(groups)


def check_image(image: Any) -> np.ndarray:
    """The image as contiguous uint8 RGB (h, w, 3), or ImageError. Decoding files is `views.images`' work."""
    limits = settings().limits
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"An image must be uint8 of shape (h, w, 3); this one is {array.dtype} {array.shape}.")
    height, width = array.shape[:2]
    if min(height, width) < limits.min_side:
        raise ImageError(f"The image is {width}x{height} pixels; each side needs at least {limits.min_side}.")
    if height * width > limits.max_pixels:
        raise ImageError(
            f"The image is {width}x{height} pixels; at most {limits.max_pixels:,} pixels are allowed. Scale it down."
        )
    if max(height, width) > 16 * min(height, width):
        raise ImageError(f"The image is {width}x{height} pixels; one side may be at most 16 times the other.")
    return np.ascontiguousarray(array)


def check_masks(masks: Masks | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Masks as bool (h, w) of the image's size, keyed by word."""
    checked = {}
    for word, mask in (masks or {}).items():
        array = np.asarray(mask)
        if array.shape != shape:
            raise ImageError(f"The mask of {word!r} has shape {array.shape}; the image has {shape}.")
        checked[word] = array.astype(bool)
    return checked


def check_prompt(prompt: str, name: str = "prompt", empty: bool = False) -> str:
    """The prompt with its ends stripped, or PromptError."""
    limit = settings().limits.max_prompt
    prompt = prompt.strip()
    if not prompt and not empty:
        raise PromptError(f'The {name} is empty; write one, such as "a horse on the grass".')
    if len(prompt) > limit:
        raise PromptError(f"The {name} has {len(prompt):,} characters; at most {limit} are allowed.")
    return prompt


def check_number(name: str, value: Any, low: float, high: float, whole: bool = False) -> None:
    """Raise ChoiceError unless `value` is a finite number in [low, high]."""
    kind = "whole number" if whole else "number"
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right_type or not low <= value <= high:
        raise ChoiceError(f"{name} is {value!r}; use a {kind} from {low:g} to {high:g}.")


def check_choice(name: str, value: Any, valid: Sequence[Any]) -> None:
    """Raise ChoiceError, listing the valid names, unless `value` is one of them."""
    if value not in valid:
        raise ChoiceError(f"{name} is {value!r}; use one of {', '.join(map(str, valid))}.")


def check_template(template: str) -> None:
    """Raise PromptError unless the template has one place for a class name."""
    check_prompt(template, "template")
    if template.count("{}") != 1:
        raise PromptError(f'The template {template!r} needs "{{}}" once, where the class name goes.')


def plain(value: Any) -> Any:
    """A request or result as JSON-ready values; arrays become their shape and dtype."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value


def resize_maps(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear float32 (..., h, w) -> (..., *size), half-pixel centres; scale of values unchanged."""
    flat = np.ascontiguousarray(maps, np.float32).reshape(-1, *maps.shape[-2:])
    out = np.stack([cv2.resize(item, size[::-1], interpolation=cv2.INTER_LINEAR) for item in flat])
    return out.reshape(*maps.shape[:-2], *size)


# ---------------------------------------------------------------------------------------- saliency


@dataclass(frozen=True)
class SaliencyRequest:
    """Grad-CAM of a CLIP model for each class; masks, where given, are only for the metrics.

    classes: "car, trees/palms" or a sequence (of sequences); the paper's Fig. 1 uses four.
    background: words that join the softmax and are not shown (CLIP-ES).
    pooling: "class" (plain CLIP) or "mean" (CLIP-ES).
    threshold: fraction of a map's maximum for the binary mask (paper Fig. 2 leaves it open: our choice).
    side: shorter side in pixels the model sees; None is the model's own.
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

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "image", check_image(self.image))
        set_(self, "classes", parse_classes(self.classes))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        set_(self, "background", _background(self.background))
        check_template(self.template)
        check_choice("pooling", self.pooling, POOLINGS)
        check_number("threshold", self.threshold, 0, 1)
        if self.side is not None:
            check_number("side", self.side, 32, settings().limits.work_side, whole=True)


def _background(words: str | Sequence[str]) -> tuple[str, ...]:
    """Background words from "ground, land" or a sequence; may be empty."""
    if isinstance(words, str):
        words = words.split(",")
    cleaned = tuple(word for word in (" ".join(str(word).split()) for word in words) if word)
    return tuple(group[0] for group in parse_classes([(word,) for word in cleaned])) if cleaned else ()


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


# --------------------------------------------------------------------------------------- attention


@dataclass(frozen=True)
class AttentionRequest:
    """Cross-attention while generating, and with noise added once to the finished or a given image.

    prompt: what is generated, and what the noised image is denoised with.
    image: None generates one (arms "generation" and "noise once"); an uploaded image has only
        "noise once".
    noise_timestep: t of the noise added once, 0 to 999 (ODISE's own is 0; the paper does not say: our choice);
        None matches the timestep of the last generation step.
    masks: word or phrase of the prompt -> bool (h, w), for the metrics only.
    """

    prompt: str
    image: np.ndarray | None = None
    steps: int = 20
    guidance_scale: float = 7.5
    seed: int = 0
    noise_timestep: int | None = 100
    scheduler: str = "ddim"
    heads: bool = False
    size: int | None = None  # side of the generated image; None is the model's own
    model: str = "scenes-diffusion"
    masks: Masks = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        set_(self, "prompt", check_prompt(self.prompt))
        check_number("steps", self.steps, 1, limits.max_steps, whole=True)
        check_number("guidance_scale", self.guidance_scale, 1, 30)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        if self.noise_timestep is not None:
            check_number("noise_timestep", self.noise_timestep, 0, 999, whole=True)
        if self.size is not None:
            check_number("size", self.size, 64, limits.work_side, whole=True)
        if self.image is not None:
            set_(self, "image", check_image(self.image))
            set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        elif self.masks:
            set_(self, "masks", {word: np.asarray(mask, bool) for word, mask in self.masks.items()})


@dataclass(frozen=True)
class Token:
    """A prompt token as shown: index in the sequence, text, span of characters in the prompt."""

    index: int
    text: str
    start: int
    stop: int


@dataclass(frozen=True)
class AttentionResult:
    """Recorded cross-attention, head mean, native sizes.

    maps: arm -> layer -> float16 (step, token, h, w); axis `token` follows `tokens`.
    steps: arm -> timesteps, one per recorded step, high noise first.
    images: arm -> uint8 (h, w, 3): what was generated; the image that was noised.
    previews: arm -> uint8 (step, h, w, 3), the predicted image per step, small; may be empty.
    metrics: rows {arm, step, timestep, layer, word, ap, iou, iou_best, entropy, chance} where a mask exists; `layer`
        is a module, "resolution N" or "mean" (`analysis.attention.score`).
    head_maps: arm -> layer -> float16 (step, head, token, h, w); empty unless the request asked for heads.
    """

    request: AttentionRequest
    maps: Mapping[str, Mapping[str, np.ndarray]]
    steps: Mapping[str, tuple[int, ...]]
    tokens: tuple[Token, ...]
    images: Mapping[str, np.ndarray]
    previews: Mapping[str, np.ndarray]
    truncated: str
    metrics: tuple[Mapping[str, Any], ...]
    provenance: Provenance
    head_maps: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the recorded arms."""
        return tuple(self.maps)

    @property
    def layers(self) -> tuple[str, ...]:
        """Module names of the cross-attention layers, in the order of the forward pass."""
        return tuple(next(iter(self.maps.values())))

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Heights of the recorded grids, largest first."""
        layers = next(iter(self.maps.values())).values()
        return tuple(sorted({layer.shape[-2] for layer in layers}, reverse=True))

    def token_indices(self, word: str | int) -> tuple[int, ...]:
        """Positions on the token axis of an index, a word or a phrase; PromptError if it is not there.

        Every occurrence of the word counts, matched at word borders, whatever its case.
        """
        if isinstance(word, int):
            if not 0 <= word < len(self.tokens):
                raise PromptError(f"Token {word} does not exist; the prompt has tokens 0 to {len(self.tokens) - 1}.")
            return (word,)
        return word_tokens(self.request.prompt, self.tokens, word)

    def select(
        self,
        arm: str | None = None,
        step: int | str | None = None,
        layer: str | int | None = None,
        token: str | int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """float32 (..., h, w); axes left open come first, in the order arm, step, token.

        arm: a name; None keeps the axis (arms must then have equal numbers of steps, or step be given).
        step: an index (negative counts from the end), "mean" over steps; None keeps the axis.
        layer: a module name; an integer, or "resolution N", averages the layers of that height; None or "mean"
            averages all, enlarged bilinearly to the largest grid.
        token: an index, a word or a phrase (mean over its tokens); None keeps the axis.
        size: (h, w) to enlarge to bilinearly at the end; None stays at the grid.
        """
        if arm is None:
            parts = [self.select(name, step, layer, token, size) for name in self.arms]
            if len({part.shape for part in parts}) > 1:
                raise ChoiceError("The arms have different numbers of steps; choose an arm or a step.")
            return np.stack(parts)
        check_choice("arm", arm, self.arms)
        chosen = self._layers(arm, layer)
        side = max((item.shape[-2:] for item in chosen), key=lambda shape: shape[0])
        total: np.ndarray | float = 0.0
        for item in chosen:
            part = self._steps(item, arm, step).astype(np.float32)
            if token is not None:
                part = part[..., list(self.token_indices(token)), :, :].mean(-3)
            total = total + (part if part.shape[-2:] == side else resize_maps(part, side))
        maps = np.asarray(total / len(chosen), np.float32)
        return maps if size is None else resize_maps(maps, size)

    def _layers(self, arm: str, layer: str | int | None) -> list[np.ndarray]:
        by_name = self.maps[arm]
        if layer is None or layer == "mean":
            return list(by_name.values())
        if isinstance(layer, str) and re.fullmatch(r"resolution \d+", layer):
            layer = int(layer.split()[1])
        if isinstance(layer, int):
            check_choice("resolution", layer, self.resolutions)
            return [item for item in by_name.values() if item.shape[-2] == layer]
        check_choice("layer", layer, self.layers)
        return [by_name[layer]]

    def _steps(self, item: np.ndarray, arm: str, step: int | str | None) -> np.ndarray:
        if step is None:
            return item
        if isinstance(step, str):
            check_choice("step", step, ("mean",))
            return item.mean(0, dtype=np.float32)
        check_number("step", step, -item.shape[0], item.shape[0] - 1, whole=True)
        return item[step]


def span_tokens(tokens: Sequence[Any], spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Positions of the tokens that touch any of the character spans (start, stop); special tokens never do."""
    return tuple(
        position
        for position, token in enumerate(tokens)
        if token.stop > token.start and any(token.start < stop and token.stop > start for start, stop in spans)
    )


def word_tokens(prompt: str, tokens: Sequence[Any], word: str) -> tuple[int, ...]:
    """Positions of the tokens that a word or phrase of the prompt covers, every occurrence.

    tokens: anything with `.start` and `.stop` character spans, empty for special tokens.
    Raises PromptError, quoting the prompt, when the word is not in it.
    """
    needle = " ".join(word.split())
    if not needle:
        raise PromptError("The word is empty; choose a word of the prompt.")
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(part) for part in needle.split()) + r"(?!\w)"
    found = span_tokens(tokens, [match.span() for match in re.finditer(pattern, prompt, re.IGNORECASE)])
    if not found:
        raise PromptError(f"{needle!r} is not in the prompt {prompt!r}, or was cut off; choose one of its words.")
    return found


# ---------------------------------------------------------------------------------------- clusters


@dataclass(frozen=True)
class ClustersRequest:
    """k-means of UNet features of an image that is noised once.

    preset: "A" last six attention blocks, cosine kernels averaged; "B" mean of up_blocks.3; "C" ODISE's taps.
    timestep: t of the noise, 0 to 999; the paper does not say: our choice.
    """

    image: np.ndarray
    k: int = 6
    preset: str = "A"
    timestep: int = 100
    prompt: str = ""
    seed: int = 0
    restarts: int = 5
    model: str = "scenes-diffusion"
    masks: Masks = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        set_(self, "image", check_image(self.image))
        set_(self, "prompt", check_prompt(self.prompt, empty=True))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        check_number("k", self.k, 1, limits.max_k, whole=True)
        check_choice("preset", self.preset, CLUSTER_PRESETS)
        check_number("timestep", self.timestep, 0, 999, whole=True)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        check_number("restarts", self.restarts, 2, 50, whole=True)  # stability compares at least two


@dataclass(frozen=True)
class ClustersResult:
    """Clusters and the features behind them.

    grid_labels: int32 (gh, gw); features: float16 (channel, gh, gw), PCA-reduced, cosine geometry kept;
    grid_pca: uint8 (gh, gw, 3), first three principal components; inertia: of the best restart;
    stability: mean ARI between the restarts' labels, in [-1, 1]; agreement: float32 (gh, gw) in (0, 1], share of
    the restarts that put a position into the same, matched cluster; layers: hooked modules;
    baselines: name ("rgb", "xy") -> int32 (gh, gw) labels with the same k;
    metrics: rows {method, miou, ari, ...} for "unet" and each baseline where masks exist.
    """

    request: ClustersRequest
    grid_labels: np.ndarray
    features: np.ndarray
    grid_pca: np.ndarray
    inertia: float
    stability: float
    agreement: np.ndarray
    layers: tuple[str, ...]
    baselines: Mapping[str, np.ndarray]
    metrics: tuple[Mapping[str, Any], ...]
    provenance: Provenance

    @property
    def labels(self) -> np.ndarray:
        """int32 (h, w) at the image's size, nearest neighbour."""
        return self.enlarge(self.grid_labels)

    @property
    def pca(self) -> np.ndarray:
        """uint8 (h, w, 3) at the image's size."""
        return self.enlarge(self.grid_pca, smooth=True)

    def enlarge(self, grid: np.ndarray, smooth: bool = False) -> np.ndarray:
        """A (gh, gw[, 3]) grid at the image's size."""
        height, width = self.request.image.shape[:2]
        mode = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
        return cv2.resize(grid, (width, height), interpolation=mode)

    def similarity(self, y: float, x: float) -> np.ndarray:
        """Cosine similarity float32 (h, w) in [-1, 1] of every pixel to pixel (y, x) of the image.

        The dot product is taken on the grid and then enlarged.
        """
        height, width = self.request.image.shape[:2]
        check_number("y", y, 0, height - 1)
        check_number("x", x, 0, width - 1)
        channels, grid_h, grid_w = self.features.shape
        flat = self.features.reshape(channels, -1).astype(np.float32)
        flat = flat / np.maximum(np.linalg.norm(flat, axis=0, keepdims=True), 1e-6)
        pixel = int(y * grid_h / height) * grid_w + int(x * grid_w / width)
        grid = (flat[:, pixel] @ flat).reshape(grid_h, grid_w)
        return np.clip(resize_maps(grid, (height, width)), -1, 1)


# ------------------------------------------------------------------------------------ segmentation


@dataclass(frozen=True)
class SegmentationRequest:
    """Open-vocabulary segmentation without training.

    method: "gradcam" (Grad-CAM argmax), "maskclip" (Zhou et al. 2022), "attention" (cross-attention argmax).
    background: score in [0, 1] that a pixel's best class must reach; 0 labels every pixel with a class. It is a
        probability for maskclip, a fraction of the class's own maximum for gradcam and attention.
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

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        set_(self, "image", check_image(self.image))
        set_(self, "classes", parse_classes(self.classes))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        check_choice("method", self.method, SEGMENTATION_METHODS)
        check_number("background", self.background, 0, 1)
        check_template(self.template)
        check_number("timestep", self.timestep, 0, 999, whole=True)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        if self.side is not None:
            check_number("side", self.side, 32, limits.work_side, whole=True)


@dataclass(frozen=True)
class Segment:
    """One connected region: class name, its share of the image, mean score, box (x0, y0, x1, y1) in pixels."""

    name: str
    class_index: int  # 1-based, as in the labels
    area: float
    score: float
    box_xyxy: tuple[int, int, int, int]


@dataclass(frozen=True)
class SegmentationResult:
    """labels: int32 (h, w), 0 is background, i is classes[i - 1]; scores: float32 (class, h, w).

    metrics: {"miou", "pixel_accuracy", "iou": {class: ...}} where masks exist, else empty.
    """

    request: SegmentationRequest
    labels: np.ndarray
    scores: np.ndarray
    segments: tuple[Segment, ...]
    metrics: Mapping[str, Any]
    provenance: Provenance

    @property
    def names(self) -> tuple[str, ...]:
        """Each class's first name."""
        return tuple(group[0] for group in self.request.classes)
