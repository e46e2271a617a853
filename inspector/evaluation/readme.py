"""README's table of measured numbers of both pairs, rendered from what `evaluate --readme` wrote into assets/measured.

No number in it is typed: a test renders it again, and asks that it was measured on the weights that are shipped.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError
from inspector.evaluation import readme_place
from inspector.models.catalog import PAIRS
from inspector.settings import ASSETS
from inspector.views.export import dumps

MEASURED = ASSETS / "measured"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- measured: python -m inspector evaluate SUBJECT --readme -->", "<!-- /measured -->"
SUBJECTS = ("models", "saliency", "attention", "clusters", "segmentation")
Row = tuple[str, str, str, str]  # what, value, what stands beside it, aim


def check() -> None:
    """Raise ChoiceError unless README has the place of the table, once."""
    readme_place.check(README, START, STOP)


def pair_of(models: Iterable[str]) -> str:
    """The pair of embedded models that all of these names are of. Raises ChoiceError where they are of none or two."""
    for pair, known in PAIRS.items():
        if set(models) <= set(known.values()):
            return pair
    told = " or ".join(f"{' and '.join(known.values())} ({pair})" for pair, known in PAIRS.items())
    raise ChoiceError(f"README tells of pairs of embedded models; measure {told}, or leave out --readme.")


def write(subject: str, result: Mapping[str, Any], pair: str = "taught") -> None:
    """Keep a subject's numbers and put the table into README anew. Raises ChoiceError as `check`."""
    check()
    MEASURED.mkdir(exist_ok=True)
    _file(subject, pair).write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(read()))


def _file(subject: str, pair: str) -> Path:
    return MEASURED / (f"{subject}.json" if pair == "taught" else f"{subject}-{pair}.json")


def read() -> dict[str, dict[str, Any]]:
    """subject -> pair -> its numbers, in the order of SUBJECTS; what was not measured is left out."""
    files = {subject: {pair: _file(subject, pair) for pair in PAIRS} for subject in SUBJECTS}
    found = {
        subject: {pair: json.loads(file.read_text("utf-8")) for pair, file in pairs.items() if file.is_file()}
        for subject, pairs in files.items()
    }
    return {subject: pairs for subject, pairs in found.items() if pairs}


def render(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The table as Markdown: what, each pair's value ± half its 95% interval, what stands beside them, aim.

    Where the pairs were measured on scenes of another number, or what stands beside them differs, both are told.
    """
    lines = [f"| `evaluate` | drawn scenes | {' | '.join(PAIRS)} | beside them | aim |"]
    lines.append("|---" * (len(PAIRS) + 4) + "|")
    for subject, pairs in results.items():
        counts = _together({pair: str(result["count"]) for pair, result in pairs.items()})
        rows = {pair: {row[0]: row for row in ROWS[subject](result)} for pair, result in pairs.items()}
        for what, *_, aim in {what: row for known in rows.values() for what, row in known.items()}.values():
            found = {pair: known[what] for pair, known in rows.items() if what in known}
            values = " | ".join(found[pair][1] if pair in found else "" for pair in PAIRS)
            beside = _together({pair: row[2] for pair, row in found.items()})
            lines.append(f"| {what} | {counts} | {values} | {beside} | {aim} |")
    return "\n".join(lines) + "\n"


def _together(told: Mapping[str, str]) -> str:
    """What is told of each pair: once where it is the same."""
    return next(iter(told.values())) if len(set(told.values())) == 1 else "; ".join(map(": ".join, told.items()))


def _models(result: Mapping[str, Any]) -> Iterator[Row]:
    aims = {
        "retrieval_top1": ".90",
        "presence_auc": ".97",
        "psnr": "28 dB",
        "found": ".85 of `found_on_drawn`; plain: .9 of it",
        "colour_right": "plain: .5",
    }
    for name, found in result["details"].items():
        yield f"models: {name}", _spread(found), _beside(found["baselines"]), aims.get(name, "")


def _saliency(result: Mapping[str, Any]) -> Iterator[Row]:
    named = {"pointing_things": ("pointing over things", ".80"), "ap": ("AP over words", "above centre and colour")}
    for metric, (title, aim) in named.items():
        for method in (name for name in result[metric] if name.endswith("present")):
            pooling = method.partition(",")[0]
            found = result[metric][method]
            yield f"saliency: {title}, {pooling} pooling", _spread(found), _beside(result[metric]["baselines"]), aim


def _attention(result: Mapping[str, Any]) -> Iterator[Row]:
    held, best = result["held_out"], result["best"]
    blind = {name.replace("_", " "): held[name] for name in ("chance", "centre_prior")}
    where = f"{best['layer'].removesuffix('.transformer_blocks.0.attn2')} at t = {best['timestep']}"
    yield "attention: AP over words", f"{_spread(held['mean_ap'])} ({where})", _beside(blind), ".60"
    yield "attention: times chance", f"{held['ratio']:.2f}", "", "2.5"
    other = _beside({"the map of another word of the caption": held["other_word"]})
    yield "attention: the same where a caption has several words", _spread(held["own_word"]), other, ""
    low = ", ".join(held["below_chance"]) or "none"
    yield "attention: words below chance by more than .05", low, "", "none"


def _clusters(result: Mapping[str, Any]) -> Iterator[Row]:
    scores = {name: methods["miou"] for name, methods in result["methods"].items()}
    yield "clusters: matched mIoU, UNet features", _spread(scores.pop("unet")), _beside(scores), "above rgb and xy"


def _segmentation(result: Mapping[str, Any]) -> Iterator[Row]:
    miou = result["present"]["miou"]
    for method in (name for name in miou if name != "baselines"):
        yield f"segmentation: mIoU, {method}", _spread(miou[method]), _beside(miou["baselines"]), ".45 for the best"


def _spread(found: Mapping[str, Any]) -> str:
    spread = "" if found.get("ci95") is None else f" ± {found['ci95']:.3f}"
    return "–" if found["mean"] is None else f"{found['mean']:.3f}{spread}"


def _beside(baselines: Mapping[str, Any]) -> str:
    values = {name: value["mean"] if isinstance(value, Mapping) else value for name, value in baselines.items()}
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items() if value is not None)


ROWS = {
    "models": _models,
    "saliency": _saliency,
    "attention": _attention,
    "clusters": _clusters,
    "segmentation": _segmentation,
}
