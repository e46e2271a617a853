"""What each method of segmentation costs on one picture: time, memory and parameters, on models of two sizes.

The embedded pair is the plain one, on which the heads were trained. Full size are Stable Diffusion 1.5 and CLIP
ViT-B/16 with random weights, and the methods that need no training, since no head was trained on those.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from inspector import world
from inspector.bench.attention import spread, timed
from inspector.bench.memory import peak_mb
from inspector.evaluation import readme_place
from inspector.models import load_clip, load_diffusion
from inspector.models.catalog import PAIRS, register_local
from inspector.pipelines import segmentation
from inspector.pipelines.readings import Readings
from inspector.pipelines.segmenters import parameters
from inspector.results import SEGMENTATION_METHODS, TRAINED_METHODS, Progress, SegmentationRequest
from inspector.settings import ASSETS
from inspector.views.export import dumps
from inspector.views.table import lines
from inspector.views.table import table as rows_table

SCENE = world.EVALUATION_SEEDS.start
EMBEDDED, FULL = "embedded", "full size"
MODELS = {
    EMBEDDED: "The embedded plain pair",
    FULL: "Stable Diffusion 1.5 and CLIP ViT-B/16 with random weights",
}
MEASURED, README = ASSETS / "measured" / "segmentation-cost.json", ASSETS.parent / "README.md"
START, STOP = "<!-- cost: python -m inspector bench segmentation [--full-size] --readme -->", "<!-- /cost -->"


def measure(
    repeats: int, report: Callable[[Progress], None] = lambda _: None, full_size: bool = False
) -> dict[str, Any]:
    """Segment one drawn scene by every method `repeats` times, in turns, after one run of each for its memory.

    Returns {"repeats", "size", "device", "dtype", "side", "classes", "methods": {method: {"seconds", "peak_mb",
    "parameters"}}}, JSON-ready. seconds: {median, min, max, runs} of a whole run with its models loaded,
    labels and scores included. parameters: of all models that the method runs, a head's too.
    full_size writes 2.4 GB into the system's temporary folder, and needs about 12 GB of memory.
    """
    if not full_size:
        return _measured(PAIRS["plain"], EMBEDDED, SEGMENTATION_METHODS + TRAINED_METHODS, repeats, report)
    from inspector.models.full_size import write_full_size

    with tempfile.TemporaryDirectory() as name:
        report(Progress(0, 1, f"Writing {MODELS[FULL]}"))
        models = {kind: register_local(folder) for kind, folder in write_full_size(Path(name)).items()}
        return _measured(models, FULL, SEGMENTATION_METHODS, repeats, report)


def _measured(
    names: Mapping[Any, str], size: str, methods: tuple[str, ...], repeats: int, report: Callable[[Progress], None]
) -> dict[str, Any]:
    models: dict[str, Any] = {"clip": load_clip(names["clip"]), "diffusion": load_diffusion(names["diffusion"])}
    device, side = models["diffusion"].device, models["diffusion"].image_size
    scene = world.scene(SCENE, side)
    requests = {
        method: SegmentationRequest(
            scene.image, ", ".join(scene.masks), method, clip=names["clip"], diffusion=names["diffusion"]
        )
        for method in methods
    }
    rows: dict[str, Any] = {}
    total = (repeats + 1) * len(methods)
    for number, (method, request) in enumerate(requests.items()):
        report(Progress(number, total, f"Warming up: {method}"))
        counted = parameters(Readings(request, models), models, method)
        rows[method] = {"peak_mb": peak_mb(partial(segmentation.run, request), device), "parameters": counted}
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    for repeat in range(repeats):
        for number, (method, request) in enumerate(requests.items(), (repeat + 1) * len(methods)):
            seconds[method].append(timed(partial(segmentation.run, request), device))
            report(Progress(number, total, f"{method}: {seconds[method][-1]:.2f} s"))
    for method, values in seconds.items():
        rows[method]["seconds"] = spread(values)
    about = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "dtype": str(models["diffusion"].dtype).removeprefix("torch."),
    }
    return {"repeats": repeats, "size": size, **about, "side": side, "classes": len(scene.masks), "methods": rows}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    rows = [
        {
            "method": name,
            "seconds": row["seconds"]["median"],
            "peak MB": row["peak_mb"],
            "parameters": row["parameters"],
        }
        for name, row in result["methods"].items()
    ]
    return f"{_head(result)}\n{lines(rows_table(rows))}"


def keep(result: Mapping[str, Any]) -> None:
    """Keep the numbers of a size in assets/measured and put them into README, beside the other size's.

    Raises ChoiceError where README has no place.
    """
    readme_place.check(README, START, STOP)
    known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    known[result["size"]] = result
    MEASURED.write_text(dumps(known, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(known))


def render(known: Mapping[str, Mapping[str, Any]]) -> str:
    """The numbers as README has them: size -> what `measure` returns."""
    sizes = [size for size in (EMBEDDED, FULL) if size in known]
    heads = [f"{size}: {what}" for size in sizes for what in ("seconds", "peak MB", "parameters, M")]
    rows = [f"| method | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for method in known[sizes[0]]["methods"]:
        cells = [_cells(known[size]["methods"].get(method)) for size in sizes]
        rows.append(f"| `{method}` | {' | '.join(cells)} |")
    return "\n".join([" ".join(_head(known[size]) for size in sizes), "", *rows]) + "\n"


def _cells(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return " | ".join("–" * 3)
    took = row["seconds"]
    told = f"{took['median']:.2f}"
    if len(took["runs"]) > 1:
        told += f" ({took['min']:.2f} to {took['max']:.2f})"
    return f"{told} | {row['peak_mb']:,.0f} | {row['parameters'] / 1e6:,.1f}"


def _head(result: Mapping[str, Any]) -> str:
    repeats = result["repeats"]
    runs = "one run" if repeats == 1 else f"medians of {repeats} runs, with their least and most"
    return (
        f"{MODELS[result['size']]} on {result['device']} in {result['dtype']}, one scene of {result['side']} px, "
        f"{result['classes']} classes; {runs}."
    )
