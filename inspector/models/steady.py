"""Values that are no numbers: which layer they begin in, and a part run again in float32 where half was too narrow."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from inspector.errors import NotFiniteError
from inspector.models.placement import free_gb

HALVES = (torch.float16, torch.bfloat16)


def is_finite(values: torch.Tensor) -> bool:
    """Whether all values are numbers, as far as there are values."""
    return values.is_meta or bool(torch.isfinite(values).all())


@torch.no_grad()
def broken_layer(part: nn.Module, run: Callable[[], Any]) -> str:
    """The first layer of a part that gives what is no number while `run()` runs it, "" where none does."""
    found: list[str] = []

    def look(name: str) -> Callable[..., None]:
        def looked(_module: nn.Module, _args: Any, output: Any) -> None:
            if not found and isinstance(output, torch.Tensor) and not is_finite(output):
                found.append(name)

        return looked

    with ExitStack() as stack:
        for name, module in part.named_modules():
            if name and not any(True for _ in module.children()):
                stack.callback(module.register_forward_hook(look(name)).remove)
        run()
    return found[0] if found else ""


def run_steadily(part: nn.Module, name: str, run: Callable[[], torch.Tensor], model: str) -> tuple[torch.Tensor, bool]:
    """What `run()` makes with a part, and whether the part had to be widened to float32 for it, which then stays so.

    Raises NotFiniteError, which names part and layer, where the values are no numbers in float32 either, or there is no
    room for it.
    """
    values = run()
    if is_finite(values):
        return values, False
    weight = next(part.parameters())
    layer, widened = broken_layer(part, run), False
    if (
        weight.dtype in HALVES
        and not weight.is_meta
        and free_gb(weight.device) * 1e9 > 4 * sum(item.numel() for item in part.parameters())
    ):
        part.float()
        values, widened = run(), True
    if not is_finite(values):
        raise NotFiniteError.of(model, f"{name}, first in its layer {layer}" if layer else name)
    return values, widened
