"""The verdict: what one noise does to attention, and to the features of clusters, with bands, and what does it.

On given pictures, drawn scenes with their own captions and exact masks, arms are scored against the masks; on generated
ones, from the captions of scenes, against generation's own maps at the same t. Arms and t: `verdict_passes`; parts of
the loss: `verdict_parts`; how maps change along t: `verdict_coarse`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inspector.analysis.attention import MEAN
from inspector.analysis.metrics import summarise
from inspector.evaluation import verdict_coarse
from inspector.evaluation.reporting import counted
from inspector.evaluation.verdict_columns import Columns, rounded
from inspector.evaluation.verdict_generated import OfGenerated, measure_generated
from inspector.evaluation.verdict_given import Given, measure_given
from inspector.evaluation.verdict_parts import (
    DEFINITIONS,
    again_chain,
    attributions,
    given_chain,
    last_chain,
    matched_chain,
)
from inspector.evaluation.verdict_passes import (
    AGAIN_STEPS,
    GUIDANCE,
    INVERSION_STEPS,
    MOST_SEEDS,
    PRESET,
    STEPS,
    check_timesteps,
    generated_total,
    given_total,
    own_seeds,
)
from inspector.evaluation.verdict_table import table
from inspector.evaluation.verdict_words import PICTURE, batch_size
from inspector.models import load_diffusion
from inspector.results import SCORE_SIDE, SCORE_THRESHOLD, ClustersRequest, Progress, check_number

__all__ = ["SEEDS", "TIMESTEPS", "evaluate", "table"]

TIMESTEPS = (1, 101, 301, 501, 701)
SEEDS = 4
GENERATED = 4  # one picture is generated for so many given ones: it takes as many passes, and steps besides
CLUSTERED = 2  # clusters are made of one given picture in so many


def evaluate(
    count: int,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    diffusion: str = "scenes-diffusion",
    timesteps: Sequence[int] = TIMESTEPS,
    seeds: int = SEEDS,
    generated: int | None = None,
) -> dict[str, Any]:
    """The verdict on the scenes seed ... seed + count - 1, JSON-ready, fractions rounded to four digits.

    seeds: noises of each picture. generated: so many of the captions are generated; None for a quarter.
    given, generated: {count, curves, words, samples, captions, attribution, coarse, features}; see `_given`.
    Raises ChoiceError for counts and t that cannot be (`check_timesteps`).
    """
    check_number("count", count, 2, 100_000, whole=True)
    check_number("seeds", seeds, 1, MOST_SEEDS, whole=True)
    generated = max(2, count // GENERATED) if generated is None else generated
    check_number("generated", generated, 2, count, whole=True)
    model = load_diffusion(diffusion)
    timesteps = check_timesteps(model, timesteps)
    batches = [-(-number // batch_size(model)) for number in (count, generated)]
    report = counted(progress, "Noising given pictures", batches[0] * given_total(len(timesteps), seeds))
    given = measure_given(model, count, seed, timesteps, seeds, max(2, count // CLUSTERED), report)
    passes = batches[1] * (1 + generated_total(len(timesteps), seeds))
    report = counted(progress, "Noising generated pictures", passes)
    drawn = measure_generated(model, generated, seed, timesteps, seeds, report)
    found = {
        "count": count,
        "seed": seed,
        "model": diffusion,
        "revision": model.revision,
        "timesteps": list(timesteps),
        "seeds": seeds,
        "steps": STEPS,
        "again_steps": AGAIN_STEPS,
        "inversion_steps": INVERSION_STEPS,
        "guidance_scale": GUIDANCE,
        "score_side": SCORE_SIDE,
        "threshold": SCORE_THRESHOLD,
        "preset": PRESET,
        "k": ClustersRequest.k,
        "given": _given(given, timesteps),
        "generated": _generated(drawn, timesteps),
    }
    return dict(rounded(found))


def _given(found: Given, timesteps: Sequence[int]) -> dict[str, Any]:
    """curves: scores by arm, t and average of layers; words: AP by word; samples: AP of every word of every picture,
    with words, scenes and captions in their order; attribution and features: mIoU of clusters likewise.
    """
    chains = [(timestep, given_chain(timesteps[0], timestep)) for timestep in timesteps]
    again = [(timestep, again_chain(timesteps[0], timestep)) for timestep in timesteps]
    return {
        **_told(found.words, found.captions, "ap", ("ap",)),
        "chance": found.words.band(np.array(found.chance)),
        "psnr": summarise(found.reconstruction),
        "psnr_autoencoder": summarise(found.autoencoder),
        "attribution": {"definition": DEFINITIONS["given"], "rows": attributions(found.words, chains, "ap")},
        "again": {"definition": DEFINITIONS["again"], "rows": attributions(found.words, again, "ap")},
        "coarse": verdict_coarse.rows(found.coarse, found.layers, "ap"),
        "features": {
            "count": len(set(found.clusters.scenes)),
            "curves": found.clusters.rows(),
            "samples": found.clusters.samples(PICTURE, ("miou",)),
            "attribution": attributions(found.clusters, chains, "miou"),
        },
    }


def _generated(found: OfGenerated, timesteps: Sequence[int]) -> dict[str, Any]:
    """As `_given`: correlation with generation at matched t in place of AP; features by CKA and by k-means labels."""
    chains = [(timestep, matched_chain(timestep)) for timestep in timesteps]
    ends = [(timestep, last_chain(timesteps[0], timestep)) for timestep in timesteps]
    rows = [
        *attributions(found.words, chains, "correlation"),
        *attributions(found.words, ends, "correlation_last"),
    ]
    features = [
        row
        for pairs, suffix in ((chains, ""), (ends, "_last"))
        for metric in ("cka", "ari")
        for row in attributions(found.features, pairs, metric + suffix)
    ]
    told = {name: DEFINITIONS[name] for name in ("matched", "last")}
    return {
        **_told(found.words, found.captions, "correlation", ("correlation", "correlation_last")),
        "attribution": {"definition": told, "rows": rows},
        "coarse": verdict_coarse.rows(found.coarse, found.layers, "correlation"),
        "features": {
            "count": len(set(found.features.scenes)),
            "curves": found.features.rows(),
            "samples": found.features.samples(PICTURE, ("cka",)),
            "attribution": features,
        },
    }


def _told(columns: Columns, captions: dict[int, str], metric: str, kept: Sequence[str]) -> dict[str, Any]:
    return {
        "count": len(captions),
        "curves": columns.rows(),
        "words": columns.by_word(MEAN, metric),
        "samples": {
            "layer": MEAN,
            "words": columns.words,
            "scenes": columns.scenes,
            "seeds": own_seeds(columns.scenes),
            "captions": {str(seed): caption for seed, caption in captions.items()},
            "rows": columns.samples(MEAN, kept),
        },
    }
