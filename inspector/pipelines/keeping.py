"""Keeping: how many bytes a run of the attention pipeline keeps, part by part, known before it runs."""

from collections.abc import Mapping

from inspector.models.protocols import DiffusionModel
from inspector.pipelines.arms import Plan
from inspector.results import EVERY_STEP, MEAN_OF_SEEDS, SPREAD_OF_SEEDS, AttentionRequest
from inspector.trace.projections import Projections, projection_bytes
from inspector.trace.recorders import recording_bytes

MAPS, HEADS, QUERIES, SELF = "maps", "single heads", "queries", "self-attention"


def kept_bytes(asked: Plan, model: DiffusionModel, size: tuple[int, int], tokens: int) -> dict[str, int]:
    """Part -> bytes of the result, in the order MAPS, HEADS, QUERIES, SELF; those that are not asked for are left out.

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
    found = {MAPS: maps, HEADS: heads, QUERIES: queries, SELF: selves}
    return {part: count for part, count in found.items() if count or part == MAPS}


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
