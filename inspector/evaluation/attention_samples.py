"""Words of drawn scenes with their attention maps, and scores of one layer and timestep beside blind baselines."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis import metrics
from inspector.analysis.attention import average_layers, word_map
from inspector.models.protocols import DiffusionModel
from inspector.results import SCORE_THRESHOLD, fit_mask, resize_maps, span_tokens
from inspector.trace.trajectories import record_once

BATCH = 16  # scenes
MARGIN = 0.05  # a word counts as below chance when its AP is lower by more than this
RESAMPLES = 1000


@dataclass(frozen=True)
class Sample:
    """One word of one scene's caption.

    mask: bool (h, w). maps: layer or average -> float16 (timestep, h, w), head mean, mean over the word's tokens.
    """

    scene: int
    word: str
    mask: np.ndarray
    maps: Mapping[str, np.ndarray]

    def enlarged(self, label: str, moment: int | None = None) -> np.ndarray:
        """Maps of a layer at the mask's size, float32 ([timestep,] h, w)."""
        maps = self.maps[label]
        return resize_maps(maps if moment is None else maps[moment], self.mask.shape)


def record_samples(model: DiffusionModel, count: int, seed: int, timesteps: Sequence[int]) -> Iterator[Sample]:
    """The words of the scenes seed ... seed + count - 1, each scene noised once per timestep with its own seed.

    Words that the model cut off, and masks of which nothing is left at the size of scoring, are left out.
    """
    size = min(model.image_size, world.MAX_SIZE)
    for first in range(0, count, BATCH):
        scenes = [world.scene(seed + number, size) for number in range(first, min(first + BATCH, count))]
        captions = [scene.caption for scene in scenes]
        tokens = [model.tokenize(caption).tokens for caption in captions]
        latents, conditions = (
            model.encode_images(np.stack([scene.image for scene in scenes])),
            model.encode_prompts(captions),
        )
        positions, seeds = range(max(map(len, tokens))), [scene.seed for scene in scenes]
        recorded = [record_once(model, latents, conditions, timestep, seeds, positions)[0] for timestep in timesteps]
        for place, scene in enumerate(scenes):
            maps = {
                layer: np.stack([recording.maps[layer][0][place] for recording in recorded])
                for layer in recorded[0].maps
            }  # (timestep, token, h, w)
            yield from scene_samples(scene, first + place, maps, tokens[place])


def scene_samples(
    scene: world.Scene, number: int, maps: Mapping[str, np.ndarray], tokens: Sequence[Any]
) -> Iterator[Sample]:
    """One sample per class word that the caption names; maps: layer -> (timestep, token, h, w)."""
    for word, positions in word_positions(scene, tokens).items():
        mask = fit_mask(scene.masks[word])
        if positions and mask.any():
            layers = average_layers({layer: word_map(values, positions) for layer, values in maps.items()})
            yield Sample(number, word, mask, {label: values.astype(np.float16) for label, values in layers.items()})


def word_positions(scene: world.Scene, tokens: Sequence[Any]) -> dict[str, tuple[int, ...]]:
    """Class word that the caption names -> positions of its tokens, all mentions together; () where it was cut off."""
    return {
        word: span_tokens(tokens, [(start, stop) for start, stop, name in scene.spans if name == word])
        for word in dict.fromkeys(name for *_, name in scene.spans)
    }


def sample_ap(sample: Sample) -> np.ndarray:
    """AP float64 (label, timestep)."""
    return np.array(
        [[metrics.average_precision(map_, sample.mask) for map_ in sample.enlarged(label)] for label in sample.maps]
    )


def over_words(words: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Mean over words of each word's mean over its samples, so that common words weigh no more.

    values: (sample, ...), one word each -> (...).
    """
    names = np.array(words)
    return np.mean([values[names == word].mean(0) for word in dict.fromkeys(words)], 0)


def best_cell(samples: Sequence[Sample], values: np.ndarray) -> tuple[int, int]:
    """Indices (label, timestep) of the highest mean AP over words; values: AP (sample, label, timestep)."""
    means = over_words([sample.word for sample in samples], values)
    label, moment = np.unravel_index(means.argmax(), means.shape)
    return int(label), int(moment)


def scores_at(samples: Sequence[Sample], label: str, moment: int) -> dict[str, Any]:
    """Scores of one layer and timestep, with baselines, JSON-ready.

    mean_ap, iou, iou_best, entropy and the baselines' AP are means over words, with the 95% interval of a bootstrap
    over scenes. chance: of a constant map; centre_prior: of a blob in the middle; other_word: of the map of another
    word of the same caption, where there is one, beside own_word, the AP of the right map on the same samples.
    ratio: mean_ap over chance. below_chance: words whose AP is lower than chance by more than MARGIN.
    """
    columns = _columns(samples, label, moment)
    words, scenes = [sample.word for sample in samples], [sample.scene for sample in samples]
    means = {name: bootstrap(words, scenes, column) for name, column in columns.items()}
    rows = {word: _word_row(np.array(words) == word, columns) for word in sorted(set(words))}
    return {
        "scenes": len(set(scenes)),
        "samples": len(samples),
        "mean_ap": means.pop("ap"),
        "ratio": float(over_words(words, columns["ap"]) / over_words(words, columns["chance"])),
        "below_chance": [word for word, row in rows.items() if row["ap"]["mean"] < row["chance"] - MARGIN],
        **means,
        "words": rows,
    }


def _columns(samples: Sequence[Sample], label: str, moment: int) -> dict[str, np.ndarray]:
    """Every score as float64 (sample,), nan where there is none."""
    rows = []
    together: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        together[sample.scene].append(sample)
    for sample in samples:
        own = metrics.map_scores(sample.enlarged(label, moment), sample.mask, SCORE_THRESHOLD)
        others = [other for other in together[sample.scene] if other.word != sample.word]
        wrong = [metrics.average_precision(other.enlarged(label, moment), sample.mask) for other in others]
        blind = {
            "chance": metrics.chance(sample.mask),
            "centre_prior": metrics.average_precision(metrics.centre_prior(*sample.mask.shape), sample.mask),
            "other_word": float(np.mean(wrong)) if wrong else math.nan,
            "own_word": own["ap"] if wrong else math.nan,
        }
        rows.append(own | blind)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _word_row(chosen: np.ndarray, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        "samples": int(chosen.sum()),
        "ap": metrics.summarise(columns["ap"][chosen]),
        "chance": float(columns["chance"][chosen].mean()),
        "centre_prior": float(columns["centre_prior"][chosen].mean()),
    }


def bootstrap(words: Sequence[str], scenes: Sequence[int], values: np.ndarray) -> dict[str, float | int | None]:
    """{mean, ci95, count}: mean over words, and half the 95% interval when scenes are drawn anew with replacement.

    values: float64 (sample,); nan is left out; count: samples. Seeded, so the same values give the same interval.
    """
    known = np.isfinite(values)
    if not known.any():
        return {"mean": None, "ci95": None, "count": 0}
    names, values = np.array(words)[known], values[known]
    groups, numbers = np.unique(np.array(scenes)[known], return_inverse=True)
    drawn = np.random.default_rng(0).multinomial(len(groups), np.full(len(groups), 1 / len(groups)), RESAMPLES)
    weights = drawn[:, numbers]  # (resample, sample)
    totals, present = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for word in set(names):
        chosen = names == word
        weight = weights[:, chosen].sum(1)
        totals += np.divide(weights[:, chosen] @ values[chosen], weight, out=np.zeros(RESAMPLES), where=weight > 0)
        present += weight > 0
    return {
        "mean": float(over_words(list(names), values)),
        "ci95": float(1.96 * (totals / present).std()),
        "count": int(known.sum()),
    }
