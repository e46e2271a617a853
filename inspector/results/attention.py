"""Request and result of the attention pipeline, and which tokens a word covers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, PromptError
from inspector.results.checks import (
    Masks,
    check_choice,
    check_image,
    check_masks,
    check_number,
    check_prompt,
    check_scene,
    check_text,
)
from inspector.results.common import Provenance, resize_maps
from inspector.settings import settings

ARMS = ("generation", "noise once")


@dataclass(frozen=True)
class AttentionRequest:
    """Cross-attention while generating, and with noise added once to the finished or a given image.

    prompt: what is generated, and what the noised image is denoised with.
    image: None generates one (arms "generation" and "noise once"); an uploaded image has only
        "noise once".
    noise_timestep: t of the noise added once, 0 to 999 (ODISE's own is 0; the paper does not say: our choice);
        None matches the timestep of the last generation step.
    masks: word or phrase of the prompt -> bool (h, w), for the metrics only.
    scene: number of the drawn scene that `image` is, told for the record only.
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
    scene: int | None = None

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        check_scene(self.scene)
        for name in ("scheduler", "model"):
            check_text(name, getattr(self, name))
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
