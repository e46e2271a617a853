"""Scores of many passes as columns, one value a sample, with the bands that a verdict needs.

A sample is a word of a picture, or a picture. Bands draw pictures anew (`bootstrap`); what several noises of one
picture say is averaged before, and their spread is told apart.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from inspector.evaluation.attention_samples import bootstrap, over_words
from inspector.evaluation.verdict_passes import Pass

Cell = tuple[str, int]  # arm, t
DIGITS = 4  # that numbers are kept with


class Columns:
    """Scores by arm and t, each array (repeat, sample, label, metric); nan where there is none.

    words, scenes: of each sample; a picture as a sample has any one word.
    """

    def __init__(self, labels: Sequence[str], metrics: Sequence[str]) -> None:
        self.labels, self.metrics = tuple(labels), tuple(metrics)
        self.words: list[str] = []
        self.scenes: list[int] = []
        self._found: dict[Cell, dict[int, list[tuple[int, np.ndarray]]]] = defaultdict(lambda: defaultdict(list))
        self._start = 0  # of the batch under way

    def sampled(self, words: Sequence[str], scenes: Sequence[int]) -> None:
        """Name the samples of a batch, whose passes are added next; those that lack a pass have no score there."""
        self._start = len(self.words)
        self.words += words
        self.scenes += scenes

    def add(self, one: Pass, values: Sequence[Any]) -> None:
        """Scores (sample, label, metric) of a batch's pass."""
        shape = (len(values), len(self.labels), len(self.metrics))
        scores = np.asarray(values, np.float64).reshape(shape)
        self._found[one.arm, one.timestep][one.repeat or 0].append((self._start, scores))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """(arm, t) that have scores, in the order in which they came."""
        return tuple(self._found)

    def values(self, cell: Cell) -> np.ndarray:
        """(repeat, sample, label, metric)."""
        found = self._found[cell]
        whole = np.full((len(found), len(self.words), len(self.labels), len(self.metrics)), np.nan)
        for scores, batches in zip(whole, found.values(), strict=True):
            for start, batch in batches:
                scores[start : start + len(batch)] = batch
        return whole

    def by_repeat(self, cell: Cell, label: str, metric: str) -> np.ndarray:
        """(repeat, sample)."""
        return self.values(cell)[..., self.labels.index(label), self.metrics.index(metric)]

    def column(self, cell: Cell, label: str, metric: str) -> np.ndarray:
        """(sample,): what one noise scores on average; repeats without a score are left out."""
        found = self.by_repeat(cell, label, metric)
        known = np.isfinite(found)
        counts = known.sum(0)
        return np.divide(np.where(known, found, 0).sum(0), counts, out=np.full(counts.shape, np.nan), where=counts > 0)

    def band(self, values: np.ndarray) -> dict[str, Any]:
        """`bootstrap` of a column over pictures: {mean, ci95, count}."""
        return bootstrap(self.words, self.scenes, values)

    def rows(self) -> list[dict[str, Any]]:
        """A row {arm, timestep, layer, metric: {mean, ci95, count, seeds}} per cell and label."""
        return [
            {"arm": arm, "timestep": timestep, "layer": label}
            | {metric: self._summary((arm, timestep), label, metric) for metric in self.metrics}
            for arm, timestep in self.cells
            for label in self.labels
        ]

    def _summary(self, cell: Cell, label: str, metric: str) -> dict[str, Any]:
        """seeds, of the first metric where there are several noises: the mean of each, their std, and the std within a
        sample on average.
        """
        found = self.band(self.column(cell, label, metric))
        repeats = self.by_repeat(cell, label, metric)
        repeats = repeats[np.isfinite(repeats).any(1)]
        if len(repeats) < 2 or metric != self.metrics[0]:
            return found
        known = np.isfinite(repeats).all(0)
        if not known.any():
            return found
        words = [word for word, has in zip(self.words, known, strict=True) if has]
        means = over_words(words, repeats[:, known].T)
        within = over_words(words, repeats[:, known].std(0, ddof=1))
        seeds = {"means": means.tolist(), "std": float(means.std(ddof=1)), "within": float(within)}
        return found | {"seeds": seeds}

    def samples(self, label: str, metrics: Sequence[str]) -> list[dict[str, Any]]:
        """A row {arm, timestep, repeat, metric: [per sample]} per cell and noise, so that a point names its example."""
        return [
            {"arm": arm, "timestep": timestep, "repeat": repeat}
            | {
                metric: self.by_repeat((arm, timestep), label, metric)[place].round(DIGITS).tolist()
                for metric in metrics
            }
            for arm, timestep in self.cells
            for place, repeat in enumerate(self._found[arm, timestep])
        ]

    def by_word(self, label: str, metric: str) -> list[dict[str, Any]]:
        """A row {arm, timestep, words: {word: mean}} per cell; words in alphabetical order."""
        names = np.array(self.words)
        rows = []
        for arm, timestep in self.cells:
            column = self.column((arm, timestep), label, metric)
            means = {word: column[(names == word) & np.isfinite(column)] for word in sorted(set(self.words))}
            found = {word: float(values.mean()) for word, values in means.items() if values.size}
            rows.append({"arm": arm, "timestep": timestep, "words": found})
        return rows


def rounded(value: Any) -> Any:
    """A JSON-ready value with its fractions at `DIGITS` digits, None where there is no number."""
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
