"""What keeping more than mean maps costs a run of the attention pipeline: times in pairs, and bytes told and kept."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from inspector.bench.attention import spread, timed
from inspector.evaluation import readme_place
from inspector.models import load_diffusion
from inspector.pipelines import attention
from inspector.pipelines.keeping import AT_EVERY_STEP, HEADS, MAPS, MEASURED, PROBES, QUERIES, SELF
from inspector.results import EVERY_STEP, AttentionRequest, AttentionResult, Progress
from inspector.settings import ASSETS
from inspector.views.export import dumps
from inspector.views.table import lines
from inspector.views.table import table as rows_table

REQUEST = AttentionRequest("a horse on the grass", seed=7)
# Way -> what it asks for beside the mean maps. A probe word needs queries, whose time is its own way's.
WAYS: Mapping[str, Mapping[str, Any]] = {
    "maps alone": {},
    HEADS: {"heads": True},
    QUERIES: {"queries": True},
    QUERIES + AT_EVERY_STEP: {"queries": True, "kept_steps": EVERY_STEP},
    SELF: {"self_attention": True},
    SELF + AT_EVERY_STEP: {"self_attention": True, "kept_steps": EVERY_STEP},
    PROBES: {"probes": ("dog",)},
}
README = ASSETS.parent / "README.md"
START, STOP = "<!-- keeping: python -m inspector bench keeping --readme -->", "<!-- /keeping -->"


def measure(repeats: int, report: Callable[[Progress], None] = lambda _: None) -> dict[str, Any]:
    """Run every way `repeats` times, in turns, after one run of each to compare what it kept with what was told.

    Returns {"repeats", "model", "device", "dtype", "steps", "side", "ways": {way: {"seconds", "of maps alone",
    "told", "kept"}}}, JSON-ready. seconds: {median, min, max, runs}; of maps alone: likewise, ratios of two runs of the
    same turn, of PROBES with those of QUERIES, of processor time on a CPU, since what else a machine does lengthens one
    run and not the next; told, kept: bytes of the part, before the run and in its result.
    """
    model = load_diffusion(REQUEST.model)
    requests = {way: replace(REQUEST, **fields) for way, fields in WAYS.items()}
    total, rows = (repeats + 1) * len(requests), dict[str, dict[str, Any]]()
    for number, (way, request) in enumerate(requests.items()):
        report(Progress(number, total, f"Warming up: {way}"))
        part = MAPS if way == "maps alone" else way.removesuffix(AT_EVERY_STEP)
        told = attention.forecast(request, model).parts[part]
        rows[way] = {"told": told, "kept": kept_of(attention.run(request), part)}
    seconds: dict[str, list[float]] = {way: [] for way in requests}
    for repeat in range(repeats):
        first = repeat % len(requests)  # another way begins each turn
        for number, way in enumerate([*requests][first:] + [*requests][:first], (repeat + 1) * len(requests)):
            seconds[way].append(worked(partial(attention.run, requests[way]), model.device))
            report(Progress(number, total, f"{way}: {seconds[way][-1]:.2f} s"))
    for way, values in seconds.items():
        base = seconds[QUERIES if way == PROBES else "maps alone"]
        ratios = [mine / other for mine, other in zip(values, base, strict=True)]
        rows[way] |= {"seconds": spread(values), "of maps alone": spread(ratios)}
    about = {"model": model.spec.name, "device": _device(model.device), "dtype": str(model.dtype).split(".")[-1]}
    return {"repeats": repeats, **about, "steps": REQUEST.steps, "side": model.image_size, "ways": rows}


def worked(run: Callable[[], Any], device: torch.device) -> float:
    """Seconds of a run: of the processor's work on a CPU, all threads together; else of the clock."""
    if device.type != "cpu":
        return timed(run, device)
    before = time.process_time()
    run()
    return time.process_time() - before


def kept_of(result: AttentionResult, part: str) -> int:
    """Bytes of a part in a result."""
    arrays: Mapping[str, Mapping[str, Any]] = {
        MAPS: result.maps,
        HEADS: result.head_maps,
        QUERIES: result.queries,
        SELF: result.self_attention,
        PROBES: result.probe_maps,
    }[part]
    return sum(maps.nbytes for layers in arrays.values() for maps in layers.values())


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    rows = [
        {"kept": way, "MB told": row["told"] / 1e6, "MB kept": row["kept"] / 1e6, "times as long": _ratio(row)}
        for way, row in result["ways"].items()
    ]
    return f"{_head(result)}\n{lines(rows_table(rows))}"


def keep(result: Mapping[str, Any]) -> None:
    """Keep the numbers in assets/measured, where forecasts read them, and put them into README.

    Raises ChoiceError where README has no place.
    """
    readme_place.check(README, START, STOP)
    MEASURED.write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(json.loads(MEASURED.read_text("utf-8"))))


def render(result: Mapping[str, Any]) -> str:
    """The numbers as README has them."""
    rows = ["| kept beside the mean maps | MB told before | MB kept | times as long |", "|---|---|---|---|"]
    for way, row in result["ways"].items():
        rows.append(f"| {way} | {row['told'] / 1e6:.2f} | {row['kept'] / 1e6:.2f} | {_ratio(row)} |")
    return "\n".join([_head(result), "", *rows]) + "\n"


def _ratio(row: Mapping[str, Any]) -> str:
    ratio = row["of maps alone"]
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def _head(result: Mapping[str, Any]) -> str:
    return (
        f"{result['model']} on {result['device']} in {result['dtype']}, {result['side']} px, {result['steps']} steps; "
        f"medians of {result['repeats']} runs in turns, with their least and most, of processor time. A probe word is "
        "compared with the queries that it needs."
    )
