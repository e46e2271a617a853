"""Generated pictures: how far each arm's maps and features agree with generation's own at the same t.

A generated picture has no mask. Arms are compared with generation at the step of the same t ("matched"), and with its
last step, which is what the paper's figure shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from inspector import world
from inspector.analysis.attention import MEAN
from inspector.analysis.clusters import kmeans, reduce_channels
from inspector.analysis.features import linear_cka
from inspector.analysis.metrics import adjusted_rand_index, entropy, iou
from inspector.evaluation.attention_arms import correlation
from inspector.evaluation.verdict_coarse import METRICS as COARSE
from inspector.evaluation.verdict_coarse import measured
from inspector.evaluation.verdict_columns import Columns
from inspector.evaluation.verdict_passes import Generated, Pass, generated_passes, generation, own_seeds
from inspector.evaluation.verdict_words import PICTURE, Word, batch_size, labels_of, word_layers, words_of
from inspector.models.protocols import DiffusionModel
from inspector.results import GENERATION, SCORE_THRESHOLD, ClustersRequest, resize_maps

METRICS = ("correlation", "correlation_last", "agreement", "entropy", "entropy_generation")
FEATURES = ("cka", "cka_last", "ari", "ari_last")
Layers = Mapping[str, np.ndarray]


@dataclass
class OfGenerated:
    """words: METRICS of words by arm and t. features: FEATURES of pictures likewise. coarse: agreement with the last
    step's mean map, and coarseness, of every layer along generation. layers: the UNet's. captions: scene's seed ->
    caption.
    """

    words: Columns
    features: Columns
    coarse: Columns
    layers: tuple[str, ...]
    captions: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """What generation showed at one t. words: each word's maps. labels: of k-means, int (picture, h * w)."""

    words: Mapping[Word, Layers]
    features: torch.Tensor
    labels: Sequence[np.ndarray]


def measure_generated(
    model: DiffusionModel,
    count: int,
    seed: int,
    timesteps: Sequence[int],
    repeats: int,
    report: Callable[[], None],
) -> OfGenerated:
    """Every arm on pictures generated from the captions of the scenes seed ... seed + count - 1.

    Each starts from its own seed (`own_seeds`), as the page would make it. report: called after each pass.
    """
    averages, every, layers = labels_of(model)
    found = OfGenerated(Columns(averages, METRICS), Columns([PICTURE], FEATURES), Columns(every, COARSE), layers)
    step = batch_size(model)
    for first in range(0, count, step):
        scenes = [world.scene(seed + number, world.MIN_SIZE) for number in range(first, min(first + step, count))]
        numbers = [scene.seed for scene in scenes]
        words, positions = words_of(model, scenes)
        prompts = [scene.caption for scene in scenes]
        for columns in (found.words, found.coarse):
            columns.sampled([word.name for word in words], [numbers[word.picture] for word in words])
        found.features.sampled([PICTURE] * len(scenes), numbers)
        found.captions |= dict(zip(numbers, prompts, strict=True))
        run = generation(model, prompts, own_seeds(numbers), positions, timesteps)
        shown = [{word: word_layers(run.at(t), word) for word in words} for t in run.timesteps]
        _walk(found.coarse, run, shown)
        last = run.timesteps[-1]
        known = {t: _reference(run, t, shown) for t in {*timesteps, last}}
        report()
        for timestep in timesteps:
            matched = known[timestep]
            own = Pass(GENERATION, timestep, None, run.at(timestep), matched.features)
            _score(found, own, words, matched, known[last])
        for one in generated_passes(model, run.latents, prompts, timesteps, own_seeds(numbers), repeats, positions):
            _score(found, one, words, known[one.timestep], known[last])
            report()
    return found


def word_agreement(own: np.ndarray, matched: np.ndarray, last: np.ndarray) -> list[float]:
    """METRICS of one map beside generation's at the same t and at its last step, all (h, w).

    agreement: IoU of the two maps, each thresholded at SCORE_THRESHOLD of its maximum.
    """
    return [
        correlation(own, matched),
        correlation(own, last),
        iou(*(map_ >= SCORE_THRESHOLD * map_.max() for map_ in (own, matched))),
        entropy(own),
        entropy(matched),
    ]


def feature_labels(features: torch.Tensor) -> np.ndarray:
    """k-means labels int (h * w) of features (channel, h, w), with the tab's k and the same seed for all."""
    reduced = reduce_channels(features)
    labels, inertia = kmeans(reduced.flatten(1).T, min(ClustersRequest.k, reduced[0].numel()), seed=0)
    return labels[int(inertia.argmin())].numpy()


def _reference(run: Generated, timestep: int, shown: Sequence[Mapping[Word, Layers]]) -> Reference:
    features = run.features[timestep]
    return Reference(shown[run.timesteps.index(timestep)], features, [feature_labels(grid) for grid in features])


def _walk(columns: Columns, run: Generated, shown: Sequence[Mapping[Word, Layers]]) -> None:
    for timestep, words in zip(run.timesteps, shown, strict=True):
        values = [measured(layers, like(shown[-1][word][MEAN])) for word, layers in words.items()]
        columns.add(Pass(GENERATION, timestep, None, {}, torch.empty(0)), values)


def like(target: np.ndarray) -> Callable[[np.ndarray], float]:
    """Correlation of a map of any size with one (h, w)."""
    return lambda map_: correlation(resize_maps(map_, target.shape), target)


def _score(found: OfGenerated, one: Pass, words: Sequence[Word], matched: Reference, last: Reference) -> None:
    values = []
    for word in words:
        own, at, end = word_layers(one.maps, word), matched.words[word], last.words[word]
        values.append([word_agreement(own[label], at[label], end[label]) for label in found.words.labels])
    found.words.add(one, values)
    rows = []
    for place, grid in enumerate(one.features):
        alike = [linear_cka(grid, other.features[place]) for other in (matched, last)]
        same = [np.nan] * 2
        if not one.repeat:  # k-means costs as much as the pass, so one noise stands for all
            labels = feature_labels(grid)
            same = [adjusted_rand_index(labels, other.labels[place]) for other in (matched, last)]
        rows.append([[*alike, *same]])
    found.features.add(one, rows)
