"""What each published diffusion model costs at full size with random weights: time to the first map, and memory."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from inspector.bench.memory import peak_mb
from inspector.models import placement
from inspector.models.configurations import PUBLISHED
from inspector.models.full_size_diffusion import build_full_size, spec_of
from inspector.models.protocols import DiffusionModel
from inspector.pipelines.room import run_bytes
from inspector.results import Progress
from inspector.trace.recorders import record
from inspector.trace.recordings import Recording
from inspector.trace.trajectories import denoise, first_latents
from inspector.views.table import lines
from inspector.views.table import table as rows_table

PROMPT, SEED = "a horse on the grass", 7


def measure(
    repeats: int, report: Callable[[Progress], None] = lambda _: None, models: Sequence[str] = tuple(PUBLISHED)
) -> dict[str, Any]:
    """One step of each model that fits into the memory that is free, at its own size, `repeats` times.

    Returns {"repeats", "device", "models": rows}, JSON-ready; a row holds model, parameters, dtype, side, and either
    {seconds, peak_mb, ours_mb, ours_share} or {left_out}. seconds: from the prompt to the first recorded maps, guided
    as is usual, the fastest run. peak_mb: beside the weights, recording; ours_mb: more than without recording.
    """
    device, rows = placement.chosen_device(), []
    with TemporaryDirectory() as folder:
        for number, name in enumerate(models):
            report(Progress(number, len(models), f"Building {name}"))
            rows.append(_row(name, device, repeats, Path(folder)))
            gc.collect()
    return {"repeats": repeats, "device": str(device), "models": rows}


def _row(name: str, device: torch.device, repeats: int, folder: Path) -> dict[str, Any]:
    spec = spec_of(name)
    dtype = placement.chosen_dtype(device, spec)
    about = {"model": name, "parameters": spec.parameters, "dtype": str(dtype).removeprefix("torch.")}
    needed, free = 1.3 * spec.parameters * dtype.itemsize / 1e9, placement.free_gb(device)  # building takes more
    if needed > free:
        return about | {"left_out": f"needs about {needed:.0f} GB, {free:.0f} GB are free"}
    model = build_full_size(spec, device, dtype, folder)
    side = model.image_size
    working, free = run_bytes(model, (side, side), 2) / 1e9, placement.free_gb(device)
    if working > free:
        return about | {"left_out": f"a run takes about {working:.0f} GB beside the weights, {free:.0f} GB are free"}
    seconds = min(_timed(lambda: first_maps(model, side), device) for _ in range(repeats))
    without = peak_mb(lambda: first_maps(model, side, recording=False), device)
    peak = peak_mb(lambda: first_maps(model, side), device)
    ours = max(0.0, peak - without)
    told = {"side": side, "seconds": round(seconds, 2), "peak_mb": peak, "ours_mb": round(ours, 1)}
    return about | told | {"ours_share": round(ours / peak, 3) if peak else 0.0}


def first_maps(model: DiffusionModel, side: int, recording: bool = True) -> Recording | None:
    """The prompt encoded, and one step of a usual run, recorded or not; its maps are on the CPU."""
    sampling, kept = model.sampling, Recording()
    latents = first_latents(model, SEED, side, side)
    run = denoise(model, latents, [PROMPT], 4, sampling.guidance_scale, sampling.scheduler, SEED)
    if not recording:
        next(run)
        return None
    positions = [token.index for token in model.tokenize(PROMPT).tokens]
    with record(model.network, positions, into=kept, model=model.spec.name):
        next(run)
    assert kept.maps
    return kept


def _timed(run: Callable[[], Any], device: torch.device) -> float:
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    rows = [
        {
            "model": row["model"],
            "parameters": f"{row['parameters'] / 1e9:.2f} billion",
            "in": row["dtype"],
            "side": row.get("side"),
            "first map, s": row.get("seconds"),
            "peak MB beside the weights": row.get("peak_mb"),
            "of it ours": None if "ours_share" not in row else f"{row['ours_mb']:g} MB, {row['ours_share']:.1%}",
            "left out": row.get("left_out"),
        }
        for row in result["models"]
    ]
    head = f"Published configurations with random weights on {result['device']}, fastest of {result['repeats']} runs:"
    return f"{head}\n{lines(rows_table(rows))}"
