"""What recording cross-attention costs: ours and two published ways beside a run without, in pairs, in one process."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch

from inspector.bench.memory import peak_mb
from inspector.bench.ways import Daam, PromptToPrompt, replaced
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.results import Progress
from inspector.trace.previews import Previewer, shrink
from inspector.trace.recorders import record
from inspector.trace.recordings import Recording
from inspector.trace.trajectories import denoise, first_latents
from inspector.views.table import lines
from inspector.views.table import table as rows_table

PROMPT, SEED, STEPS, GUIDANCE = "a horse on the grass", 7, 20, 7.5
PIPELINE, LOOP = "plain pipeline", "our loop"
RECORDED, PREVIEWS = "recorded", "recorded, live previews"
# Way -> (what its time is compared with, the most it may take of that). The first is meant for a GPU.
AIMS: Mapping[str, tuple[str, float]] = {RECORDED: (LOOP, 1.05), PREVIEWS: (PIPELINE, 1.15)}


def measure(
    repeats: int, report: Callable[[Progress], None] = lambda _: None, diffusion: str = "scenes-diffusion"
) -> dict[str, Any]:
    """Run every way `repeats` times, in turns, after one run of each for its memory.

    Returns {"repeats", "model", "device", "dtype", "steps", "side", "aims", "ways": {way: {"seconds", "of pipeline",
    "of loop", "peak_mb"}}}, JSON-ready; the first three of a way are {median, min, max, runs}, and a ratio is one of
    two runs of the same turn. Pictures are not decoded at the end. Raises ModelError when the model cannot be had.
    """
    model = load_diffusion(diffusion)
    ways = ways_of(model, STEPS)
    total = (repeats + 1) * len(ways)
    peaks = {}
    for number, (name, way) in enumerate(ways.items()):
        peaks[name] = peak_mb(way, model.device)
        report(Progress(number, total, f"Warming up: {name}"))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats):
        first = repeat % len(ways)  # another way begins each turn
        for number, name in enumerate([*ways][first:] + [*ways][:first], (repeat + 1) * len(ways)):
            seconds[name].append(timed(ways[name], model.device))
            report(Progress(number, total, f"{name}: {seconds[name][-1]:.2f} s"))
    rows = {
        name: {
            "seconds": spread(values),
            "of pipeline": spread([mine / base for mine, base in zip(values, seconds[PIPELINE], strict=True)]),
            "of loop": spread([mine / base for mine, base in zip(values, seconds[LOOP], strict=True)]),
            "peak_mb": peaks[name],
        }
        for name, values in seconds.items()
    }
    about = {"model": model.spec.name, "device": str(model.device), "dtype": str(model.dtype).removeprefix("torch.")}
    aims = {name: {"of": base, "most": most} for name, (base, most) in AIMS.items()}
    return {"repeats": repeats, **about, "steps": STEPS, "side": model.image_size, "aims": aims, "ways": rows}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    rows = []
    for name, way in result["ways"].items():
        aim = result["aims"].get(name)
        rows.append(
            {
                "way": name,
                "seconds": way["seconds"]["median"],
                "of pipeline": _ratio(way["of pipeline"]),
                "of loop": _ratio(way["of loop"]),
                "peak MB": way["peak_mb"],
                "aim": aim and f"at most {aim['most']} of {aim['of']}",
            }
        )
    head = (
        f"{result['model']} on {result['device']} in {result['dtype']}, {result['side']} px, {result['steps']} steps; "
        f"medians of {result['repeats']} runs, ratios of runs side by side with their least and most:"
    )
    return f"{head}\n{lines(rows_table(rows))}"


def ways_of(model: DiffusionModel, steps: int) -> dict[str, Callable[[], Any]]:
    """Name -> one whole run from the same seed, which returns its latents and what it kept."""
    side = model.image_size
    positions = [token.index for token in model.tokenize(PROMPT).tokens]

    def pipeline() -> Any:
        run = model.pipeline()
        generator = torch.Generator("cpu").manual_seed(SEED)
        asked = {"num_inference_steps": steps, "guidance_scale": GUIDANCE, "generator": generator}
        return run(PROMPT, height=side, width=side, output_type="latent", **asked).images, None

    def loop(previewer: Previewer | None = None, recording: Recording | None = None, heads: bool = False) -> Any:
        """As the attention pipeline runs it: hooks live one step."""
        latents, shown = first_latents(model, SEED, side, side), []
        run = denoise(model, latents, [PROMPT], steps, GUIDANCE)
        while True:
            if recording is None:
                step = next(run, None)
            else:
                with record(model.unet, positions, heads=heads, into=recording, model=model.spec.name):
                    step = next(run, None)
            if step is None:
                break
            latents = step.denoised
            if previewer is not None:
                shown.append(shrink(previewer(step.predicted)))
        kept = None if recording is None else (recording.taken(heads=True), recording.taken(), shown)
        return latents, kept

    def as_published(way: Daam | PromptToPrompt) -> Any:
        with replaced(model.unet, way.keep):
            return loop()[0], way.total

    grid = (side // model.latent_factor,) * 2
    return {
        PIPELINE: pipeline,
        LOOP: loop,
        RECORDED: lambda: loop(recording=Recording()),
        "recorded, every head": lambda: loop(recording=Recording(), heads=True),
        PREVIEWS: lambda: loop(Previewer(model), Recording()),
        "DAAM's way": lambda: as_published(Daam(grid)),
        "prompt-to-prompt's way": lambda: as_published(PromptToPrompt()),
    }


def timed(run: Callable[[], Any], device: torch.device) -> float:
    """Seconds of a run, with whatever the device still had to do before or has to do at its end."""

    def settled() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    before = settled()
    run()
    return settled() - before


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least, most and all of them, to a thousandth."""
    values = [round(value, 3) for value in values]
    return {"median": median(values), "min": min(values), "max": max(values), "runs": values}


def _ratio(values: Mapping[str, Any]) -> str:
    return f"{values['median']:.2f} ({values['min']:.2f} to {values['max']:.2f})"
