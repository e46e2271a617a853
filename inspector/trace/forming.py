"""What recorders share when they form maps: how much at once, which tokens, in which precision, whether numbers."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from inspector.errors import NotFiniteError, RecordingError
from inspector.models.protocols import REST
from inspector.trace.recordings import Kept, Recording

# (layer, its own probabilities (n, head, token, h * w)) -> those that it attends with instead
Used = Callable[[str, torch.Tensor], torch.Tensor]
# Bytes of probabilities, of all tokens and heads in float32, that are formed at once; three such arrays are held.
FORMED = 2**26


_RECORDED: ContextVar[bool] = ContextVar("recorded", default=True)


def is_recorded() -> bool:
    """Whether a call of the network that begins now is kept."""
    return _RECORDED.get()


@contextmanager
def unrecorded() -> Iterator[None]:
    """Inside it calls leave nothing in a recording of joint attention: those of the unconditional picture alone."""
    before = _RECORDED.set(False)
    try:
        yield
    finally:
        _RECORDED.reset(before)


def keep_call(into: Recording, kept: Sequence[Kept], timestep: int, model: str) -> None:
    """Put the maps of a call that ended into a recording. Raises NotFiniteError, with the layer, where one is none."""
    into.timesteps.append(timestep)
    if layer := first_not_finite(kept, into.layers):
        raise NotFiniteError.of(model, f"layer {layer} at step {len(into.timesteps)}, t = {timestep}")
    into.keep(kept)


def first_not_finite(call: Sequence[Kept], layers: Sequence[str]) -> str:
    """The first layer whose mean over heads holds what is no number, "" for none; waits for the device once."""
    means = [kept for kept in call if not kept.heads]
    if not means or means[0].maps.is_meta:
        return ""
    total = torch.cat([kept.maps.flatten() for kept in means]).sum(dtype=torch.float32)  # of probabilities: never large
    if math.isfinite(float(total)):
        return ""
    found = {layer for kept in means for layer, maps in kept.parts() if not torch.isfinite(maps).all()}
    return next(layer for layer in layers if layer in found)


def chosen(positions: Sequence[int], device: torch.device) -> torch.Tensor | slice:
    """Positions as an index on the device; a slice where they are neighbours, which copies nothing.

    An index that is a list would be sent to the device anew at each layer, and each time waited for.
    """
    first, count = (positions[0], len(positions)) if len(positions) else (0, 0)
    if first >= 0 and list(positions) == list(range(first, first + count)):
        return slice(first, first + count)
    return torch.tensor(list(positions), device=device)


def with_rest(maps: torch.Tensor, positions: Sequence[int], rest: bool = True) -> torch.Tensor:
    """Maps (..., word, h * w) with what they leave of 1, or else 0, where REST stands among the positions."""
    if REST not in positions:
        return maps
    left = (1 - maps.sum(-2, keepdim=True)).clamp(0) if rest else torch.zeros_like(maps[..., :1, :])
    place = list(positions).index(REST)
    return torch.cat([maps[..., :place, :], left, maps[..., place:, :]], -2)


def words_of(positions: Sequence[int]) -> list[int]:
    """Positions without REST."""
    return [position for position in positions if position != REST]


def one_timestep(timestep: torch.Tensor | float) -> int:
    """The t of all images of a call. Raises RecordingError where they differ."""
    values = {round(value) for value in torch.as_tensor(timestep).flatten().tolist()}
    if len(values) != 1:
        raise RecordingError(f"One call of the UNet mixes the timesteps {sorted(values)}; record one at a time.")
    return values.pop()


def half(maps: torch.Tensor) -> torch.Tensor:
    """Contiguous float16 of memory of its own, so that the probabilities of all tokens can go."""
    return maps.to(torch.float16, memory_format=torch.contiguous_format, copy=True)
