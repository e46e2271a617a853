"""The words of a batch of captions, and a pass's maps of them, for given and generated pictures alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspector import world
from inspector.analysis.attention import MEAN, average_layers, word_map
from inspector.evaluation.attention_samples import word_positions
from inspector.models.protocols import DiffusionModel
from inspector.trace.trajectories import first_latents, record_at

BATCH, BATCH_CELLS = 16, 16 * 32 * 32  # pictures that a pass takes at once, and positions of their latents
PICTURE = "picture"  # the one word, and the one label, where a sample is a whole picture


@dataclass(frozen=True)
class Word:
    """A class word of a caption. picture: its place in the batch. positions: of its tokens."""

    picture: int
    name: str
    positions: tuple[int, ...]


def batch_size(model: DiffusionModel) -> int:
    """Pictures of one pass."""
    return max(1, min(BATCH, BATCH_CELLS // (model.image_size // model.latent_factor) ** 2))


def words_of(model: DiffusionModel, scenes: Sequence[world.Scene]) -> tuple[list[Word], range]:
    """The class words that the captions name, without those that the model cut off; positions of all tokens."""
    tokens = [model.tokenize(scene.caption).tokens for scene in scenes]
    words = [
        Word(place, name, positions)
        for place, (scene, own) in enumerate(zip(scenes, tokens, strict=True))
        for name, positions in word_positions(scene, own).items()
        if positions
    ]
    return words, range(max(map(len, tokens)))


def word_layers(maps: Mapping[str, np.ndarray], word: Word) -> dict[str, np.ndarray]:
    """Layer or average -> float32 (h, w) of a word; maps: layer -> (picture, token, h, w)."""
    return average_layers({layer: word_map(values[word.picture], word.positions) for layer, values in maps.items()})


def labels_of(model: DiffusionModel) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Labels that `word_layers` gives: the averages, of all layers first, then finest first; all; the layers alone."""
    any_ = first_latents(model, 0, model.image_size, model.image_size)
    recording, _ = record_at(model, any_, model.encode_prompts([""]), 0, [0])
    layers = tuple(recording.maps)
    every = tuple(average_layers({layer: calls[0][0, 0] for layer, calls in recording.maps.items()}))
    return (MEAN, *(label for label in every if label not in layers and label != MEAN)), every, layers
