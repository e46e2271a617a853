"""Verdict: the stored curves of what one noise does to a model's attention, and an address of an example for each.

`evaluate attention --verdict --readme` keeps them in assets/measured; a model that was not measured has none.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from inspector.results import AGAIN, GENERATION, INVERSION, OVER_SEEDS
from inspector.settings import ASSETS

MEASURED = ASSETS / "measured"
# part of the data set -> measures that are drawn of it, the one that examples are chosen by first
PARTS: Mapping[str, tuple[str, ...]] = {"given": ("ap", "iou", "entropy"), "generated": ("correlation", "entropy")}


def stored(model: str, folder: Path | None = None) -> dict[str, Any] | None:
    """What a page draws of a model's stored verdict, JSON-ready; None where there is none.

    count: part -> pictures. seeds: noises of each. curves: {of, measure, layer, arm, points} with points
    [t, mean, half of the 95% interval or None]; layer as on the page's axis. examples: part -> arm -> t -> the
    address of the word whose score is nearest to that mean.
    """
    # A model's name is never taken for a path.
    path = {file.stem: file for file in (folder or MEASURED).glob("verdict-*.json")}.get(f"verdict-{model}")
    return None if path is None else _read(path)


@cache
def _read(path: Path) -> dict[str, Any]:
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        "count": {part: kept[part]["count"] for part in PARTS},
        "seeds": kept["seeds"],
        "curves": [curve for part in PARTS for curve in _curves(part, kept[part]["curves"])],
        "examples": {part: _examples(part, kept) for part in PARTS},
    }


def _curves(part: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], list[list[float | None]]] = {}
    for row in rows:
        layer = row["layer"].removeprefix("resolution ")
        for measure in PARTS[part]:
            value = row.get(measure) or {}
            if _is_number(value.get("mean")):
                half = value.get("ci95")
                point = [row["timestep"], value["mean"], half if _is_number(half) else None]
                found.setdefault((measure, layer, row["arm"]), []).append(point)
    return [
        {"of": part, "measure": measure, "layer": layer, "arm": arm, "points": sorted(points)}
        for (measure, layer, arm), points in found.items()
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _examples(part: str, kept: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """arm -> t, as text -> address."""
    measure, samples = PARTS[part][0], kept[part]["samples"]
    means = {
        (row["arm"], row["timestep"]): (row.get(measure) or {}).get("mean")
        for row in kept[part]["curves"]
        if row["layer"] == samples["layer"]
    }
    found: dict[str, dict[str, str]] = {}
    for row in samples["rows"]:
        arm, timestep, mean = row["arm"], row["timestep"], means.get((row["arm"], row["timestep"]))
        values = {place: value for place, value in enumerate(row.get(measure, ())) if _is_number(value)}
        if row["repeat"] or not _is_number(mean) or not values:
            continue
        nearest = min(values, key=lambda place: abs(values[place] - mean))
        found.setdefault(arm, {})[str(timestep)] = _address(part, kept, samples, nearest, arm, timestep)
    return found


def _address(
    part: str, kept: Mapping[str, Any], samples: Mapping[str, Any], place: int, arm: str, timestep: int
) -> str:
    """The part of an address after the question mark: the request of the attention tab, then what its viewer shows."""
    scene = samples["scenes"][place]
    given = {"scene": str(scene)} if part == "given" else {}
    # A generated picture has the steps that made it; its inversion is then shown in as many.
    steps = kept["inversion_steps"] if arm == INVERSION and given else kept["steps"]
    told = given | {
        "tab": "attention",
        "prompt": samples["captions"][str(scene)],
        "model": kept["model"],
        "steps": str(steps),
        "guidance_scale": f"{kept['guidance_scale']:g}",
        "seed": str(samples["seeds"][place]),
        "arms": arm,
        "timesteps": str(timestep) if arm == AGAIN else ", ".join(map(str, kept["timesteps"])),
    }
    if arm in OVER_SEEDS:
        told["seeds"] = str(kept["seeds"])
    shown = {"word": samples["words"][place], "mask": "match"}
    if part == "generated" and arm != GENERATION:
        return f"{urlencode(told | shown)}&{urlencode([('arm', GENERATION), ('arm', arm), ('t', timestep)])}"
    at = {} if arm == AGAIN else {"t": str(timestep)}  # of denoising again it is the last step that was measured
    return urlencode(told | shown | {"arm": arm} | at)
