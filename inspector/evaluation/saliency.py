"""Grad-CAM on drawn scenes: pointing, average precision and IoU, beside what needs no model.

Every word a scene shows is asked for. Its probability competes with the other words shown and CLIP-ES's
background words ("present"), or with all words of the world and the background words ("all"), since a
person who looks at a picture names what is there, and a benchmark does not know.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from inspector import world
from inspector.analysis import metrics
from inspector.analysis.saliency import gradcam
from inspector.evaluation.colours import class_colours
from inspector.evaluation.tally import Summary, class_means, mean_of_classes, mean_of_pairs, with_spread
from inspector.evaluation.texts import TEMPLATE, VOCABULARIES, Texts, vocabulary
from inspector.models import load_clip
from inspector.models.protocols import ClipModel
from inspector.results import SCORE_THRESHOLD, Progress, resize_maps
from inspector.views.table import lines
from inspector.views.table import table as rows_table

MEASURES = ("pointing", "ap", "iou", "iou_best")
BASELINES = ("centre prior", "class colour", "chance")
Report = Callable[[Progress], None]


def evaluate(count: int, seed: int, progress: Report | None = None, clip: str = "scenes-clip") -> dict[str, Any]:
    """Scores of `count` scenes from `seed` on, JSON-ready.

    "pointing_things", "pointing", "ap", "ap_things", "iou" and "iou_best" hold {method: {mean, std, ci95, count}} and
    "baselines" alike; "classes" holds {word: {count, method: AP}}. Pointing is averaged over pairs of a scene and a
    word, the others over classes. Methods are "class, present" and so on: pooling and vocabulary.
    """
    model = load_clip(clip)
    texts = Texts(model)
    colours = class_colours()
    values: dict[str, dict[str, np.ndarray]] = {measure: {} for measure in MEASURES}
    for row in range(count):
        if progress is not None:
            progress(Progress(row, count, "Looking at drawn scenes"))
        scene = world.scene(seed + row)
        words = tuple(scene.masks)
        height, width = scene.labels.shape
        maps = cam_maps(model, texts, scene.image, words)
        maps["centre prior"] = np.broadcast_to(metrics.centre_prior(height, width), (len(words), height, width))
        maps["class colour"] = colours.maps(scene.image, words)
        maps["chance"] = np.ones((len(words), height, width), np.float32)
        for method, found in maps.items():
            for word, map_ in zip(words, found, strict=True):
                for measure, value in score(map_, scene.masks[word]).items():
                    table_ = values[measure].setdefault(method, np.full((count, len(world.CLASSES)), np.nan))
                    table_[row, world.CLASS_IDS[word] - 1] = value
    return {
        "subject": "saliency",
        "count": count,
        "seed": seed,
        "world": world.VERSION,
        "model": {"name": model.spec.name, "revision": model.revision},
        "template": TEMPLATE,
        "threshold": SCORE_THRESHOLD,
        **summaries(values),
        "classes": by_class(values),
    }


def cam_maps(model: ClipModel, texts: Texts, image: np.ndarray, words: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Method -> Grad-CAM maps float32 (word, h, w) after the ReLU."""
    trunk = model.trunk(model.pixels(image))
    found = {}
    for name in VOCABULARIES:
        known = vocabulary(words, name)
        unseen = tuple(word for word in known if word not in words)
        others = texts.background(known)
        others = torch.cat([texts.classes(unseen), others]) if unseen else others
        for pooling in model.poolings:
            signed = gradcam(model, trunk, texts.classes(words), others, pooling).signed.numpy()
            found[f"{pooling}, {name}"] = resize_maps(np.maximum(signed, 0), image.shape[:2])
    return found


def score(map_: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Every measure of one map (h, w) on one mask."""
    scores = metrics.map_scores(map_, mask, SCORE_THRESHOLD)
    return {name: scores[name] for name in ("ap", "iou", "iou_best")} | {"pointing": metrics.pointing(map_, mask)}


def summaries(values: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """Metric -> {method: summary, "baselines": {name: summary}} from measure -> method -> (scene, class)."""
    things = [word in world.THINGS for word in world.CLASSES]
    chosen: dict[str, tuple[str, Callable[[np.ndarray], Summary]]] = {
        "pointing_things": ("pointing", lambda table_: mean_of_pairs(table_[:, things])),
        "pointing": ("pointing", mean_of_pairs),
        "ap": ("ap", mean_of_classes),
        "ap_things": ("ap", lambda table_: mean_of_classes(table_[:, things])),
        "iou": ("iou", mean_of_classes),
        "iou_best": ("iou_best", mean_of_classes),
    }
    found: dict[str, Any] = {}
    for name, (measure, summarise) in chosen.items():
        all_ = {method: summarise(table_) for method, table_ in values[measure].items()}
        baselines = {method: all_.pop(method) for method in BASELINES}
        found[name] = {**all_, "baselines": baselines}
    return found


def by_class(values: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, float | int]]:
    """word -> {"count": scenes that show it, method: mean AP}; words that no scene shows are left out."""
    counts = np.isfinite(next(iter(values["ap"].values()))).sum(0)
    means = {method: class_means(table_) for method, table_ in values["ap"].items()}
    return {
        word: {"count": int(counts[index])} | {method: float(mean[index]) for method, mean in means.items()}
        for index, word in enumerate(world.CLASSES)
        if counts[index]
    }


def table(result: dict[str, Any]) -> str:
    """The result as text: one row per method and baseline, then AP per class."""
    measures = [name for name, value in result.items() if isinstance(value, dict) and "baselines" in value]
    rows = []
    for method in [*(key for key in result["ap"] if key != "baselines"), *BASELINES]:
        row: dict[str, Any] = {"method": method}
        for name in measures:
            summary = result[name].get(method) or result[name]["baselines"][method]
            row[name] = with_spread(summary)
        rows.append(row)
    classes = [{"class: AP": word, **values} for word, values in result["classes"].items()]
    head = (
        f"Grad-CAM of {result['model']['name']} on {result['count']} drawn scenes from seed {result['seed']}; "
        "mean ± half the 95% interval."
    )
    return "\n\n".join([head, lines(rows_table(rows)), lines(rows_table(classes))])
