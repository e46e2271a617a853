"""A tab measured on a data set of one's own disk: every picture's row, and the scores of the whole."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from inspector.analysis import metrics
from inspector.errors import ChoiceError, InspectorError
from inspector.evaluation.clusters import SCORES
from inspector.evaluation.engines import ENGINES
from inspector.evaluation.journal import Journal
from inspector.evaluation.measuring import Row, Task, measure
from inspector.evaluation.tally import half_interval, mean_of_classes, mean_of_pairs, with_spread
from inspector.results import ClassNames, Progress, check_choice
from inspector.views.table import lines
from inspector.views.table import table as rows_table

HEADLINE = {"segmentation": "miou", "saliency": "ap", "attention": "ap", "clusters": "miou"}  # ranks the pictures
OF_MAPS = ("ap", "pointing", "iou", "iou_best", "chance", "centre prior")
EXTREMES = 3  # pictures that are shown at either end
Metrics = dict[str, dict[str, Any]]


def evaluate(
    task: Task, journal: Journal, engine: str, workers: int, count: int | None, report: Callable[[Progress], None]
) -> list[Row]:
    """The rows of the data set's first `count` pictures, or all, in its order; those in the journal are not run again.

    Raises ChoiceError for an unknown engine, InputError as the engine, ModelError when the model cannot be had, and
    InspectorError where a picture has no row at the end.
    """
    check_choice("engine", engine, tuple(ENGINES))
    entries = task.dataset.entries[:count]
    waiting = [entry for entry in entries if not journal.done(entry.key)]
    if waiting:
        ENGINES[engine](partial(measure, task), waiting, journal, workers, report)
    rows = journal.rows(entry.key for entry in entries)
    if len(rows) < len(entries):
        raise InspectorError(f"{len(entries) - len(rows)} pictures were not measured; run the same command again.")
    return rows


def summary(task: Task, rows: Sequence[Row]) -> dict[str, Any]:
    """The scores of a data set from the rows of its pictures, JSON-ready.

    metrics: name -> {mean, ci95, count}; classes: one row per class that the pictures show; failed: key and error of
    the pictures without a score; worst, best: keys by the subject's first metric.
    Raises ChoiceError where rows are of other weights than others, or no picture could be measured.
    """
    good = [row for row in rows if not row["error"]]
    failed = [{"key": row["key"], "error": row["error"]} for row in rows if row["error"]]
    if not good:
        raise ChoiceError(f"None of {len(rows)} pictures could be measured; the first: {rows[0]['error']}")
    models: dict[str, str] = {}
    for row in good:
        if any(models.setdefault(name, revision) != revision for name, revision in row["models"].items()):
            raise ChoiceError("The rows are of models of two revisions; delete the journal, or choose another --out.")
    found, classes = SUBJECTS[task.subject](good, task.dataset.names)
    headline = HEADLINE[task.subject]
    scored = [row for row in good if row["numbers"].get(headline) is not None]
    ranked = [row["key"] for row in sorted(scored, key=lambda row: row["numbers"][headline])]
    return {
        "subject": task.subject,
        "dataset": task.dataset.title,
        "pictures": len(good),
        "options": dict(task.options),
        "models": models,
        "metrics": found,
        "classes": classes,
        "failed": failed,
        "seconds": metrics.summarise(row["seconds"] for row in good),
        "worst": ranked[:EXTREMES],
        "best": ranked[::-1][:EXTREMES],
    }


def fwiou(matrix: np.ndarray) -> float:
    """Frequency-weighted IoU: each class with ground truth counts by its share of the pixels; nan without any."""
    truth = matrix.sum(1)
    return float(np.nansum(metrics.class_ious(matrix) * truth) / truth.sum()) if truth.any() else math.nan


def _segmentation(rows: Sequence[Row], names: ClassNames) -> tuple[Metrics, list[dict[str, Any]]]:
    """From one confusion matrix over the data set; a class without ground truth does not count (detectron2's rule)."""
    parts = [np.array(row["parts"].get("matrix", ()), np.int64).reshape(-1, 3) for row in rows]
    cells, picture = np.concatenate(parts), np.repeat(np.arange(len(rows)), [len(part) for part in parts])

    def of(measure_: Callable[[np.ndarray], float], drawn: np.ndarray) -> float:
        times = np.bincount(drawn, minlength=len(rows))
        return measure_(_matrix(cells, times[picture], len(names) + 1))

    found = {
        name: {
            "mean": of(measure_, np.arange(len(rows))),
            "ci95": half_interval(partial(of, measure_), len(rows)),
            "count": len(rows),
        }
        for name, measure_ in (("miou", metrics.miou), ("pixel_accuracy", metrics.pixel_accuracy), ("fwiou", fwiou))
    }
    matrix = _matrix(cells, np.ones(len(cells), np.int64), len(names) + 1)
    shown = [
        {"class": group[0], "iou": float(iou), "pixels": int(truth)}
        for group, iou, truth in zip(names, metrics.class_ious(matrix), matrix.sum(1), strict=False)
        if truth
    ]
    return found, shown


def _matrix(cells: np.ndarray, times: np.ndarray, size: int) -> np.ndarray:
    """int64 (size, size) from cells (true class, predicted class, pixels), each counted so many times.

    Whole numbers below 2**53, which float64 adds without rounding: their order does not matter.
    """
    flat = cells[:, 0] * size + cells[:, 1]
    return np.bincount(flat, weights=times * cells[:, 2], minlength=size**2).astype(np.int64).reshape(size, size)


def _maps(rows: Sequence[Row], names: ClassNames) -> tuple[Metrics, list[dict[str, Any]]]:
    """Means over classes of the scores of their maps; pointing over pairs of a picture and a class, as in its game."""
    tables = {name: np.full((len(rows), len(names)), np.nan) for name in OF_MAPS}
    for number, row in enumerate(rows):
        for index, scores in row["parts"].get("classes", {}).items():
            for name in OF_MAPS:
                tables[name][number, int(index)] = scores[name]
    found: Metrics = {
        name: dict((mean_of_pairs if name == "pointing" else mean_of_classes)(table_))
        for name, table_ in tables.items()
    }
    counts = np.isfinite(tables["ap"]).sum(0)
    shown = [
        {"class": group[0], "pictures": int(counts[index])}
        | {name: float(np.nanmean(table_[:, index])) for name, table_ in tables.items()}
        for index, group in enumerate(names)
        if counts[index]
    ]
    return found, shown


def _clusters(rows: Sequence[Row], _: ClassNames) -> tuple[Metrics, list[dict[str, Any]]]:
    """Means over pictures of the matched scores, and the mIoU of the baselines."""
    methods = [row["parts"]["methods"] for row in rows if row["parts"]]
    found: Metrics = {score: metrics.summarise(row["unet"][score] for row in methods) for score in SCORES}
    others = [name for name in (methods[0] if methods else {}) if name != "unet"]
    return found | {f"miou of {name}": metrics.summarise(row[name]["miou"] for row in methods) for name in others}, []


SUBJECTS: Mapping[str, Callable[[Sequence[Row], ClassNames], tuple[Metrics, list[dict[str, Any]]]]] = {
    "segmentation": _segmentation,
    "saliency": _maps,
    "attention": _maps,
    "clusters": _clusters,
}


def table(result: Mapping[str, Any]) -> str:
    """The scores as text: of the whole, by class, and every picture that could not be measured with its reason."""
    models = ", ".join(f"{name} at {revision[:12]}" for name, revision in result["models"].items()) or "no model"
    head = (
        f"{result['subject'].capitalize()} of {result['dataset']}, {result['pictures']} pictures by {models}; "
        f"± is half of a 95% interval over pictures; {result['seconds']['mean']:.2f} s a picture."
    )
    whole = [{"metric": name, "value": with_spread(found)} for name, found in result["metrics"].items()]
    failed = [f"{row['key']}: {row['error']}" for row in result["failed"]]
    if failed:
        failed.insert(0, f"{len(failed)} pictures could not be measured and count nowhere:")
    parts = [head, lines(rows_table(whole)), lines(rows_table(result["classes"])), "\n".join(failed)]
    return "\n\n".join(part for part in parts if part)
