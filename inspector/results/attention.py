"""Request and result of the attention pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, PromptError
from inspector.results.arms import (
    AGAIN,
    EVERY,
    GENERATION,
    INVERSION,
    MOST_SEEDS,
    NOISE_ONCE,
    OVER_SEEDS,
    read_arms,
    read_timesteps,
    recorded_arms,
)
from inspector.results.checks import (
    LONGEST_NAME,
    Masks,
    check_choice,
    check_flag,
    check_image,
    check_masks,
    check_number,
    check_prompt,
    check_scene,
    check_text,
)
from inspector.results.common import Provenance, resize_maps
from inspector.results.edits import Edit, check_edit
from inspector.results.layers import Layer, chosen_layers, resolutions
from inspector.results.probes import check_probes, read_probes
from inspector.results.projections import KEPT_STEPS, LAST, Kept, check_projections
from inspector.results.quoting import described, quoted
from inspector.results.recorded import (
    check_array,
    check_kind,
    check_list,
    check_mapping,
    check_rows,
    check_same,
    misfit,
)
from inspector.results.tokens import Token, masked_words, word_tokens
from inspector.settings import settings

PREVIEW_SIDE = 256  # pixels of a preview at most
MOST_LAYERS, MOST_TOKENS = 200, 1000
READINGS = ("attention", "output")
LEAST_LEFT = 1e-3  # that the start token leaves, as float16 tells it: below one it has no more digits


@dataclass(frozen=True)
class AttentionRequest:
    """Cross-attention while generating, and with noise added once to the finished or a given image.

    prompt: what is generated, and what the noised image is denoised with.
    image: None generates one; a given image has no arm that needs the latents of a generation.
    noise_timestep: t of the noise added once, 0 to 999 (ODISE's own is 0; the paper does not say: our choice);
        None matches the timestep of the last generation step.
    arms: names of `results.arms`, a text with commas or a tuple; none asks "generation" and "noise once".
    seeds: how many noises "noise once" has, of the seeds seed, seed + 1, ...
    noise_timesteps: several t instead of noise_timestep, or "every" for all of the generation's, where every arm is
        matched with generation step by step.
    heads, queries, self_attention: what is kept beside the maps for questions after the run: every head's maps; queries
        of cross-attention, of which every further word's map can be made; queries and keys of self-attention.
    kept_steps: of which steps of each arm the last two are kept, "last" or "every".
    probes: words that need not be in the prompt, a text with commas or a tuple; they keep the queries.
    masks: word or phrase of the prompt -> bool (h, w), for the metrics only.
    scene: number of the drawn scene that `image` is, told for the record only.
    reading: what the maps are, of a transformer with joint attention: "attention", each place's share for each token,
        or "output", dot products of what attention gives places and tokens, softmax over the prompt's tokens.
    edit: what the generated picture keeps of another prompt's, and how much words weigh; None for an ordinary run.
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
    arms: tuple[str, ...] = ()
    seeds: int = 1
    noise_timesteps: tuple[int, ...] | tuple[str] = ()
    queries: bool = False
    self_attention: bool = False
    kept_steps: str = LAST
    probes: tuple[str, ...] = ()
    edit: Edit | None = None
    reading: str = READINGS[0]

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        check_scene(self.scene)
        for name in ("scheduler", "model"):
            check_text(name, getattr(self, name), LONGEST_NAME)
        set_(self, "prompt", check_prompt(self.prompt))
        check_number("steps", self.steps, 1, limits.max_steps, whole=True)
        check_number("guidance_scale", self.guidance_scale, 0, 30)
        if self.guidance_scale > 0:  # 0 is another word for none, as 1 is
            check_number("guidance_scale", self.guidance_scale, 1, 30)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        check_number("seeds", self.seeds, 1, MOST_SEEDS, whole=True)
        check_number("seed of the last noise", self.seed + self.seeds - 1, 0, limits.max_seed, whole=True)
        set_(self, "noise_timesteps", read_timesteps(self.noise_timesteps))
        if len(self.noise_timesteps) > limits.max_steps:
            raise ChoiceError(f"{len(self.noise_timesteps)} t are asked for; at most {limits.max_steps} are allowed.")
        set_(self, "arms", read_arms(self.arms, self.image is None, self.seeds) if self.arms else ())
        set_(self, "probes", read_probes(self.probes))
        for name in ("heads", "queries", "self_attention"):
            check_flag(name, getattr(self, name))
        set_(self, "queries", self.queries or bool(self.probes))
        check_choice("kept_steps", self.kept_steps, KEPT_STEPS)
        check_choice("reading", self.reading, READINGS)
        if self.noise_timestep is not None:
            check_number("noise_timestep", self.noise_timestep, 0, 999, whole=True)
        if self.size is not None:
            check_number("size", self.size, 64, limits.work_side, whole=True)
        if self.image is not None:
            set_(self, "image", check_image(self.image))
        set_(self, "masks", check_masks(self.masks, None if self.image is None else self.image.shape[:2]))
        check_edit(self.edit, self.prompt, self.image)

    @property
    def chosen_arms(self) -> tuple[str, ...]:
        """The arms that are asked for, the usual ones where none is named."""
        return self.arms or read_arms((), self.image is None, self.seeds)

    @property
    def recorded_arms(self) -> tuple[str, ...]:
        """The arms that the result will have."""
        return recorded_arms(self.chosen_arms, self.seed, self.seeds)

    @property
    def calls(self) -> dict[str, int]:
        """Arm -> calls of the UNet that it takes at most, a guided step being one; all noises as NOISE_ONCE.

        Inversion goes up, is recorded, and comes down again for its error. An edit's source runs beside generation.
        """
        times = self.steps if self.noise_timesteps == (EVERY,) else max(1, len(self.noise_timesteps))
        noised = {NOISE_ONCE if arm in OVER_SEEDS else arm for arm in self.chosen_arms}
        beside = 0 if self.edit is None else max(self.edit.kept(self.steps))
        own = {
            GENERATION: self.steps + beside,
            AGAIN: self.steps,
            INVERSION: 3 * self.steps,
            NOISE_ONCE: self.seeds * times,
        }
        return {arm: own.get(arm, times) for arm in noised}


@dataclass(frozen=True)
class AttentionResult:
    """Recorded cross-attention, head mean, native sizes.

    maps: arm -> layer -> float16 (step, token, h, w); axis `token` follows `tokens`.
    steps: arm -> timesteps, one per recorded step, high noise first.
    images: arm -> uint8 (h, w, 3): what was generated; the image that was noised.
    previews: arm -> uint8 (step, h, w, 3), the predicted image per step, small: a guess at it, or decoded where an arm
        has one step, or the finished picture at the last step of denoising; may be empty.
    metrics: rows {arm, step, timestep, layer, word, ap, iou, iou_best, entropy, chance} where a mask exists; `layer`
        is a module, "resolution N" or "mean" (`analysis.attention.score`).
    head_maps: arm -> layer -> float16 (step, head, token, h, w); empty unless the request asked for heads.
    queries: arm -> layer -> float16 (step, channel, h, w), times the module's scale; self_attention: arm -> layer of
        self-attention -> float16 (step, 2, channel, h, w), query and key. Of all steps or the last alone; empty unless
        asked for, and without arms that are means of others.
    head_counts: layer -> heads that its channels are shared among.
    probe_maps: arm -> layer -> float16 (step, probe, h, w), head means, axis probe as in the request, steps as queries.
    reconstruction: how well DDIM leads back from where "inversion" led: {psnr} in dB, of the decoded pictures, and
        {rms}, of the latents over their own deviation; empty without that arm.
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
    reconstruction: Mapping[str, float] = field(default_factory=dict)
    queries: Kept = field(default_factory=dict)
    self_attention: Kept = field(default_factory=dict)
    head_counts: Mapping[str, int] = field(default_factory=dict)
    probe_maps: Kept = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_kind("request", self.request, AttentionRequest)
        check_list("tokens", self.tokens, Token, MOST_TOKENS)
        length = len(self.request.prompt)
        if not self.tokens or max(token.stop for token in self.tokens) > length:
            raise misfit(f"the tokens do not lie in the prompt of {length} characters")
        check_text("truncated", self.truncated, settings().limits.max_prompt)
        self._check_steps()
        for arm, layers in self.maps.items():
            self._check_maps("maps", arm, layers)
        self._check_heads()
        self._check_kept()
        self._check_pictures()
        cells = sum(map(len, self.steps.values())) * (len(self.layers) + len(self.resolutions) + 1)
        needed = {"arm": str, "step": float, "layer": str, "word": str, "ap": float}
        scored = len(self.request.masks) + len(masked_words(self.request.prompt, self.request.masks))
        check_rows("metrics", self.metrics, needed, cells * max(1, scored))
        for row in self.metrics:
            check_choice("arm in metrics", row["arm"], self.arms)
            check_number("step in metrics", row["step"], 0, len(self.steps[row["arm"]]) - 1, whole=True)
        check_kind("provenance", self.provenance, Provenance)
        check_mapping("reconstruction", self.reconstruction, 2)
        for name, value in self.reconstruction.items():
            check_choice("reconstruction", name, ("psnr", "rms"))
            check_number(f"{name} of the reconstruction", value, 0, 1e6)

    def _check_steps(self) -> None:
        asked = self.request.recorded_arms
        check_mapping("maps", self.maps, len(asked))
        check_mapping("steps", self.steps, len(asked))
        for arm in self.maps:
            check_choice("arm", arm, asked)
        check_same("steps", self.steps, self.maps)
        # PNDM makes one call more than it has steps
        most = max(self.request.steps + 1, len(self.request.noise_timesteps))
        for arm, steps in self.steps.items():
            check_list(f"steps of {arm}", steps, int, most)
            if not steps or not all(0 <= step < 1_000_000 for step in steps):
                raise misfit(f"the steps of {arm} are {quoted(steps)}; timesteps are expected")
        if not self.maps:
            raise misfit("there is no arm")

    def _check_maps(self, name: str, arm: str, layers: Any, heads: tuple[None, ...] = ()) -> None:
        """Every arm has the first one's layers, each of one size in all arms; no layer's name means several."""
        check_mapping(f"{name} of {arm}", layers, MOST_LAYERS)
        if not layers:
            raise misfit(f"{arm} has no layer")
        first = next(iter(self.maps.values()))
        check_same(f"{name} of {arm}", layers, first)
        for layer, item in layers.items():
            if layer == "mean" or layer.isdigit() or layer.startswith("resolution "):
                raise misfit(f"{quoted(layer)} is no name of a layer")
            known = () if item is first[layer] else first[layer].shape[-2:]
            size = known or (None, None)
            check_array(layer, item, np.float16, (len(self.steps[arm]), *heads, len(self.tokens), *size))

    def _check_heads(self) -> None:
        check_mapping("head_maps", self.head_maps, len(self.maps))
        if self.head_maps:
            check_same("head_maps", self.head_maps, self.maps)
        for arm, layers in self.head_maps.items():
            self._check_maps("head_maps", arm, layers, (None,))

    def _check_kept(self) -> None:
        check_mapping("head_counts", self.head_counts, 2 * MOST_LAYERS)
        check_projections("queries", self.queries, (), self.steps, self.head_counts)
        check_projections("self_attention", self.self_attention, (2,), self.steps, self.head_counts)
        check_probes(self.probe_maps, self.request.probes, self.queries)
        for arm, layers in self.queries.items():
            check_same(f"queries of {arm}", layers, self.layers)

    def _check_pictures(self) -> None:
        check_mapping("images", self.images, len(self.maps))
        check_same("images", self.images, self.maps)
        for image in self.images.values():
            check_image(image)
        check_mapping("previews", self.previews, len(self.maps))
        for arm, previews in self.previews.items():
            check_choice("arm of previews", arm, self.arms)
            count = len(previews) if isinstance(previews, np.ndarray) and previews.ndim else 0
            check_array(f"previews of {arm}", previews, np.uint8, (count, None, None, 3))
            if count not in (0, len(self.steps[arm])) or max(previews.shape[1:3]) > PREVIEW_SIDE:
                raise misfit(f"the previews of {arm} are {described(previews)}; one small picture a step is expected")

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the recorded arms."""
        return tuple(self.maps)

    @property
    def layers(self) -> tuple[str, ...]:
        """Module names of the cross-attention layers, in the order of the forward pass."""
        return tuple(next(iter(self.maps.values())))

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Layer -> (h, w) of its grid."""
        return {layer: maps.shape[-2:] for layer, maps in next(iter(self.maps.values())).items()}

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Heights of the recorded grids, largest first."""
        return resolutions(self.sizes)

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
        layer: Layer = None,
        token: str | int | None = None,
        size: tuple[int, int] | None = None,
        head: int | None = None,
        renormalised: bool = False,
    ) -> np.ndarray:
        """float32 (..., h, w); axes left open come first, in the order arm, step, token.

        arm: a name; None keeps the axis (arms must then have equal numbers of steps, or step be given).
        step: an index (negative counts from the end), "mean" over steps; None keeps the axis.
        layer: as `layers.chosen_layers`: a module, a block, a resolution, weights of resolutions, None or "mean" for
            all; several layers are averaged, enlarged bilinearly to the largest grid.
        token: an index, a word or a phrase (mean over its tokens); None keeps the axis.
        size: (h, w) to enlarge to bilinearly at the end; None stays at the grid.
        head: of each layer, from 0; None is the mean over heads. Raises ChoiceError where a layer has no such head.
        renormalised: without the start token, which takes most: each layer's maps over what that leaves, so that all
            other tokens, those of the padding included, sum to 1. In joint attention, without the picture and padding.
        """
        if arm is None:
            parts = [self.select(name, step, layer, token, size, head, renormalised) for name in self.arms]
            if len({part.shape for part in parts}) > 1:
                raise ChoiceError("The arms have different numbers of steps; choose an arm or a step.")
            return np.stack(parts)
        check_choice("arm", arm, self.arms)
        weights = chosen_layers(self.sizes, layer)
        side = max((self.sizes[name] for name in weights), key=lambda shape: shape[0])
        total: np.ndarray | float = 0.0
        for name, weight in weights.items():
            part = self._part(arm, name, head, renormalised)
            part = self._steps(part, arm, step).astype(np.float32)
            if token is not None:
                part = part[..., list(self.token_indices(token)), :, :].mean(-3)
            total = total + weight * (part if part.shape[-2:] == side else resize_maps(part, side))
        maps = np.asarray(total, np.float32)
        return maps if size is None else resize_maps(maps, size)

    def _part(self, arm: str, layer: str, head: int | None, renormalised: bool) -> np.ndarray:
        """(step, token, h, w) of one layer: the mean over heads or one of them."""
        maps = self.maps[arm][layer]
        if head is not None:
            if not self.head_maps:
                raise ChoiceError("This run kept no single heads; run it with heads (--heads).")
            check_number("head", head, 0, self.head_maps[arm][layer].shape[1] - 1, whole=True)
            maps = self.head_maps[arm][layer][:, head]
        return without_start(maps) if renormalised else maps

    def _steps(self, item: np.ndarray, arm: str, step: int | str | None) -> np.ndarray:
        if step is None:
            return item
        if isinstance(step, str):
            check_choice("step", step, ("mean",))
            return item.mean(0, dtype=np.float32)
        check_number("step", step, -item.shape[0], item.shape[0] - 1, whole=True)
        return item[step]


def without_start(maps: np.ndarray) -> np.ndarray:
    """float32 maps (..., token, h, w) over what their first token, the start token, leaves of 1; its own become 0."""
    values = maps.astype(np.float32)
    left = np.maximum(1 - values[..., :1, :, :], LEAST_LEFT)
    values[..., 0, :, :] = 0
    return values / left
