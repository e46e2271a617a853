"""Algebra on recorded cross-attention: averages over layers, words of a pixel, scores against masks.

Maps are head means (..., token, h, w) that sum to 1 over all tokens of the text encoder; the tokens kept are
the prompt's own. The start token takes most of it (an attention sink), so "without start, renormalised" exists,
and changes entropy and scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.analysis.metrics import chance, map_scores
from inspector.errors import ChoiceError, PromptError
from inspector.results import AttentionResult, check_choice, check_number, fit_mask, resize_maps, word_tokens

MEAN = "mean"
THRESHOLD = 0.4  # of a map's maximum, for IoU


def resolution_label(height: int) -> str:
    """Name of the average over the layers whose grid has this height."""
    return f"resolution {height}"


def average_layers(maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Layers and their averages: layer, "resolution N" (largest first), "mean" -> float32 (..., h, w).

    maps: layer -> (..., h, w). The mean is over layers, enlarged bilinearly to the largest grid.
    """
    groups = {layer: np.asarray(values, np.float32) for layer, values in maps.items()}
    sizes = sorted({values.shape[-2:] for values in maps.values()}, reverse=True)
    total: np.ndarray | float = 0.0
    for size in sizes:
        same = [groups[layer] for layer, values in maps.items() if values.shape[-2:] == size]
        groups[resolution_label(size[0])] = np.mean(same, 0)
        total = total + resize_maps(np.sum(same, 0), sizes[0])
    groups[MEAN] = np.asarray(total / len(maps), np.float32)
    return groups


def word_map(maps: np.ndarray, positions: Sequence[int]) -> np.ndarray:
    """Mean over a word's tokens: (..., token, h, w) -> float32 (..., h, w)."""
    return np.asarray(maps)[..., list(positions), :, :].mean(-3, dtype=np.float32)


def without_start(maps: np.ndarray) -> np.ndarray:
    """Drop the start token and renormalise: float32 (..., token, h, w), the start token's maps 0.

    Each value becomes its share of the attention that did not go to the start token, axis `token` position 0.
    """
    values = np.asarray(maps, np.float32).copy()
    rest = np.maximum(1 - values[..., :1, :, :], 1e-4)  # half precision knows no finer difference to 1
    values[..., 0, :, :] = 0
    return np.minimum(values / rest, 1)


# ---------------------------------------------------------------------------------------- of a pixel


def pixel_curves(
    result: AttentionResult, arm: str, y: float, x: float, layer: str | int | None = None, start: bool = True
) -> np.ndarray:
    """float32 (step, token): how the attention of pixel (y, x) of the image spreads over the tokens.

    layer: as in `AttentionResult.select`. start: False leaves the start token out and renormalises.
    Raises ChoiceError for a pixel outside the image, or an unknown arm or layer.
    """
    check_choice("arm", arm, result.arms)
    height, width = result.images[arm].shape[:2]
    check_number("y", y, 0, height - 1)
    check_number("x", x, 0, width - 1)
    maps = result.select(arm=arm, layer=layer)
    maps = maps if start else without_start(maps)
    rows, columns = maps.shape[-2:]
    return maps[..., int(y * rows / height), int(x * columns / width)]


def pixel_words(
    result: AttentionResult,
    arm: str,
    y: float,
    x: float,
    step: int = -1,
    layer: str | int | None = None,
    start: bool = True,
) -> list[tuple[int, str, float]]:
    """(position, text, weight) of every token at pixel (y, x), heaviest first; arguments as `pixel_curves`."""
    curves = pixel_curves(result, arm, y, x, layer, start)
    check_number("step", step, -len(curves), len(curves) - 1, whole=True)
    order = np.argsort(-curves[step], kind="stable")
    return [(int(position), result.tokens[position].text, float(curves[step, position])) for position in order]


# ------------------------------------------------------------------------------------- against masks


def score(result: AttentionResult) -> tuple[dict[str, Any], ...]:
    """One row per arm, step, layer or average, and word of `request.masks` that the prompt has.

    Row: {arm, step, timestep, layer, word, ap, iou, iou_best, entropy, chance}; iou at 0.4 of the maximum; chance
    is the AP of a constant map. Maps are enlarged to the mask's size, at most 128 px.
    """
    rows = []
    for word, mask in result.request.masks.items():
        positions = prompt_positions(result, word)
        if not positions or not mask.any():
            continue
        mask = fit_mask(mask)
        for arm in result.arms:
            words = {layer: word_map(maps, positions) for layer, maps in result.maps[arm].items()}
            for layer, maps in average_layers(words).items():
                for step, enlarged in enumerate(resize_maps(maps, mask.shape)):
                    place = {"arm": arm, "step": step, "timestep": result.steps[arm][step], "layer": layer}
                    scores = map_scores(enlarged, mask, THRESHOLD)
                    rows.append({**place, "word": word, **scores, "chance": chance(mask)})
    return tuple(rows)


def prompt_positions(result: AttentionResult, word: str) -> tuple[int, ...]:
    """Positions of a word's tokens, () if the prompt lacks it."""
    try:
        return word_tokens(result.request.prompt, result.tokens, word)
    except PromptError:
        return ()


@dataclass(frozen=True)
class ScoreMatrix:
    """A word's score in every cell: values float64 (layer, step), nan where there is no row."""

    layers: tuple[str, ...]
    timesteps: tuple[int, ...]
    values: np.ndarray

    @property
    def best(self) -> tuple[str, int]:
        """(layer, step) of the highest score; the first one of equals."""
        layer, step = np.unravel_index(np.nanargmax(self.values), self.values.shape)
        return self.layers[layer], int(step)


def score_matrix(
    rows: Sequence[Mapping[str, Any]], arm: str, word: str | None = None, metric: str = "ap"
) -> ScoreMatrix:
    """Rows of `score` as a matrix of layers and steps; `word` None averages over the words.

    Raises ChoiceError when there are no such rows.
    """
    chosen = [row for row in rows if row["arm"] == arm and word in (None, row["word"])]
    if not chosen:
        raise ChoiceError(f"No scores for {word!r} in {arm!r}; draw a mask for a word of the prompt first.")
    layers = tuple(dict.fromkeys(row["layer"] for row in chosen))
    times = dict(sorted({row["step"]: row["timestep"] for row in chosen}.items()))
    total, count = np.zeros((2, len(layers), len(times)))
    places = {step: index for index, step in enumerate(times)}
    for row in chosen:
        cell = layers.index(row["layer"]), places[row["step"]]
        total[cell] += row[metric]
        count[cell] += 1
    values = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return ScoreMatrix(layers, tuple(times.values()), values)
