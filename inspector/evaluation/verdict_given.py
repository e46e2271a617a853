"""Given pictures: what each arm's maps and clusters score against the exact masks of drawn scenes.

One mask per word and picture for all arms, none derived from an arm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from inspector import world
from inspector.analysis.clusters import cluster, reduce_channels
from inspector.analysis.metrics import average_precision, chance, decibels, map_scores
from inspector.evaluation.verdict_coarse import METRICS as COARSE
from inspector.evaluation.verdict_coarse import measured
from inspector.evaluation.verdict_columns import Columns
from inspector.evaluation.verdict_passes import Pass, given_passes, inverted, own_seeds, reconstructed
from inspector.evaluation.verdict_words import PICTURE, Word, batch_size, labels_of, word_layers, words_of
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import clusters
from inspector.results import INVERSION, SCORE_THRESHOLD, fit_mask, resize_maps

METRICS = ("ap", "iou", "iou_best", "entropy")
RECONSTRUCTED = 8  # pictures whose inversion is denoised again, which takes as long as inversion


@dataclass
class Given:
    """What was measured of given pictures.

    words: METRICS of words by arm and t. clusters: mIoU of pictures likewise. coarse: AP and coarseness of every layer
    along inversion. layers: the UNet's. captions: scene's seed -> caption. chance: AP of a map that knows nothing, of
    each word. reconstruction, autoencoder: PSNR in dB of each of the first pictures, inverted and denoised without
    guidance, and only encoded and decoded.
    """

    words: Columns
    clusters: Columns
    coarse: Columns
    layers: tuple[str, ...]
    captions: dict[int, str] = field(default_factory=dict)
    chance: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    autoencoder: list[float] = field(default_factory=list)


def measure_given(
    model: DiffusionModel,
    count: int,
    seed: int,
    timesteps: Sequence[int],
    repeats: int,
    clustered: int,
    report: Callable[[], None],
) -> Given:
    """Every arm on the scenes seed ... seed + count - 1.

    repeats: noises of each picture. report: called after each pass. What takes long is done for the first pictures
    alone: clusters of the first `clustered`, inversion's reconstruction of the first `RECONSTRUCTED`.
    """
    found, step = _empty(model), batch_size(model)
    size = min(model.image_size, world.MAX_SIZE)
    for first in range(0, count, step):
        scenes = [world.scene(seed + number, size) for number in range(first, min(first + step, count))]
        named, positions = words_of(model, scenes)
        masks = {word: fit_mask(scenes[word.picture].masks[word.name]) for word in named}
        masks = {word: mask for word, mask in masks.items() if mask.any()}
        prompts, numbers = [scene.caption for scene in scenes], [scene.seed for scene in scenes]
        for columns in (found.words, found.coarse):
            columns.sampled([word.name for word in masks], [numbers[word.picture] for word in masks])
        few = scenes[: max(0, clustered - first)]
        found.clusters.sampled([PICTURE] * len(few), numbers[: len(few)])
        found.chance += [chance(mask) for mask in masks.values()]
        found.captions |= dict(zip(numbers, prompts, strict=True))
        latents = model.encode_images(np.stack([scene.image for scene in scenes]))
        at = inverted(model, latents, model.encode_prompts(prompts), timesteps)
        seeds = own_seeds(numbers)
        for one in given_passes(model, latents, prompts, at, seeds, repeats, positions):
            _score(found, one, masks, few)
            report()
        if not first:
            _reconstruct(found, model, at, latents, scenes[:RECONSTRUCTED])
    return found


def word_scores(layers: Mapping[str, np.ndarray], labels: Sequence[str], mask: np.ndarray) -> list[list[float]]:
    """METRICS of a word's maps by label, enlarged to the mask's size (h, w)."""
    found = (map_scores(resize_maps(layers[label], mask.shape), mask, SCORE_THRESHOLD) for label in labels)
    return [[scores[metric] for metric in METRICS] for scores in found]


def cluster_miou(features: torch.Tensor, labels: np.ndarray) -> float:
    """Matched mIoU of clusters of features (channel, h, w) with a scene's labels (h, w); k is their number, as in
    `evaluate clusters`.
    """
    found = cluster(reduce_channels(features), len(np.unique(labels)))
    return clusters.scores(found.labels, labels)["miou"]


def _empty(model: DiffusionModel) -> Given:
    averages, every, layers = labels_of(model)
    return Given(Columns(averages, METRICS), Columns([PICTURE], ["miou"]), Columns(every, COARSE), layers)


def _score(found: Given, one: Pass, masks: Mapping[Word, np.ndarray], few: Sequence[world.Scene]) -> None:
    shown = {word: word_layers(one.maps, word) for word in masks}
    labels = found.words.labels
    found.words.add(one, [word_scores(layers, labels, masks[word]) for word, layers in shown.items()])
    if not one.repeat:  # k-means costs as much as the pass, so one noise stands for all
        scores = [[[cluster_miou(one.features[n], scene.labels)]] for n, scene in enumerate(few)]
        found.clusters.add(one, scores)
    if one.arm == INVERSION:
        found.coarse.add(one, [measured(layers, against(masks[word])) for word, layers in shown.items()])


def against(mask: np.ndarray) -> Callable[[np.ndarray], float]:
    """AP of a map of any size against a mask."""
    return lambda map_: average_precision(resize_maps(map_, mask.shape), mask)


def _reconstruct(
    found: Given,
    model: DiffusionModel,
    at: Mapping[int, torch.Tensor],
    latents: torch.Tensor,
    scenes: Sequence[world.Scene],
) -> None:
    pictures, number = np.stack([scene.image for scene in scenes]), len(scenes)
    starts = {timestep: values[:number] for timestep, values in at.items()}
    again = reconstructed(model, starts, [scene.caption for scene in scenes])
    found.reconstruction += decibels(pictures, model.decode(again)).tolist()
    found.autoencoder += decibels(pictures, model.decode(latents[:number])).tolist()
