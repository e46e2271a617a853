"""The verdict as text: arms by t, the loss and its parts, and how maps change along t."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from inspector.analysis.attention import MEAN
from inspector.results import NOISE_ONCE
from inspector.views.attention import short
from inspector.views.table import lines
from inspector.views.table import table as as_table


def table(result: Mapping[str, Any]) -> str:
    """Every table below a heading that says what its numbers are; ± is half of a 95% interval over pictures."""
    given, made = result["given"], result["generated"]
    head = (
        f"What one noise does to the attention of {result['model']}: {given['count']} given pictures, drawn scenes "
        f"from seed {result['seed']} with exact masks at {result['score_side']} px, and {made['count']} generated from "
        f"their captions; {result['seeds']} noises each. Means over words, or over pictures for features; ± is half of "
        "a 95% interval over pictures."
    )
    return "\n\n".join([head, *_of_given(given), *_of_generated(made)])


def _of_given(given: Mapping[str, Any]) -> list[str]:
    curves, features = given["curves"], given["features"]
    return [
        *(_curves("Given, mean of all layers", curves, metric) for metric in ("ap", "iou", "iou_best", "entropy")),
        _spread("Given", curves, "ap"),
        *(_curves(f"Given, {label}", curves, "ap", label) for label in _resolutions(curves)),
        f"Chance, the AP of a map that knows nothing: {_band(given['chance'])}. "
        f"Inversion from the largest t denoises to {_band(given['psnr'])} dB of the picture, the autoencoder alone to "
        f"{_band(given['psnr_autoencoder'])} dB, on {given['psnr']['count']} pictures.",
        _words("Given, mean of all layers, AP of one noise by word", given["words"]),
        f"What is lost on given pictures. {_sentence(given['attribution']['definition'])}",
        *_losses(given["attribution"]["rows"], ("ap",)),
        f"What denoising again brings back. {_sentence(given['again']['definition'])}",
        *_losses(given["again"]["rows"], ("ap",)),
        _walk("Along inversion of given pictures", given["coarse"], "ap"),
        _curves(f"Clusters of {features['count']} given pictures", features["curves"], "miou", None),
        *_losses(features["attribution"], ("miou",)),
    ]


def _of_generated(made: Mapping[str, Any]) -> list[str]:
    curves, features, definition = made["curves"], made["features"], made["attribution"]["definition"]
    labels = (MEAN, *_resolutions(curves))
    return [
        *(
            _curves(f"Generated, {label}, with generation at the same t", curves, "correlation", label)
            for label in labels
        ),
        _curves("Generated, mean of all layers, with generation's last step", curves, "correlation_last"),
        *(_curves("Generated, mean of all layers", curves, metric) for metric in ("agreement", "entropy")),
        _spread("Generated", curves, "correlation"),
        _words("Generated, mean of all layers, correlation of one noise by word", made["words"]),
        f"What is lost on generated pictures. {_sentence(definition['matched'])}\n{_sentence(definition['last'])}",
        *_losses(made["attribution"]["rows"], ("correlation", "correlation_last")),
        _walk("Along generation", made["coarse"], "correlation"),
        *(
            _curves(f"Features of {features['count']} generated pictures", features["curves"], metric, None)
            for metric in ("cka", "cka_last", "ari", "ari_last")
        ),
        *_losses(features["attribution"], ("cka", "cka_last", "ari", "ari_last")),
    ]


def _curves(what: str, rows: Iterable[Mapping[str, Any]], metric: str, label: str | None = MEAN) -> str:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if label in (None, row["layer"]):
            found.setdefault(row["arm"], {"arm": row["arm"]})[f"t={row['timestep']}"] = _band(row[metric])
    return f"{what}: {metric.replace('_', ' ')}\n{lines(as_table(found.values()))}"


def _spread(what: str, rows: Iterable[Mapping[str, Any]], metric: str) -> str:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["layer"] == MEAN and "seeds" in row[metric]:
            seeds, at = row[metric]["seeds"], f"t={row['timestep']}"
            text = f"{seeds['std']:.4f}, {seeds['within']:.3f}"
            found.setdefault(row["arm"], {"arm": row["arm"]})[at] = text
    head = f"{what}, spread of {metric} over noises: std of their means, and within a word of a picture"
    return f"{head}\n{lines(as_table(found.values()))}"


def _words(what: str, rows: Iterable[Mapping[str, Any]]) -> str:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for word, value in row["words"].items() if row["arm"] == NOISE_ONCE else ():
            found.setdefault(word, {"word": word})[f"t={row['timestep']}"] = value
    return f"{what}\n{lines(as_table(found.values()))}"


def _losses(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[str]:
    """A table per metric and label."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        cells = {"t": str(row["timestep"]), "whole": _band(row["whole"])}
        cells |= {name: _band(part) for name, part in row["parts"].items()}
        found.setdefault((row["metric"], row["layer"]), []).append(cells)
    return [
        f"Lost, {label}: {metric.replace('_', ' ')}\n{lines(as_table(cells))}"
        for (metric, label), cells in found.items()
        if metric in metrics
    ]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _walk(what: str, rows: Iterable[Mapping[str, Any]], score: str) -> str:
    found = [
        {"t": str(row["timestep"]), score: _band(row[score]), "centroid": _band(row["centroid"])}
        | {f"share of {size}": _band(share) for size, share in row["shares"].items()}
        | {"best layer": short(row["best"] or ""), "its": row["layers"].get(row["best"])}
        for row in rows
    ]
    return f"{what}: centroid in cycles per picture, shares of attention above uniform\n{lines(as_table(found))}"


def _resolutions(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [label for label in dict.fromkeys(row["layer"] for row in rows) if label != MEAN]


def _band(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "–"
    return f"{found['mean']:.3f}" + ("" if found["ci95"] is None else f" ±{found['ci95']:.3f}")
