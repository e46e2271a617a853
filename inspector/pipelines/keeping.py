"""Keeping: what a run of the attention pipeline keeps and how much longer that makes it, known before it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from inspector.models.protocols import DiffusionModel
from inspector.pipelines.arms import Plan
from inspector.results import EVERY_STEP, MEAN_OF_SEEDS, SPREAD_OF_SEEDS, AttentionRequest
from inspector.settings import ASSETS
from inspector.trace.projections import Projections, projection_bytes
from inspector.trace.recorders import recording_bytes

MAPS, HEADS, QUERIES, SELF, PROBES = "maps", "single heads", "queries", "self-attention", "probe words"
MEASURED = ASSETS / "measured" / "keeping.json"  # by `bench keeping --readme`
SEEN = 1.005  # times as long, from which on two digits show it
AT_EVERY_STEP = " of every step"  # of a part, in MEASURED


@dataclass(frozen=True)
class Forecast:
    """What a run will keep.

    parts: name -> bytes of the result, as `kept_bytes`. times: how many times as long it takes as one that keeps the
    mean maps alone, as `bench keeping` measured it; None where it did not.
    """

    parts: Mapping[str, int]
    times: float | None

    def __str__(self) -> str:
        total = f"Keeps {sum(self.parts.values()) / 1e6:.3g} MB"
        if len(self.parts) == 1:
            return f"{total} of maps."
        if self.times is None:
            took = ""
        elif self.times < SEEN:
            took = ", and takes as long as with maps alone"
        else:
            took = f", and takes about {self.times:.2f} times as long as with maps alone"
        return f"{total}: {told(self.parts)}{took}."


def kept_bytes(asked: Plan, model: DiffusionModel, size: tuple[int, int], tokens: int) -> dict[str, int]:
    """Part -> bytes of the result, in the order MAPS to PROBES; those that are not asked for are left out.

    size: (h, w) of the picture in pixels; tokens: of the prompt, special ones included.
    """
    request, unet, kept = asked.request, model.network, asked.kept()
    grid = (size[0] // model.latent_factor, size[1] // model.latent_factor)
    steps = sum(kept.values())
    maps = recording_bytes(unet, grid, tokens, steps)
    heads = recording_bytes(unet, grid, tokens, steps, heads=True) - maps if request.heads else 0
    # A mean of other arms has no queries of its own.
    own = {arm: count for arm, count in kept.items() if arm not in (MEAN_OF_SEEDS, SPREAD_OF_SEEDS)}
    calls = sum(own.values()) if request.kept_steps == EVERY_STEP else len(own)
    queries = projection_bytes(unet, grid, Projections(queries=request.queries), calls)
    selves = projection_bytes(unet, grid, Projections(selves=request.self_attention), calls)
    probes = recording_bytes(unet, grid, len(request.probes), calls)
    found = {MAPS: maps, HEADS: heads, QUERIES: queries, SELF: selves, PROBES: probes}
    return {part: count for part, count in found.items() if count or part == MAPS}


def times(request: AttentionRequest) -> float | None:
    """How many times as long a run takes as one that keeps mean maps alone; None where nothing was measured.

    The extra times of the parts are added up; those of probe words grow with their number.
    """
    measured = _measured()
    every = AT_EVERY_STEP if request.kept_steps == EVERY_STEP else ""
    asked = {HEADS: request.heads, QUERIES + every: request.queries, SELF + every: request.self_attention}
    parts: dict[str, float] = {part: 1.0 for part, wanted in asked.items() if wanted}
    if request.probes:
        parts[PROBES] = len(request.probes)
    if not parts.keys() <= measured.keys():
        return None
    return 1 + sum(number * max(0.0, measured[part] - 1) for part, number in parts.items())


@lru_cache
def _measured() -> Mapping[str, float]:
    """Part -> times as long as with mean maps alone; of a single probe word."""
    if not MEASURED.is_file():
        return {}
    rows = json.loads(MEASURED.read_text("utf-8"))["ways"]
    return {name: row["of maps alone"]["median"] for name, row in rows.items()}


def told(parts: Mapping[str, int]) -> str:
    """The parts in words: "maps 12 MB, queries 3.4 MB"."""
    return ", ".join(f"{part} {count / 1e6:.3g} MB" for part, count in parts.items())


def advice(asked: Plan, parts: Mapping[str, int]) -> str:
    """What would make the largest part smaller."""
    largest = max(parts, key=lambda part: parts[part])
    request: AttentionRequest = asked.request
    if largest == MAPS:
        return f"with {'fewer arms, fewer steps' if len(asked.kept()) > 2 else 'fewer steps'} or a smaller size"
    if largest != HEADS and request.kept_steps == EVERY_STEP:
        return f"{largest} of the last step alone"
    return f"without {largest}"
