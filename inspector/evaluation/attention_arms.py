"""Generation against noise added once, on generated images: sharpness and agreement, for want of a mask."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis.metrics import entropy, summarise
from inspector.errors import PromptError
from inspector.pipelines import attention
from inspector.results import GENERATION, NOISE_ONCE, AttentionRequest, AttentionResult

NOISE_TIMESTEPS = (100, 300, 500)
STEPS = 20


def compare_arms(
    scenes: Sequence[world.Scene], diffusion: str, layers: Sequence[str], report: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Draw each scene's caption and compare the arms' maps of its words; report is told how many are done.

    One row per layer and noise timestep; the first timestep is that of the last generation step. entropy_*: of
    the map at its grid, 1 is uniform; last: the maps of generation's last step; matched: of the step whose timestep is
    nearest; correlation: Pearson's, over the grid, between the noised image's map and generation's. Summarised over
    words of all captions.
    """
    columns: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for index, scene in enumerate(scenes):
        request = AttentionRequest(scene.caption, steps=STEPS, seed=index, noise_timestep=None, model=diffusion)
        drawn = attention.run(request)
        image = drawn.images[GENERATION]
        again = [
            attention.run(AttentionRequest(scene.caption, image, seed=index, noise_timestep=timestep, model=diffusion))
            for timestep in NOISE_TIMESTEPS
        ]
        words = [scene.caption[start:stop] for start, stop, _ in scene.spans]
        for word in dict.fromkeys(words):
            for noised in (drawn, *again):
                for layer in layers:
                    cell = columns[layer, noised.steps[NOISE_ONCE][0]]
                    for name, value in compare_word(drawn, noised, word, layer).items():
                        cell[name].append(value)
        report(index + 1)
    return [
        {"layer": layer, "timestep": timestep} | {name: summarise(values) for name, values in cell.items()}
        for (layer, timestep), cell in columns.items()
    ]


def compare_word(drawn: AttentionResult, noised: AttentionResult, word: str, layer: str) -> dict[str, float]:
    """Entropies and correlations of one word's maps; {} when the model cut the word off."""
    try:
        run = drawn.select(arm=GENERATION, layer=layer, token=word)  # (step, h, w)
        once = noised.select(arm=NOISE_ONCE, layer=layer, token=word, step=0)
    except PromptError:
        return {}
    distance = np.abs(np.array(drawn.steps[GENERATION]) - noised.steps[NOISE_ONCE][0])
    matched = run[int(distance.argmin())]
    return {
        "entropy_last": entropy(run[-1]),
        "entropy_matched": entropy(matched),
        "entropy_noise": entropy(once),
        "correlation_last": correlation(once, run[-1]),
        "correlation_matched": correlation(once, matched),
    }


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two maps of one shape; nan for a constant one."""
    left, right = (np.asarray(item, np.float64).ravel() - np.mean(item, dtype=np.float64) for item in (first, second))
    scale = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / scale) if scale > 1e-12 else float("nan")
