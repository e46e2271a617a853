"""What heads learn from: drawn scenes with their segments, and what frozen models compute of them, computed once.

A head that changes what the UNet sees, by a captioner or an adapter of classes, has the UNet run, with its gradient;
all else is read from disk.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inspector import world
from inspector.evaluation.segments import Segments, segments_of
from inspector.models.heads.specs import INVERTED, HeadSpec
from inspector.models.protocols import ClipModel, DiffusionModel, Layers
from inspector.pipelines.mask_heads import Inputs, clip_features, image_embedding, read_asked, read_unet
from inspector.trace.taps import Tap, autoencoder_features, autoencoder_taps, unet_taps
from inspector.training.encoded import EncodedPictures

AT_ONCE = 4


class Pictures:
    """Scenes `first` to `first + count`, drawn once and kept in `folder`: pictures, captions, segments."""

    def __init__(self, folder: Path, first: int, count: int) -> None:
        self.folder = folder / f"heads-{world.fingerprint()[:12]}-{first}-{count}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.first = first
        if not (self.folder / "facts.json").exists():
            self._draw(count)
        self.images = np.load(self.folder / "images.npy", mmap_mode="r")
        self._ids = np.load(self.folder / "ids.npy", mmap_mode="r")
        facts = json.loads((self.folder / "facts.json").read_text("utf-8"))
        self.captions: list[str] = facts["captions"]
        self._classes: list[list[int]] = facts["classes"]

    def _draw(self, count: int) -> None:
        images, ids, captions, classes = [], [], [], []
        for seed in range(self.first, self.first + count):
            scene = world.scene(seed)
            segments = segments_of(scene)
            images.append(scene.image)
            ids.append(segments.ids)
            captions.append(scene.caption)
            classes.append(segments.classes)
        np.save(self.folder / "images.npy", np.stack(images))
        np.save(self.folder / "ids.npy", np.stack(ids))
        (self.folder / "facts.json").write_text(json.dumps({"captions": captions, "classes": classes}), "utf-8")

    def __len__(self) -> int:
        return len(self.images)

    def segments(self, row: int) -> Segments:
        """Those of one picture."""
        return Segments(np.asarray(self._ids[row]), tuple(self._classes[row]))


class Frozen:
    """What frozen models compute of `pictures`, computed on first use and kept on disk in half precision."""

    def __init__(self, pictures: Pictures, diffusion: DiffusionModel, clip: ClipModel) -> None:
        self.pictures, self.diffusion, self.clip = pictures, diffusion, clip
        self.autoencoder, self.unet = autoencoder_taps(diffusion), unet_taps(diffusion)
        side = pictures.images.shape[1]
        self.side = side
        cells = side // diffusion.latent_factor
        unet: Any = diffusion.unet
        self._latent = (int(unet.config.in_channels), cells, cells)
        self._stores: dict[str, EncodedPictures] = {}
        self.empty = diffusion.encode_prompts([""])
        tokens = clip.layers(clip.pixels(pictures.images[0])).tokens
        self._clip_layers, self._clip_width = len(tokens), int(tokens[0].shape[-1])

    def features(self, spec: HeadSpec, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Tap name -> float32 (row, channel, h, w) of what a head without a captioner reads."""
        found: dict[str, torch.Tensor] = {}
        if spec.autoencoder:
            found |= self.of_autoencoder(rows)
        if spec.unet:
            found |= self.of_unet(spec, rows)
        return found

    def latents(self, rows: np.ndarray) -> torch.Tensor:
        """Scaled clean latents float32 (row, c, h, w)."""
        size = int(np.prod(self._latent))
        return self._autoencoder().take(rows)[:, :size].unflatten(1, self._latent)

    def of_autoencoder(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """The encoder's and decoder's taps."""
        return self._split(self._autoencoder().take(rows)[:, int(np.prod(self._latent)) :], self.autoencoder)

    def of_unet(self, spec: HeadSpec, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """The UNet's taps of one pass, or of several along an inversion."""
        steps = len(INVERTED) if spec.path == "inversion" else 1
        name = f"unet-{spec.path}-{spec.timestep}-{'noise' if spec.noise else 'clean'}-{spec.context or 'empty'}"
        size = steps * sum(self._size(tap) for tap in self.unet)
        values = self._store(name, size, lambda some: self._run_unet(spec, some)).take(rows)
        if steps == 1:
            return self._split(values, self.unet)
        parts = [self._split(part, self.unet) for part in values.chunk(steps, 1)]
        return {name: torch.stack([part[name] for part in parts], 1) for name in parts[0]}

    def layers(self, rows: np.ndarray) -> Layers:
        """CLIP's tokens between its blocks."""
        side = self.clip.image_size // self.clip.patch_size
        shape = (1 + side * side, self._clip_width)
        values = self._store("clip", self._clip_layers * int(np.prod(shape)), self._run_clip).take(rows)
        parts = values.chunk(self._clip_layers, 1)
        return Layers(tuple(part.unflatten(1, shape) for part in parts), (side, side))

    def embedding(self, rows: np.ndarray) -> torch.Tensor:
        """CLIP's image embeddings (row, embed), not unit length."""
        return self._store("embedding", self.clip.embed, self._run_embedding).take(rows)

    def inputs(self, spec: HeadSpec, rows: np.ndarray, head: Any = None, tokens: torch.Tensor | None = None) -> Inputs:
        """What a head is given of pictures `rows`; head: needed where it changes the context, which gets a gradient.

        tokens: (class, width) or (row, class, width) for a row that asks.
        """
        if spec.captioner:
            known = self.inputs(without_captioner(spec), rows)
            context, shift = head.captioner(self.embedding(rows), self.empty.states)
            read = read_unet(spec, self.diffusion, self.latents(rows), self.empty.with_states(context), shift)
            return replace(known, features={**known.features, **read})
        layers, size = self.layers(rows), (self.side, self.side)
        images = tuple(self.pictures.images[rows])
        pixels = torch.cat([self.clip.pixels(image) for image in images])
        if tokens is not None:
            asked = read_asked(spec, self.diffusion, head, self.latents(rows), tokens)
            return Inputs(asked.features, pixels, layers, size, images, asked.attention)
        features = self.features(spec, rows) if spec.family == "odise" else clip_features(layers)
        return Inputs(features, pixels, layers, size, images)

    def _autoencoder(self) -> EncodedPictures:
        size = int(np.prod(self._latent)) + sum(self._size(tap) for tap in self.autoencoder)
        return self._store("autoencoder", size, self._run_autoencoder)

    def _store(self, name: str, size: int, encode: Callable[[np.ndarray], torch.Tensor]) -> EncodedPictures:
        if name not in self._stores:
            revision = self.clip.revision if name in ("clip", "embedding") else self.diffusion.revision
            path = self.pictures.folder / f"{name}-{revision}.npy"
            numbers = np.arange(len(self.pictures))
            self._stores[name] = EncodedPictures(numbers, encode, path, (size,), torch.device("cpu"))
        return self._stores[name]

    def _run_autoencoder(self, rows: np.ndarray) -> torch.Tensor:
        parts = []
        for some in np.array_split(rows, -(-len(rows) // AT_ONCE)):
            latents, found = autoencoder_features(self.diffusion, self.pictures.images[some], self.autoencoder)
            parts.append(torch.cat([latents.flatten(1), *(found[tap.name].flatten(1) for tap in self.autoencoder)], 1))
        return torch.cat(parts)

    @torch.no_grad()
    def _run_unet(self, spec: HeadSpec, rows: np.ndarray) -> torch.Tensor:
        return torch.cat([self._unet_of(spec, some) for some in np.array_split(rows, -(-len(rows) // AT_ONCE))])

    def _unet_of(self, spec: HeadSpec, rows: np.ndarray) -> torch.Tensor:
        latents = self.latents(rows)
        conditions = self.empty.expand(len(rows))
        if spec.context == "caption":
            conditions = self.diffusion.encode_prompts([self.pictures.captions[row] for row in rows])
        found = read_unet(spec, self.diffusion, latents, conditions)
        steps = [found[tap.name] if found[tap.name].ndim == 5 else found[tap.name][:, None] for tap in self.unet]
        return torch.cat(
            [part.flatten(1) for step in zip(*(item.unbind(1) for item in steps), strict=True) for part in step], 1
        )

    def _run_clip(self, rows: np.ndarray) -> torch.Tensor:
        layers = [self.clip.layers(self.clip.pixels(self.pictures.images[row])) for row in rows]
        return torch.stack([torch.cat([tokens.flatten() for tokens in item.tokens]) for item in layers])

    @torch.no_grad()
    def _run_embedding(self, rows: np.ndarray) -> torch.Tensor:
        return image_embedding(self.clip, self.layers(rows))

    def _size(self, tap: Tap) -> int:
        return tap.channels * (self.side // tap.stride) ** 2

    def _split(self, values: torch.Tensor, taps: Sequence[Tap]) -> dict[str, torch.Tensor]:
        parts = values.split([self._size(tap) for tap in taps], 1)
        shapes = [(tap.channels, self.side // tap.stride, self.side // tap.stride) for tap in taps]
        return {tap.name: part.unflatten(1, shape) for tap, part, shape in zip(taps, parts, shapes, strict=True)}


def without_captioner(spec: HeadSpec) -> HeadSpec:
    """What a row reads that its captioner does not change."""
    return replace(spec, captioner="", unet=False) if spec.captioner else spec
