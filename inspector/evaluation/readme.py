"""README's table of measured numbers, rendered from what `evaluate --readme` wrote into assets/measured.

No number in it is typed: a test renders it again, and asks that it was measured on the weights that are shipped.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from inspector.errors import ChoiceError
from inspector.settings import ASSETS
from inspector.views.export import dumps

MEASURED = ASSETS / "measured"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- measured: python -m inspector evaluate SUBJECT --readme -->", "<!-- /measured -->"
SUBJECTS = ("models", "saliency", "attention", "clusters", "segmentation")
Row = tuple[str, str, str, str]  # what, value, what stands beside it, aim


def check() -> None:
    """Raise ChoiceError unless README has the place of the table, once."""
    text = README.read_text(encoding="utf-8")
    if text.count(START) != 1 or text.count(STOP) != 1 or text.index(START) > text.index(STOP):
        raise ChoiceError(f"{README.name} has no single pair of lines {START!r} and {STOP!r}; put them back.")


def write(subject: str, result: Mapping[str, Any]) -> None:
    """Keep a subject's numbers and put the table into README anew. Raises ChoiceError as `check`."""
    check()
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{subject}.json").write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(STOP)
    README.write_text(f"{before}{START}\n{render(read())}{STOP}{after}", encoding="utf-8")


def read() -> dict[str, dict[str, Any]]:
    """subject -> its numbers, in the order of SUBJECTS; those that were not measured are left out."""
    files = {subject: MEASURED / f"{subject}.json" for subject in SUBJECTS}
    return {subject: json.loads(file.read_text("utf-8")) for subject, file in files.items() if file.is_file()}


def render(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table as Markdown: what, value ± half its 95% interval, what stands beside it, aim."""
    lines = ["| `evaluate` | drawn scenes | measured | beside it | aim |", "|---|---|---|---|---|"]
    for subject, result in results.items():
        for what, value, beside, aim in ROWS[subject](result):
            lines.append(f"| {what} | {result['count']} | {value} | {beside} | {aim} |")
    return "\n".join(lines) + "\n"


def _models(result: Mapping[str, Any]) -> Iterator[Row]:
    aims = {"retrieval_top1": ".90", "presence_auc": ".97", "psnr": "28 dB", "found": ".85 of `found_on_drawn`"}
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
    what = f"attention: AP over words, {best['layer']} at t = {best['timestep']}"
    yield what, _spread(held["mean_ap"]), _beside(blind), ".60"
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
