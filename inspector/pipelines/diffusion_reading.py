"""Diffusion reading: what a diffusion model computes of one picture for segmentation, each pass of its UNet once.

Passes are shared where t and prompt agree: every word has a prompt of its own, as in DiffSegmenter, since a list of all
classes is no caption the model has seen, and is cut off after a few dozen. So a word's maps serve every list of
classes that it stands in.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch

from inspector.analysis import diffcut, diffseg, diffsegmenter, memory
from inspector.analysis.vocabulary import fill, too_long
from inspector.errors import NotFiniteError, PromptError
from inspector.models.protocols import Conditions, DiffusionModel, TokenizedPrompt, join
from inspector.pipelines.common import fit_image
from inspector.pipelines.once import Once
from inspector.pipelines.room import check_room, pass_bytes
from inspector.results import OWN_TIMESTEPS, ClassNames, SegmentationRequest, resize_maps
from inspector.results.quoting import quoted
from inspector.trace.hooks import capture
from inspector.trace.recorders import grid_of
from inspector.trace.self_attention import SelfAttention, record_self
from inspector.trace.trajectories import noise_once, record_at, record_once

PROMPTS_AT_ONCE = 16  # prompts in one batch of the UNet, where they fit into memory.BUDGET
RECORDED = 1.25  # a pass's memory beside one without recording: queries and keys of the finest layers, ten arrays of 50


@dataclass(frozen=True)
class WordMaps:
    """Of one word's prompt. layers: layer -> float32 (h, w), mean over the word's tokens.

    spread: float32 (h, w), DiffSegmenter's map; None where it was not asked for.
    """

    layers: Mapping[str, np.ndarray]
    spread: np.ndarray | None


class DiffusionReading:
    """The picture of a request as one diffusion model sees it.

    spreading: templates whose words' passes also record the finest self-attention, for DiffSegmenter. states: prompt ->
    conditions of one image, kept by the caller.
    """

    def __init__(
        self,
        once: Once,
        model: DiffusionModel,
        request: SegmentationRequest,
        spreading: Collection[str],
        states: dict[str, Conditions],
    ) -> None:
        self.model, self._once, self._seed = model, once, request.seed
        self._spreading, self._states = spreading, states
        self._image = fit_image(request.image, request.side or model.image_size, model.latent_factor * 8)
        self._words: dict[tuple[str, int, str], WordMaps] = {}

    @property
    def sample(self) -> tuple[int, int]:
        """(h, w) of the latents."""
        height, width = self.latents().shape[-2:]
        return height, width

    def latents(self) -> torch.Tensor:
        """z_0, scaled. Raises ModelMemoryError before anything runs where too little memory is free."""

        def compute() -> torch.Tensor:
            check_room(self.model, self._image.shape[:2])
            return self.model.encode_images(self._image[None])

        return self._once("latents", compute)

    def states(self, prompts: Sequence[str]) -> Conditions:
        """Those of the prompts; a prompt is encoded once."""
        missing = tuple(dict.fromkeys(prompt for prompt in prompts if prompt not in self._states))
        if missing:
            found = self._once(("states", missing), lambda: self.model.encode_prompts(missing))
            self._states.update({prompt: found[place : place + 1] for place, prompt in enumerate(missing)})
        return join([self._states[prompt] for prompt in prompts])

    def words(self, classes: ClassNames, template: str, timestep: int) -> list[list[WordMaps]]:
        """Of each synonym of each class, its maps in its own prompt, the same noise added once for all."""
        names = tuple(word for synonyms in classes for word in synonyms)

        def read() -> None:
            missing = tuple(word for word in names if (template, timestep, word) not in self._words)
            self._words |= {(template, timestep, word): maps for word, maps in self._read(missing, template, timestep)}

        self._once(("words", template, timestep, names), read)
        return [[self._words[template, timestep, word] for word in synonyms] for synonyms in classes]

    def _read(self, words: tuple[str, ...], template: str, timestep: int) -> Iterator[tuple[str, WordMaps]]:
        if not words:
            return
        prompts, spans = class_prompts(self.model, words, template)
        size, spreading = self._image.shape[:2], template in self._spreading
        each = pass_bytes(self.model, size) * (RECORDED if spreading else 1)
        at_once = memory.fitting(min(PROMPTS_AT_ONCE, len(prompts)), each, memory.BUDGET)
        check_room(self.model, size, at_once)
        latents, states = self.latents(), self.states(prompts)
        positions = sorted({position for span in spans for position in span})
        for part in memory.blocks(len(prompts), at_once):
            count = part.stop - part.start
            batch, seeds = latents.expand(count, -1, -1, -1), [self._seed] * count
            with ExitStack() as stack:
                finest: list[SelfAttention] = []
                if spreading:
                    finest = stack.enter_context(record_self(self.model.unet, self.model.spec.name, finest=True))
                recording, _ = record_once(self.model, batch, states[part], timestep, seeds, positions)
            for index, span in enumerate(spans[part]):
                columns = [positions.index(position) for position in span]
                layers = {
                    name: calls[0][index, columns].astype(np.float32).mean(0) for name, calls in recording.maps.items()
                }
                spread = self._spread(layers, finest, index) if spreading else None
                yield words[part.start + index], WordMaps(layers, spread)

    def _spread(self, layers: Mapping[str, np.ndarray], finest: Sequence[SelfAttention], index: int) -> np.ndarray:
        weighted = diffsegmenter.combine(diffsegmenter.by_level(layers, self.sample), finest[0].grid)
        return diffsegmenter.spread(weighted, finest, index)

    def diffseg(self, size: tuple[int, int], threshold: float) -> np.ndarray:
        """DiffSeg's regions, int32 of `size`, from one pass of the empty prompt at its own t."""

        def compute() -> np.ndarray:
            with record_self(self.model.unet, self.model.spec.name) as layers:
                self._pass(OWN_TIMESTEPS["diffseg"])
            maps, grid = diffseg.aggregate(layers)
            return diffseg.regions(diffseg.merge(maps, diffseg.anchors(grid), threshold), grid, size)

        return self._once(("diffseg", size, threshold), compute)

    def diffcut(self, size: tuple[int, int]) -> np.ndarray:
        """DiffCut's regions, int32 of `size`, from half a pass of the empty prompt at its own t."""

        def compute() -> np.ndarray:
            layer, timestep = diffcut.encoder_layer(self.model.unet), OWN_TIMESTEPS["diffcut"]
            with capture(self.model.unet, [layer]) as captured:
                self._pass(timestep)
            features = captured[layer][0].float().cpu().T  # (channel, h * w)
            if not torch.isfinite(features).all():
                raise NotFiniteError.of(self.model.spec.name, f"layer {layer}, t = {timestep}")
            return diffcut.regions(features.unflatten(1, grid_of(features.shape[1], self.sample)), size)

        return self._once(("diffcut", size), compute)

    @torch.no_grad()
    def _pass(self, timestep: int) -> None:
        noisy = noise_once(self.model, self.latents(), timestep, [self._seed])
        self.model.predict(noisy, timestep, self.model.shown(self.states([""]), self.latents()))

    def tokens(self, classes: ClassNames, template: str) -> torch.Tensor:
        """(class, width), as `class_tokens`; a prompt is encoded once."""
        return class_tokens(self.model, classes, template, self.states)

    def joint(self, classes: ClassNames, template: str, timestep: int) -> dict[int, np.ndarray]:
        """Level -> float32 (class, h, w): cross-attention where the context holds one token for each class, no noise.

        A class's token is `class_tokens`'.
        """

        def compute() -> dict[int, np.ndarray]:
            empty = self.model.shown(self.states([""]), self.latents())
            context = empty.with_states(self.tokens(classes, template)[None])
            recording, _ = record_at(self.model, self.latents(), context, timestep, range(len(classes)))
            layers = {name: calls[0][0].astype(np.float32) for name, calls in recording.maps.items()}
            groups: dict[int, list[np.ndarray]] = {}
            for maps in layers.values():
                groups.setdefault(diffsegmenter.level(maps.shape[-2:], self.sample), []).append(maps)
            return {place: np.mean(group, 0) for place, group in groups.items()}

        return self._once(("joint", classes, template, timestep), compute)


def class_tokens(
    model: DiffusionModel, classes: ClassNames, template: str, encode: Callable[[Sequence[str]], Conditions]
) -> torch.Tensor:
    """(class, width): the text encoder's state at the end of each class's prompt, averaged over synonyms.

    encode: as the model's `encode_prompts`. Raises PromptError as `read_whole`.
    """
    words = [word for synonyms in classes for word in synonyms]
    prompts = [fill(template, word) for word in words]
    ends = [read_whole(model, template, word).tokens[-1].index for word in words]
    states = encode(prompts).states[range(len(prompts)), ends]
    return torch.stack([part.mean(0) for part in states.split([len(synonyms) for synonyms in classes])])


def class_prompts(
    model: DiffusionModel, words: Sequence[str], template: str
) -> tuple[list[str], list[tuple[int, ...]]]:
    """One prompt per word, and the token indices of the word in it.

    Raises PromptError when a prompt is cut off, or nothing of a name is read.
    """
    prompts, spans = [], []
    start = template.index("{}")
    for word in words:
        read = read_whole(model, template, word)
        span = tuple(token.index for token in read.tokens if token.start < start + len(word) and token.stop > start)
        if not span:
            raise PromptError(f"{model.spec.name} reads nothing of {quoted(word)}; name the class otherwise.")
        prompts.append(read.prompt)
        spans.append(span)
    return prompts, spans


def read_whole(model: DiffusionModel, template: str, word: str) -> TokenizedPrompt:
    """The filled template as the model reads it; PromptError where it does not read it to its end."""
    read = model.tokenize(fill(template, word))
    if read.truncated:
        raise too_long(model.spec.name, read.truncated, f"the template with {quoted(word)}")
    return read


def mean_over_layers(maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """float32 (h, w) of the largest layer, from layer -> (h, w): the mean over layers."""
    size = max((item.shape for item in maps.values()), key=lambda shape: shape[0] * shape[1])
    return np.mean([resize_maps(item, size) for item in maps.values()], axis=0)
