"""Cases that the browser code shares with its Python twins: `python -m tests.views.shared_cases` writes them anew.

tests/viewer/*.test.js read the file; tests/views/test_shared_cases.py holds it equal to what Python says now.
"""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.analysis import metrics
from inspector.evaluation.attention_arms import correlation
from inspector.pipelines.segmentation import reweighed
from inspector.results import BACKGROUND_RULES, Region, SegmentationResult, resize_maps, row
from inspector.views import overlay, segmentation
from inspector.views.atlas import Atlas, Axis, Block, Labels, maps_of, pack, quantise
from inspector.views.atlases import of_segmentation
from inspector.views.attention_atlas import of_attention
from inspector.views.color import colorize, hex_color, lut
from inspector.views.questions import with_answer
from tests.views import samples

FILE = Path(__file__).parents[1] / "viewer" / "shared.json"
MASK = (20, 28)  # larger than the grids by what is no whole number


def cases() -> dict[str, Any]:
    """Everything that the file holds, JSON-ready: a list of cases for each subject, with what Python says of each."""
    return {"scores": _scores(), "otsu": _otsu(), "enlarge": _enlarge(), "colours": _colours(), "atlas": _atlas()} | {
        "curves": _curves(),
        "weighed": _weighed(),
        "regions": _regions(),
        "rows": _rows(),
        "questions": _asked(),
    }


def uneven(*shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """float32 of a shape, from low to high in no order, the same on every machine."""
    values = np.arange(np.prod(shape)) * 37 % 101 / 100
    return (low + (high - low) * values).astype(np.float32).reshape(shape)


def _map(grid: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """A grid as a page has it in 8 bits, and the values that it then stands for."""
    values, low, high = quantise(grid)
    told = {**_grid(values), "low": float(low), "high": float(high)}
    return told, low + values.astype(np.float32) / 255 * (high - low)


def _grid(values: np.ndarray) -> dict[str, Any]:
    height, width = values.shape
    return {"height": height, "width": width, "values": values.astype(int).ravel().tolist()}


def _numbers(values: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in np.ravel(values)]


def _regions() -> list[dict[str, Any]]:
    """The cells that lie in regions, on grids of several shapes."""
    told = [
        ("pixel", [(0.4, 0.99)]),
        ("box", [(0.8, 0.1), (0.2, 0.55)]),
        ("box", [(0.51, 0.51), (0.52, 0.52)]),
        ("polygon", [(0.05, 0.05), (0.1, 0.9), (0.95, 0.5)]),
        ("polygon", [(0.1, 0.1), (0.9, 0.9), (0.1, 0.9), (0.9, 0.1)]),  # crosses itself
    ]
    found = []
    for kind, points in told:
        for grid in ((6, 4), (5, 9), (1, 1)):
            cells = np.flatnonzero(Region(kind, tuple(points)).cells(grid)).tolist()
            corners = [{"y": y, "x": x} for y, x in points]
            found.append({"kind": kind, "points": corners, "height": grid[0], "width": grid[1], "cells": cells})
    return found


def _rows() -> list[dict[str, Any]]:
    """Where cells look, of queries and keys in half precision."""
    found = []
    for heads, cells in ((1, [0]), (2, [3, 4, 11]), (4, list(range(12)))):
        projected = uneven(2, 8, 3, 4, low=-2, high=2).astype(np.float16)
        inside = np.isin(np.arange(12), cells).reshape(3, 4)
        found.append({
            "heads": heads, "cells": cells, "shape": list(projected.shape),
            "bits": projected.view(np.uint16).ravel().tolist(), "row": _numbers(row(projected, heads, inside)),
        })  # fmt: skip
    return found


def _asked() -> dict[str, Any]:
    """A recorded run's atlas, and what Python says of questions that a page answers by itself."""
    result = samples.attention_asked()
    made = of_attention(result)
    choices = [
        {"view": "self", "layer": "mean", "step": "3"},
        {"view": "self", "layer": "4", "step": "3"},
        {"view": "word", "layer": "weighted", "step": "2", "word": "horse"},
        {"view": "without start", "layer": "weighted", "step": "1", "word": "horse"},
        {"view": "probe", "layer": "weighted", "step": "3", "probe": "dog"},
        {"view": "against", "layer": "mean", "step": "2"},
        {"view": "against", "layer": "weighted", "step": "3"},
    ]
    states = [
        {"pin": {"y": 0.3, "x": 0.8}},
        {
            "region": {"kind": "box", "points": [{"y": 0.1, "x": 0.1}, {"y": 0.6, "x": 0.4}]},
            "mixture": {"4": 0.25, "2": 1},
        },
        {"rivals": ["a", "horse"]},
    ]
    cases = []
    for choice in choices:
        for state in states:
            whole = {axis.name: axis.values[axis.first] for axis in made.axes} | choice
            answered = with_answer(made, result, whole, state)
            labels = [item for item in answered.labels if item not in made.labels]
            if labels:
                told = {"labels": labels[0].values.ravel().tolist()}
            else:
                told = {"map": _numbers(np.asarray(answered.blocks[0].maps))}
            cases.append({"choice": whole, "state": state, **told})
    return {"atlas": base64.b64encode(pack(made)).decode(), "cases": cases}


def _scores() -> list[dict[str, Any]]:
    rows, columns = np.indices(MASK)
    disc, half = np.hypot(rows - 8, columns - 9) < 6.2, np.arange(24).reshape(4, 6) % 6 < 3
    grids = {
        "an uneven map, enlarged": (uneven(5, 7), disc, 0.4),
        "values on both sides of zero": (uneven(5, 7, low=-1), disc, 0.6),
        "no positive value": (uneven(5, 7, low=-1, high=-0.1), disc, 0.4),
        "a constant map": (np.full((5, 7), 0.3, np.float32), disc, 0.4),
        "a perfect map on the mask's own grid": (half.astype(np.float32), half, 0.5),
        "ties inside and outside": (np.tile(np.float32([1, 0, 0.5]), (4, 2)), half, 0.4),
        "peaks outside that are little higher": (np.where(np.eye(4, 6), 1, 0.996 * ~half), ~half, 0.4),
        "an empty mask": (uneven(4, 6), np.zeros((4, 6), bool), 0.4),
        "a mask without an outside": (uneven(4, 6), np.ones((4, 6), bool), 0.4),
    }
    return [_score(name, *case) for name, case in grids.items()]


def _score(name: str, grid: np.ndarray, mask: np.ndarray, threshold: float) -> dict[str, Any]:
    told, values = _map(grid)
    full = resize_maps(values, mask.shape)
    found = metrics.map_scores(full, mask, threshold)
    found |= {"pointing": metrics.pointing(full, mask), "chance": metrics.chance(mask)}
    area = full >= threshold * full.max() if full.max() > 0 else np.zeros(mask.shape, bool)
    expected = {key: None if np.isnan(value) else round(value, 5) for key, value in found.items() if key != "entropy"}
    return {
        "name": name,
        "map": told,
        "mask": _grid(mask),
        "threshold": threshold,
        "expected": expected | {"area": round(float(area.mean()), 5)},
    }


def _curves() -> list[dict[str, Any]]:
    """Entropy of a map at the mask's size, and its correlation with another of its own grid."""
    spot = np.zeros((5, 7), np.float32)
    spot[2, 3] = 1
    grids = {
        "uneven": (uneven(5, 7), uneven(5, 7)[::-1]),
        "one cell": (spot, uneven(5, 7)),
        "far from zero": (uneven(5, 7, low=0.8, high=0.9), spot),
        "values on both sides of zero": (uneven(5, 7, low=-1), uneven(5, 7, low=-1)),
        "a constant map": (np.full((5, 7), 0.3, np.float32), spot),
        "no positive value": (uneven(5, 7, low=-1, high=-0.1), spot),
    }
    cases = []
    for name, (grid, against) in grids.items():
        (told, values), (other, others) = _map(np.ascontiguousarray(grid)), _map(np.ascontiguousarray(against))
        found = metrics.entropy(resize_maps(values, MASK)), correlation(values, others)
        entropy, together = (None if np.isnan(value) else round(float(value), 6) for value in found)
        size = {"height": MASK[0], "width": MASK[1]}
        cases.append(
            {"name": name, "map": told, "other": other, "size": size, "entropy": entropy, "correlation": together}
        )
    return cases


def _otsu() -> list[dict[str, Any]]:
    """OpenCV's threshold is the largest 8-bit value of the lower group."""
    grids = [uneven(9, 9) ** 2, uneven(9, 9) ** 0.5, np.concatenate([uneven(4, 9) / 3, 0.6 + uneven(5, 9) / 3])]
    found = []
    for grid in grids:
        told, _ = _map(grid)
        values = np.array(told["values"], np.uint8)
        cut, _ = cv2.threshold(values, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        above = int(np.count_nonzero(values > cut))
        found.append({"map": told, "above": above})
    return found


def _enlarge() -> list[dict[str, Any]]:
    grid = (uneven(5, 7) * 255).astype(np.uint8)
    found = []
    for size in ((5, 7), (12, 16), (3, 4), (1, 9)):
        for smooth in (True, False):
            if smooth and size[0] < 5:
                continue  # OpenCV shrinks alike, but nothing here does
            values = overlay.enlarge(grid.astype(np.float32), size, smooth)
            found.append({"grid": _grid(grid), "size": size, "smooth": smooth, "expected": _numbers(values)})
    return found


def _colours() -> dict[str, Any]:
    told, values = _map(uneven(5, 7, low=-0.2))
    image = (uneven(5, 7, 3) * 255).astype(np.uint8)
    inside = values >= 0.5
    faded = overlay.blend(image, np.full_like(image, 255), 0.8)
    labels, colors = (uneven(5, 7) * 3).astype(np.int32), lut("turbo")[[0, 90, 170, 250]]
    ends = [(float(told["low"]), float(told["high"])), (0.0, 0.61), (-1.0, 2.0), (0.5, 0.5)]
    return {
        "map": told,
        "image": image.ravel().tolist(),
        "table": lut("viridis").ravel().tolist(),
        "diverging": lut("diverging").ravel().tolist(),
        "heat": [
            {
                "low": low,
                "high": high,
                "full": colorize(values, low, high, "viridis").ravel().tolist(),
                "over": overlay.heat(image, values, low, high, "viridis", 0.6).ravel().tolist(),
                "clear": overlay.heat(image, values, low, high, "viridis", 0.6, fade=True).ravel().tolist(),
                "signed": overlay.heat(image, values, low, high, "diverging", 0.6, fade=True).ravel().tolist(),
            }
            for low, high in ends
        ],
        "opacity": 0.6,
        "labels": _grid(labels) | {"colors": ["#" + bytes(color).hex() for color in colors]},
        "painted": overlay.blend(image, colors[labels], 0.6).ravel().tolist(),
        "inside": inside.astype(int).ravel().tolist(),
        "faded": np.where(inside[..., None], image, faded).ravel().tolist(),
    }


def _atlas() -> dict[str, Any]:
    """A whole file, and what lies in it."""
    atlas = _of_every_kind()
    data, (labels,), features = pack(atlas), atlas.labels, atlas.features
    assert features is not None
    read, flat = maps_of(data, {"layer": "up"}), features.reshape(6, -1)
    return {
        "file": base64.b64encode(data).decode(),
        "maps": _numbers(read),
        "at": _numbers(resize_maps(read[2, 1], (13, 17))),  # every pixel of a picture of this size
        "size": (13, 17),
        "mask": _grid(atlas.masks["car"]),
        "labels": _grid(labels.values),
        "similarity": _numbers(flat[:, 5] @ flat),  # to row 1, column 1
        "viridis": lut("viridis").ravel().tolist()[:12],
    }


def _of_every_kind() -> Atlas:
    """An atlas with maps, maps that are only announced, similarities, labels, a mask and measures; no picture.

    A picture's bytes are the PNG encoder's, which differ from one version of OpenCV to the next.
    """
    axes = (
        Axis("word", ("car", "sky"), ("car", "sky"), first=1),
        Axis("step", ("1", "2", "3"), ("1 of 3, t = 9", "2 of 3, t = 5", "3 of 3, t = 1"), "slider"),
        Axis("layer", ("up", "down", "near"), ("up", "down", "near"), "list"),
    )
    maps, scores = uneven(3, 2, 4, 5, low=-2, high=3), {"car": {"ap": np.array([0.25, np.nan, 0.75])}}
    blocks = (
        Block({"layer": "up"}, ("step", "word"), maps, "picture", scores=scores),
        Block({"layer": "down"}, ("step", "word"), None, "picture"),
        Block({"layer": "near"}, (), None, "picture", computed="similarity"),
    )
    values, colors = (uneven(3, 4) * 3).astype(np.uint8), lut("turbo")[[0, 90, 170, 250]]
    labels = (Labels({"layer": "up"}, values, colors, ("a", "b", "c", "d"), "picture"),)
    features = uneven(6, 3, 4, low=-1)
    features /= np.linalg.norm(features, axis=0)
    facts = {"title": "Cases", "matches": {"axis": "word", "names": {"car": "car"}, "threshold": 0.4}}
    return Atlas("attention", axes, blocks, {}, labels, {"car": uneven(7, 9) > 0.5}, features, facts)


def _weighed() -> dict[str, Any]:
    """A result with proposals as a file, and what Python makes of them under other weights and rules."""
    result = samples.segmented_by_proposals(*MASK)
    assert result.proposals is not None
    asked = [((0.3, 0.7), "words", 0.0), ((0.0, 0.0), "words", 0.0), ((1.0, 1.0), "words", 0.0)]
    asked += [((0.85, 0.1), rule, 0.3) for rule in BACKGROUND_RULES] + [((0.0, 1.0), "constant", 0.0)]
    cases, made = [], result.proposals
    for weights, rule, background in asked:
        request = replace(result.request, background_rule=rule, background=background)
        cases.append(_weighed_case(reweighed(replace(result, request=request), *weights), weights))
    atlas = of_segmentation(result)
    facts = {name: fact for name, fact in atlas.facts.items() if name != "record"}  # which has what any request has
    atlas = replace(atlas, pictures={}, facts=facts)  # a picture's bytes are the encoder's
    return {
        "file": base64.b64encode(pack(atlas)).decode(),
        "masks": _numbers(made.masks.astype(np.float32)),
        "cases": cases,
    }


def _digits(labels: np.ndarray) -> str:
    return "".join(map(str, labels.ravel()))


def _weighed_case(result: SegmentationResult, weights: tuple[float, float]) -> dict[str, Any]:
    request, made, found = result.request, result.proposals, result.panoptic
    assert made is not None
    assert found is not None
    return {
        "weights": weights,
        "rule": request.background_rule,
        "background": request.background,
        "power": request.background_power,
        "named": _numbers(made.named(weights)),
        "scores": _numbers(result.grid_scores),
        "uncertainty": _numbers(result.uncertainty),
        "labels": _digits(result.labels),
        "errors": _digits(np.where(result.labels == segmentation.truth(result), 1, 2)),
        "miou": round(float(result.metrics["miou"]), 6),
        "ids": _digits(found.ids),
        "segments": [[name, hex_color(color)] for name, color in segmentation.segment_names(result)],
    }


def text() -> str:
    """The file's text, a line for each subject."""
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in cases().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")
