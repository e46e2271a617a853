"""How well cross-attention finds the words of drawn scenes, beside chance and blind baselines.

A drawn scene is given with its own caption, noise is added once, and one conditional pass of the UNet is
recorded; every word of the caption has an exact mask. Layer and timestep are chosen on the first half of the
scenes: the honest numbers are those of the second half, and those of all scenes stand beside them. A
generated image has no mask, so the two arms are compared on generated images by what needs none.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis.attention import MEAN
from inspector.errors import ChoiceError
from inspector.evaluation.attention_arms import compare_arms
from inspector.evaluation.attention_samples import Sample, best_cell, over_words, record_samples, sample_ap, scores_at
from inspector.models import load_diffusion
from inspector.results import SCORE_SIDE, Progress, check_number
from inspector.views.table import lines
from inspector.views.table import table as as_table

TIMESTEPS = (50, 100, 200, 300, 500, 700)
FLOOR, FLOOR_RATIO = 0.60, 2.5
BASELINES = ("chance", "centre_prior", "other_word", "own_word")
SPLITS = ("first_half", "held_out", "all")


def evaluate(
    count: int,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    diffusion: str = "scenes-diffusion",
    timesteps: Sequence[int] = TIMESTEPS,
    generated: int = 12,
) -> dict[str, Any]:
    """Scores on the scenes seed ... seed + count - 1, JSON-ready.

    generated: so many of their captions are drawn to compare the arms; 0 leaves that out.
    best: the layer and timestep chosen on the first half; first_half, held_out, all: `scores_at` there, and
    floors_met; cells: mean AP over words of every layer, average and timestep on all scenes; arms: `compare_arms`.
    Raises ChoiceError when a half of the scenes has nothing to measure.
    """
    check_number("count", count, 2, 100_000, whole=True)
    model = load_diffusion(diffusion)
    report = _reporter(progress, "Scoring cross-attention", count)
    samples: list[Sample] = []
    table_: list[np.ndarray] = []
    for sample in record_samples(model, count, seed, timesteps):
        samples.append(sample)
        table_.append(sample_ap(sample))
        report(sample.scene + 1)
    early = np.array([sample.scene < count // 2 for sample in samples])
    if not samples or early.all() or not early.any():
        raise ChoiceError(f"In {count} scenes one half has no caption with a visible word; use a larger count.")
    values, labels = np.stack(table_), tuple(samples[0].maps)
    halves = dict(zip(SPLITS, (early, ~early, np.full_like(early, True)), strict=True))
    label, moment = best_cell(_those(samples, early), values[early])
    drawn = [world.scene(seed + index, world.MIN_SIZE) for index in range(min(generated, count))]
    return {
        "count": count,
        "seed": seed,
        "model": diffusion,
        "revision": model.revision,
        "arm": "noise once",
        "score_side": SCORE_SIDE,
        "timesteps": list(timesteps),
        "best": {"layer": labels[label], "timestep": timesteps[moment], "chosen_on": f"first {count // 2} scenes"},
        **{name: _scores(_those(samples, half), labels[label], moment) for name, half in halves.items()},
        "cells": cells(samples, values, timesteps),
        "arms": compare_arms(
            drawn, diffusion, (labels[label], MEAN), _reporter(progress, "Comparing the arms", len(drawn))
        ),
    }


def _reporter(progress: Callable[[Progress], None] | None, message: str, total: int) -> Callable[[int], None]:
    started = time.monotonic()

    def report(done: int) -> None:
        if progress:
            left = (time.monotonic() - started) / done * (total - done)
            progress(Progress(done, total, message, left))

    return report


def _those(samples: Sequence[Sample], chosen: np.ndarray) -> list[Sample]:
    return [sample for sample, wanted in zip(samples, chosen, strict=True) if wanted]


def _scores(samples: Sequence[Sample], label: str, moment: int) -> dict[str, Any]:
    found = scores_at(samples, label, moment)
    met = found["mean_ap"]["mean"] >= FLOOR and found["ratio"] >= FLOOR_RATIO and not found["below_chance"]
    return found | {"floors_met": bool(met)}


def cells(samples: Sequence[Sample], values: np.ndarray, timesteps: Sequence[int]) -> list[dict[str, Any]]:
    """Rows {layer, timestep, ap}: mean AP over words; values: (sample, label, timestep)."""
    means = over_words([sample.word for sample in samples], values)
    return [
        {"layer": label, "timestep": timestep, "ap": float(ap)}
        for label, row in zip(samples[0].maps, means, strict=True)
        for timestep, ap in zip(timesteps, row, strict=True)
    ]


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text: the chosen cell with its baselines, every cell, every word, the arms."""
    best = result["best"]
    head = (
        f"Cross-attention of {result['model']} on {result['count']} drawn scenes from seed {result['seed']}, "
        f"noise added once; masks at {result['score_side']} px.\nBest by mean AP over words on the "
        f"{best['chosen_on']}: {best['layer']} at t = {best['timestep']}; intervals are 95% over scenes."
    )
    chosen = [
        {"scenes": name.replace("_", " "), "n": result[name]["scenes"], "mean AP": _interval(result[name]["mean_ap"])}
        | {base.replace("_", " "): _interval(result[name][base]) for base in BASELINES}
        | {"times chance": result[name]["ratio"], "IoU at .4": _interval(result[name]["iou"])}
        | {"best IoU": _interval(result[name]["iou_best"]), "entropy": _interval(result[name]["entropy"])}
        | {"below chance": ", ".join(result[name]["below_chance"]) or "none", "floors met": result[name]["floors_met"]}
        for name in SPLITS
    ]
    matrix: dict[str, dict[str, Any]] = {}
    for cell in result["cells"]:
        matrix.setdefault(cell["layer"], {"AP of": cell["layer"]})[f"t={cell['timestep']}"] = cell["ap"]
    words = [
        {"word": word, "n": row["samples"], "AP": _interval(row["ap"])}
        | {"chance": row["chance"], "centre prior": row["centre_prior"]}
        for word, row in result["all"]["words"].items()
    ]
    arms = [
        {"generated images": row["layer"], "t": row["timestep"]}
        | {name.replace("_", " "): _interval(found) for name, found in row.items() if isinstance(found, Mapping)}
        for row in result["arms"]
    ]
    shown = [lines(as_table(rows)) for rows in (chosen, matrix.values(), words, arms) if rows]
    return "\n\n".join([head, *shown])


def _interval(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "–"
    return f"{found['mean']:.3f}" + ("" if found["ci95"] is None else f" ±{found['ci95']:.3f}")
