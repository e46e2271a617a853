"""The verdict's two pictures: scores of every arm against t, and how maps go from coarse to fine, a model a column."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspector.analysis.attention import MEAN
from inspector.results import AGAIN, DECODED, INVERSION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS
from inspector.views.curves import Band, Chart, Curve

Result = Mapping[str, Any]
# arm -> its colour and marker, the same in every chart
SLOTS = {NOISE_ONCE: 5, MEAN_OF_SEEDS: 1, NOISELESS: 2, INVERSION: 0, AGAIN: 3, LATENT: 4, DECODED: 6}
GIVEN = (NOISELESS, INVERSION, MEAN_OF_SEEDS, NOISE_ONCE, AGAIN)
GENERATED = (NOISELESS, INVERSION, MEAN_OF_SEEDS, LATENT, DECODED, NOISE_ONCE)
OF_NOISE, OF_RUN = "t of the noise, of 1,000", "t, of 1,000; denoising goes to the right"


def arms_figure(results: Sequence[Result]) -> list[Band]:
    """AP on given pictures; correlation with generation, of all layers and of one noise by size; clusters."""
    return [
        _band("Given pictures: average precision against exact masks", results, "AP over words", _given),
        _band("Generated pictures: agreement with generation at the same t", results, "correlation", _generated),
        _band("The same for one noise, by size of layer", results, "correlation", _by_size),
        _band("Clusters of features of given pictures", results, "matched mIoU", _clusters),
    ]


def coarse_figure(results: Sequence[Result]) -> list[Band]:
    """Agreement with the last step; where the energy sits; which size of layer has it; which finds the mask."""
    return [
        _band("Generation: agreement with the last step's mean map", results, "correlation", _agreement, OF_RUN),
        _band("The mean map's resolution", results, "cycles per picture", _centroid, OF_RUN),
        _band("Generation: attention above uniform, by size of layer", results, "share", _shares, OF_RUN),
        _band("Given pictures along inversion: which layers find the mask", results, "AP over words", _finding, OF_RUN),
    ]


def _band(
    heading: str,
    results: Sequence[Result],
    label: str,
    curves: Callable[[Result], list[Curve]],
    axis: str = OF_NOISE,
) -> Band:
    falling = axis == OF_RUN
    return Band(heading, [Chart(result["model"], curves(result), axis, label, falling) for result in results])


def _given(result: Result) -> list[Curve]:
    return [_of_arm(result["given"]["curves"], arm, "ap", MEAN) for arm in GIVEN]


def _generated(result: Result) -> list[Curve]:
    return [_of_arm(result["generated"]["curves"], arm, "correlation", MEAN) for arm in GENERATED]


def _by_size(result: Result) -> list[Curve]:
    rows = result["generated"]["curves"]
    labels = [label for label in dict.fromkeys(row["layer"] for row in rows) if label != MEAN]
    return [_of_arm(rows, NOISE_ONCE, "correlation", label, _cells(label), place) for place, label in enumerate(labels)]


def _clusters(result: Result) -> list[Curve]:
    rows = result["given"]["features"]["curves"]
    return [_of_arm(rows, arm, "miou", rows[0]["layer"]) for arm in GIVEN]


def _agreement(result: Result) -> list[Curve]:
    rows = result["generated"]["coarse"]
    every = [_curve("mean of all layers", rows, lambda row: row["correlation"], 5)]
    return every + _sizes(rows, "sizes")


def _centroid(result: Result) -> list[Curve]:
    made, given = result["generated"]["coarse"], result["given"]["coarse"]
    return [
        _curve("generation", made, lambda row: row["centroid"], 0),
        _curve("inversion of given pictures", given, lambda row: row["centroid"], 1),
    ]


def _shares(result: Result) -> list[Curve]:
    return _sizes(result["generated"]["coarse"], "shares")


def _finding(result: Result) -> list[Curve]:
    rows = result["given"]["coarse"]
    return [_curve("mean of all layers", rows, lambda row: row["ap"], 5), *_sizes(rows, "sizes")]


def _sizes(rows: Sequence[Result], name: str) -> list[Curve]:
    def of(size: str) -> Callable[[Result], Mapping[str, Any]]:
        return lambda row: row[name][size]

    return [_curve(_cells(size), rows, of(size), place) for place, size in enumerate(rows[0][name])]


def _of_arm(
    rows: Sequence[Result], arm: str, metric: str, label: str, name: str | None = None, slot: int | None = None
) -> Curve:
    own = [row for row in rows if row["arm"] == arm and row["layer"] == label]
    return _curve(name or arm, own, lambda row: row[metric], SLOTS[arm] if slot is None else slot)


def _curve(name: str, rows: Sequence[Result], value: Callable[[Result], Mapping[str, Any]], slot: int) -> Curve:
    known = [(row["timestep"], value(row)) for row in rows if value(row)["mean"] is not None]
    means, halves = ([found[key] or 0 for _, found in known] for key in ("mean", "ci95"))
    return Curve(name, [moment for moment, _ in known], means, halves, slot)


def _cells(label: str) -> str:
    """ "resolution 32" -> "32 cells" """
    return f"{label.split()[-1]} cells a side"
