"""Algebra on recorded cross-attention: averages over layers, scores against masks.

Maps are head means (..., token, h, w) that sum to 1 over all tokens of the text encoder; the tokens kept are
the prompt's own. The start token takes most of it (an attention sink).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspector.analysis.metrics import chance, map_scores
from inspector.errors import PromptError
from inspector.results import (
    SCORE_THRESHOLD,
    SPREAD_OF_SEEDS,
    AttentionResult,
    fit_mask,
    masked_words,
    resize_maps,
    word_tokens,
)

MEAN = "mean"


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


def score(result: AttentionResult) -> tuple[dict[str, Any], ...]:
    """One row per arm, step, layer or average, and word of the prompt that has a mask, its occurrences by themselves.

    The spread of seeds has none: it says where maps differ, not where a word is.

    Row: {arm, step, timestep, layer, word, ap, iou, iou_best, entropy, chance}; iou at 0.4 of the maximum; chance
    is the AP of a constant map. Maps are enlarged to the mask's size, at most 128 px.
    """
    rows = []
    masks = {name: fit_mask(mask) for name, mask in result.request.masks.items() if mask.any()}
    for word, name in masked_words(result.request.prompt, masks).items():
        positions, mask = prompt_positions(result, word), masks[name]
        if not positions:
            continue
        for arm in (name for name in result.arms if name != SPREAD_OF_SEEDS):
            words = {layer: word_map(maps, positions) for layer, maps in result.maps[arm].items()}
            for layer, maps in average_layers(words).items():
                for step, enlarged in enumerate(resize_maps(maps, mask.shape)):
                    place = {"arm": arm, "step": step, "timestep": result.steps[arm][step], "layer": layer}
                    scores = map_scores(enlarged, mask, SCORE_THRESHOLD)
                    rows.append({**place, "word": word, **scores, "chance": chance(mask)})
    return tuple(rows)


def prompt_positions(result: AttentionResult, word: str) -> tuple[int, ...]:
    """Positions of a word's tokens, () if the model did not read it."""
    try:
        return word_tokens(result.request.prompt, result.tokens, word)
    except PromptError:
        return ()
