"""Engines: the same pure function over the same list of pictures, in a plain loop or by Ray Data.

Neither schedules anything itself: Ray hands out the pictures, keeps one actor with the model per worker, starts another
for one that dies and gives it the pictures again; the journal keeps a picture that is done from being done again.
Numbers are made of the journal's rows in the list's order, so that they do not depend on who measured what when.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from inspector.errors import InputError, ModelError
from inspector.evaluation.datasets import Entry
from inspector.evaluation.journal import Journal
from inspector.evaluation.measuring import Row
from inspector.models import catalog
from inspector.results import Progress
from inspector.settings import settings

Measure = Callable[[Entry], Row]
Report = Callable[[Progress], None]
BLOCKS = 16  # of pictures for each worker, at least, so that the last ones end together
BLOCK = 64  # pictures in one at most: what a worker that dies had under way is given out again, and looked up if done


class Engine(Protocol):
    """How an engine is called: every entry measured and its row in the journal, when it returns."""

    def __call__(
        self, measure: Measure, entries: Sequence[Entry], journal: Journal, workers: int, report: Report
    ) -> None:
        """measure: can be pickled. entries: those still to be done. report: told after every picture."""


def plain(measure: Measure, entries: Sequence[Entry], journal: Journal, workers: int, report: Report) -> None:
    """One picture after the other in this process. Raises InputError for several workers."""
    if workers != 1:
        raise InputError(f"{workers} workers need --engine ray; a plain loop has one.")
    told = _told(len(entries), report)
    for entry in entries:
        journal.write(measure(entry))
        told()


def with_ray(measure: Measure, entries: Sequence[Entry], journal: Journal, workers: int, report: Report) -> None:
    """Ray Data's actors, `workers` of them, each with a GPU of its own where there are any, else with a CPU.

    On the cluster that RAY_ADDRESS names, whose machines see the journal's folder and the data set; else on this
    machine. Raises InputError where Ray is not installed or has too few of either, ModelError as `measure`.
    """
    try:
        import ray
        from ray import data
    except ImportError:
        raise InputError(
            "The engine ray is not installed; pip install -r requirements-ray.txt, or leave --engine out."
        ) from None
    import torch

    if not ray.is_initialized():
        _start(ray)
    there = ray.cluster_resources()
    kind = "GPU" if there.get("GPU") else "CPU"
    if workers > there.get(kind, 0):
        raise InputError(f"{workers} workers need a {kind} each, and Ray has {there.get(kind, 0):g}; ask for fewer.")
    told = _told(len(entries), report)
    items = [{"number": number} for number in range(len(entries))]
    blocks = min(len(items), max(workers * BLOCKS, len(items) // BLOCK))
    rows = data.from_items(items, override_num_blocks=blocks).map(
        Worker,
        fn_constructor_args=(measure, tuple(entries), journal, torch.get_num_threads(), catalog.registered()),
        compute=data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=1 if kind == "GPU" else None,
    )
    for row in rows.iter_rows():
        if row["stopped"]:
            raise ModelError(row["stopped"])
        told()


def _start(ray: Any) -> None:
    """Connect to the cluster of RAY_ADDRESS, or start one that nothing outside this machine can reach."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray.data").setLevel(logging.WARNING)  # our own line says how far it is
    ray.data.DataContext.get_current().enable_progress_bars = False
    if settings().ray_address:
        ray.init(log_to_driver=False, configure_logging=False)
    else:
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False, _node_ip_address="127.0.0.1")


class Worker:
    """An actor: holds the model, through the loader's own memory, from its first picture on.

    threads: of torch, as in the process that asks, since a sum in another order may differ in its last digit.
    folders: the models that are folders there, which lie where every machine sees them.
    """

    def __init__(
        self,
        measure: Measure,
        entries: Sequence[Entry],
        journal: Journal,
        threads: int,
        folders: Sequence[catalog.ModelSpec],
    ) -> None:
        import torch

        torch.set_num_threads(threads)
        catalog.adopt(folders)
        self.measure, self.entries, self.journal = measure, entries, journal

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Measure one picture, unless a worker that died since had done so."""
        entry, stopped = self.entries[item["number"]], ""
        if not self.journal.done(entry.key):
            try:
                self.journal.write(self.measure(entry))
            except ModelError as error:
                stopped = str(error)
        return {"number": item["number"], "stopped": stopped}


def _told(total: int, report: Report) -> Callable[[], None]:
    """Called after each picture, says how many are done and how long the others will take."""
    started, done = time.monotonic(), 0

    def one_more() -> None:
        nonlocal done
        done += 1
        left = (time.monotonic() - started) / done * (total - done)
        report(Progress(done, total, "Measuring pictures", left))

    return one_more


ENGINES: Mapping[str, Engine] = {"plain": plain, "ray": with_ray}
