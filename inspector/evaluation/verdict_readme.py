"""README's verdict and its two pictures, made of what `evaluate attention --verdict --readme` keeps, a file a model.

No number in it is typed: a test renders it again, and asks that the numbers and pictures are of the shipped weights.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspector.analysis.attention import MEAN
from inspector.errors import ChoiceError
from inspector.evaluation import readme_place
from inspector.evaluation.tally import with_spread
from inspector.evaluation.verdict_figure import arms_figure, coarse_figure
from inspector.results import AGAIN, DECODED, INVERSION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS
from inspector.settings import ASSETS
from inspector.views.attention import short
from inspector.views.curves import DPI, draw
from inspector.views.export import png

MEASURED, FIGURES = ASSETS / "measured", ASSETS / "figures"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- verdict: python -m inspector evaluate attention --verdict --readme -->", "<!-- /verdict -->"
Result = Mapping[str, Any]
PICTURES = {"verdict.png": arms_figure, "coarse-to-fine.png": coarse_figure}


def check() -> None:
    """Raise ChoiceError unless README has the place of the verdict, once."""
    readme_place.check(README, START, STOP)


def write(result: Result) -> None:
    """Keep a model's numbers and renew README and the pictures. Raises ChoiceError as `check`."""
    check()
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"verdict-{result['model']}.json").write_text(packed(result), encoding="utf-8")
    renew()


def packed(result: Result) -> str:
    """The numbers as JSON, a line for each curve, part and column, so that changes can be read and files stay small."""
    return "".join(_lines(result, "")) + "\n"


def _lines(value: Any, indent: str, deep: int = 3) -> Iterator[str]:
    if not deep or not value or not isinstance(value, dict | list):
        yield json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return
    pairs = [(f"{json.dumps(key)}:", item) for key, item in value.items()] if isinstance(value, dict) else []
    pairs = pairs or [("", item) for item in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    yield opened
    for place, (name, item) in enumerate(pairs):
        yield f"{',' if place else ''}\n{indent} {name}"
        yield from _lines(item, indent + " ", deep if isinstance(value, dict) else 0)
    yield f"\n{indent}{closed}"


def read() -> list[dict[str, Any]]:
    """The kept numbers, a model each, those nobody told where words are first. Raises ChoiceError for none."""
    files = sorted(MEASURED.glob("verdict-*.json"), key=lambda file: file.stem, reverse=True)
    if not files:
        raise ChoiceError("No verdict is kept; measure one with evaluate attention --verdict --readme.")
    return [json.loads(file.read_text("utf-8")) for file in files]


def renew() -> None:
    """Draw the pictures and put the verdict into README anew."""
    results = read()
    models = {result["model"]: result["revision"] for result in results}
    for name, make in PICTURES.items():
        origin = {"tab": "evaluate", "provenance": {"models": models}}
        (FIGURES / name).write_bytes(png(draw(make(results)), origin, DPI))
    readme_place.fill(README, START, STOP, render(results))


def render(results: Sequence[Result]) -> str:
    """The verdict as Markdown: a table per model, with what was lost and to what, below what its numbers mean."""
    return "\n".join(line for result in results for line in _of_model(result))


def _of_model(result: Result) -> Iterator[str]:
    given, made, moments = result["given"], result["generated"], result["timesteps"]
    yield (
        f"**`{result['model']}`**, {given['count']} given pictures and {made['count']} generated ones, "
        f"{result['seeds']} noises each; ± is half of a 95% interval over pictures:\n"
    )
    yield f"| | {' | '.join(f't = {moment}' for moment in moments)} |"
    yield "|---|" + "---|" * len(moments)
    for what, cells in _rows(result):
        yield f"| {what} | {' | '.join(cells[moment] for moment in moments)} |"
    yield ""
    yield from _sentences(result)
    yield ""


def _rows(result: Result) -> Iterator[tuple[str, dict[int, str]]]:
    given, made = result["given"], result["generated"]
    for arm in (NOISELESS, INVERSION, MEAN_OF_SEEDS, NOISE_ONCE, AGAIN):
        yield f"given, AP: {arm}", _cells(given["curves"], "ap", arm)
    for arm in (NOISELESS, INVERSION, MEAN_OF_SEEDS, LATENT, DECODED, NOISE_ONCE):
        yield f"generated, correlation at the same t: {arm}", _cells(made["curves"], "correlation", arm)
    for label in dict.fromkeys(row["layer"] for row in made["curves"] if row["layer"] != MEAN):
        cells = _cells(made["curves"], "correlation", NOISE_ONCE, label)
        yield f"the same of {NOISE_ONCE}, layers of {label.split()[-1]} cells a side", cells
    yield from _lost("given, AP lost to one noise", given["attribution"]["rows"], "ap")
    yield from _lost("generated, correlation at the same t lost", made["attribution"]["rows"], "correlation")
    yield from _lost("generated, correlation with the last step lost", made["attribution"]["rows"], "correlation_last")
    features, own = given["features"]["curves"], made["features"]["curves"]
    yield f"given, mIoU of clusters: {NOISELESS}", _cells(features, "miou", NOISELESS, None)
    yield f"given, mIoU of clusters: {NOISE_ONCE}", _cells(features, "miou", NOISE_ONCE, None)
    yield f"generated, CKA of features at the same t: {NOISE_ONCE}", _cells(own, "cka", NOISE_ONCE, None)


def _sentences(result: Result) -> Iterator[str]:
    """What denoising again brings back; how maps go from coarse to fine; the best layers; inversion's error."""
    given, made, last = result["given"], result["generated"], result["timesteps"][-1]
    again = _row(given["again"]["rows"], "ap", last)["parts"]["brought back"]
    yield f"- Of the AP that one noise at t = {last} loses, denoising again brings back {with_spread(again)}."
    for name, rows, score in (("generation", made["coarse"], "correlation"), ("inversion", given["coarse"], "ap")):
        ends = (max(rows, key=lambda row: row["timestep"]), min(rows, key=lambda row: row["timestep"]))
        told = "; ".join(_end(row, score) for row in ends)
        yield f"- Along {name}, {told}."
    yield (
        f"- Inversion's reconstruction has {with_spread(given['psnr'])} dB, the autoencoder's own "
        f"{with_spread(given['psnr_autoencoder'])} dB."
    )


def _end(row: Result, score: str) -> str:
    best = row["best"]
    return (
        f"at t = {row['timestep']} the mean map's energy sits at {with_spread(row['centroid'])} cycles per picture and "
        f"the best layer is {short(best)} ({score} {row['layers'][best]:.3f})"
    )


def _lost(what: str, rows: Sequence[Result], metric: str) -> Iterator[tuple[str, dict[int, str]]]:
    """The whole loss, and each part of it."""
    own = [row for row in rows if row["metric"] == metric and row["layer"] == MEAN]
    yield what, {row["timestep"]: with_spread(row["whole"]) for row in own}
    for name in own[0]["parts"]:
        yield f"— of which {name}", {row["timestep"]: with_spread(row["parts"][name]) for row in own}


def _row(rows: Sequence[Result], metric: str, timestep: int) -> Result:
    return next(row for row in rows if (row["metric"], row["layer"], row["timestep"]) == (metric, MEAN, timestep))


def _cells(rows: Sequence[Result], metric: str, arm: str, label: str | None = MEAN) -> dict[int, str]:
    own = [row for row in rows if row["arm"] == arm and label in (None, row["layer"])]
    return {row["timestep"]: with_spread(row[metric]) for row in own}
