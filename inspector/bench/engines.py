"""What measuring a data set takes by each engine, and what it would take at 100,000 pictures and 8 workers.

Drawn scenes, written as a data set, are labelled by segmentation's default method; every run has an empty journal and
Ray's workers have no model yet. A run's start is the time until its first picture is done, model and all; its rate is
that of the pictures after it.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

from inspector import world
from inspector.errors import InputError
from inspector.evaluation import readme_place
from inspector.evaluation.datasets import Dataset, read_dataset
from inspector.evaluation.engines import ENGINES
from inspector.evaluation.journal import open_journal
from inspector.evaluation.measuring import Task
from inspector.evaluation.measuring import measure as measure_picture
from inspector.models.catalog import spec
from inspector.results import Progress
from inspector.settings import ASSETS
from inspector.views.export import dumps
from inspector.views.table import lines
from inspector.views.table import table as rows_table

PICTURES = 48
WAYS = (("plain", 1), ("ray", 1), ("ray", 2))
TARGET = {"pictures": 100_000, "workers": 8}
MEASURED, README = ASSETS / "measured" / "engines.json", ASSETS.parent / "README.md"
START, STOP = "<!-- engines: python -m inspector bench engines --readme -->", "<!-- /engines -->"


def measure(
    repeats: int, report: Callable[[Progress], None] = lambda _: None, clip: str = "scenes-clip"
) -> dict[str, Any]:
    """Run every engine `repeats` times over the same pictures, in turns.

    Returns {"repeats", "pictures", "model", "device", "ways": [{engine, workers, start, rate}], "row_bytes", "target"},
    JSON-ready: start in seconds, rate in seconds a picture, each {median, min, max}.
    Raises InputError where Ray is not installed, ModelError when the model cannot be had.
    """
    if find_spec("ray") is None:
        raise InputError("The engine ray is not installed; pip install -r requirements-ray.txt, then time it.")
    times: dict[tuple[str, int], list[tuple[float, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = Task("segmentation", drawn(folder / "set"), {"clip": clip})
        for number in range(repeats * len(WAYS)):
            engine, workers = WAYS[number % len(WAYS)]
            report(Progress(number, repeats * len(WAYS), f"{engine} with {workers}"))
            times[engine, workers].append(_timed(task, folder / f"journal{number}", engine, workers))
        sizes = [file.stat().st_size for file in folder.glob("journal0/*/*.json")]
    ways = [
        {"engine": engine, "workers": workers, "start": _spread(starts), "rate": _spread(rates)}
        for (engine, workers), (starts, rates) in ((way, zip(*runs, strict=True)) for way, runs in times.items())
    ]
    about = {"model": spec(clip).name, "device": _device(), "row_bytes": round(sum(sizes) / len(sizes))}
    result = {"repeats": repeats, "pictures": PICTURES, **about, "ways": ways}
    return result | {"target": target(result)}


def drawn(root: Path) -> Dataset:
    """Held-out drawn scenes as a data set of the format "folder"."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    (root / "classes.txt").write_text("\n".join(("background", *world.CLASSES)) + "\n", encoding="utf-8")
    for number in range(PICTURES):
        scene = world.scene(world.EVALUATION_SEEDS.start + number)
        Image.fromarray(scene.image).save(root / "images" / f"{number:03d}.png")
        Image.fromarray(scene.labels).save(root / "masks" / f"{number:03d}.png")
    return read_dataset("folder", root)


def target(result: Mapping[str, Any]) -> dict[str, Any]:
    """{pictures, workers, efficiency, hours, journal_gb}: what `TARGET` takes if a worker is as fast as one here.

    efficiency: the rate of the most workers measured over as many times that of one; taken to hold for all of them.
    """
    ray = {way["workers"]: way["rate"]["median"] for way in result["ways"] if way["engine"] == "ray"}
    most = max(ray)
    efficiency = ray[1] / (ray[most] * most)
    start = max(way["start"]["median"] for way in result["ways"])
    seconds = start + TARGET["pictures"] * ray[1] / (TARGET["workers"] * efficiency)
    size = TARGET["pictures"] * result["row_bytes"] / 1e9
    found = {"efficiency": efficiency, "hours": seconds / 3600, "journal_gb": size}
    return {**TARGET, **{name: round(value, 3) for name, value in found.items()}}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    rows = [
        {"engine": way["engine"], "workers": way["workers"], "seconds to the first": _told(way["start"])}
        | {"seconds a picture": _told(way["rate"])}
        for way in result["ways"]
    ]
    return f"{_head(result)}\n{lines(rows_table(rows))}\n{_foot(result)}"


def render(result: Mapping[str, Any]) -> str:
    """The numbers as README has them."""
    rows = ["| engine | workers | seconds to the first picture | seconds a picture after it |", "|---|---|---|---|"]
    rows += [
        f"| {way['engine']} | {way['workers']} | {_told(way['start'])} | {_told(way['rate'])} |"
        for way in result["ways"]
    ]
    return "\n".join([_head(result), "", *rows, "", _foot(result)]) + "\n"


def keep(result: Mapping[str, Any]) -> None:
    """Keep the numbers in assets/measured and put them into README. Raises ChoiceError where README has no place."""
    readme_place.check(README, START, STOP)
    MEASURED.write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(result))


def _timed(task: Task, folder: Path, engine: str, workers: int) -> tuple[float, float]:
    """Seconds to the first picture, and seconds a picture after it."""
    moments = [time.perf_counter()]
    journal = open_journal(folder, {})
    one = partial(measure_picture, task)
    ENGINES[engine](one, task.dataset.entries, journal, workers, lambda _: moments.append(time.perf_counter()))
    return moments[1] - moments[0], (moments[-1] - moments[1]) / (len(moments) - 2)


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def _spread(values: tuple[float, ...]) -> dict[str, float]:
    return {name: round(of(values), 3) for name, of in (("median", median), ("min", min), ("max", max))}


def _told(found: Mapping[str, float]) -> str:
    return f"{found['median']:.2f} ({found['min']:.2f} to {found['max']:.2f})"


def _head(result: Mapping[str, Any]) -> str:
    return (
        f"{result['pictures']} drawn scenes by maskclip with {result['model']}, {result['device']}; medians of "
        f"{result['repeats']} runs, with their least and most."
    )


def _foot(result: Mapping[str, Any]) -> str:
    found = result["target"]
    return (
        f"Worked out from these: {found['pictures']:,} pictures by {found['workers']} workers take "
        f"{found['hours']:.1f} hours and {found['journal_gb']:.2f} GB of journal, where each worker is as fast as one "
        f"was here, and all together are {found['efficiency']:.0%} of {found['workers']} times that, as two were here "
        f"of two. For {found['workers']} GPUs, a worker on each, run the command on one of them."
    )
