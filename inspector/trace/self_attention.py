"""Self-attention of a diffusion UNet, recorded while it runs, as the queries and keys that it is made of.

The weights of one layer of Stable Diffusion at 512 px are 4,096 x 4,096 for each of 8 heads: half a gigabyte. So what
is kept is what the module projected, and rows of the mean over heads are formed when they are wanted.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from inspector.errors import NotFiniteError, RecordingError
from inspector.trace.recorders import attention_weights, grid_of, read_projections

BLOCKS = ("down_blocks", "mid_block", "up_blocks")


@dataclass(frozen=True)
class SelfAttention:
    """One layer in one call. query, key: (n, h * w, head * channel), as `module` projected them; grid: its (h, w)."""

    layer: str
    module: Any
    query: torch.Tensor
    key: torch.Tensor
    grid: tuple[int, int]

    @torch.no_grad()
    def rows(self, places: slice, image: int = 0) -> torch.Tensor:
        """float32 (places, h * w): where the cells `places` of an image look, mean over heads; rows sum to 1."""
        query, key = self.query[image : image + 1, places], self.key[image : image + 1]
        return attention_weights(self.module, query, key)[0].mean(0).T

    def row_bytes(self) -> int:
        """Bytes that forming one row takes: of all heads, the scores and their softmax."""
        return 8 * int(self.module.heads) * self.grid[0] * self.grid[1]


def self_attention_layers(unet: nn.Module) -> tuple[str, ...]:
    """Names of the self-attention modules in the order of the forward pass; RecordingError if there is none."""
    names = [name for name, _ in unet.named_modules() if name.split(".")[-1] == "attn1" and name.startswith(BLOCKS)]
    if not names:
        raise RecordingError("This model has no self-attention modules named attn1; choose a Stable Diffusion UNet.")
    return tuple(sorted(names, key=lambda name: BLOCKS.index(name.split(".")[0])))


@contextmanager
def record_self(unet: nn.Module, model: str = "The model", finest: bool = False) -> Iterator[list[SelfAttention]]:
    """Record one call of `unet` inside the `with`: one entry per layer, in the order of the forward pass.

    finest: keep the layers of the largest grid alone. model: its name, for errors. The list is filled when the call
    ends; a further call replaces it. Raises RecordingError and NotFiniteError as `recorders.record`.
    """
    kept: list[SelfAttention] = []
    modules = {layer: unet.get_submodule(layer) for layer in self_attention_layers(unet)}
    size: list[int] = []

    def begin(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        size[:] = (args[0] if args else kwargs["sample"]).shape[-2:]
        kept.clear()

    def layer_done(layer: str, query: torch.Tensor, key: torch.Tensor) -> None:
        if query.shape != key.shape:
            raise RecordingError(f"{layer} attends to something else than itself; choose a Stable Diffusion UNet.")
        grid = grid_of(query.shape[1], (size[0], size[1]))
        if finest and kept and grid != kept[0].grid:
            if grid[0] * grid[1] < kept[0].grid[0] * kept[0].grid[1]:
                return
            kept.clear()
        kept.append(SelfAttention(layer, modules[layer], query, key, grid))

    def end(*_: Any) -> None:
        for one in kept:
            if not one.query.is_meta and not torch.isfinite(one.query.sum(dtype=torch.float32) + one.key.sum()):
                raise NotFiniteError.of(model, f"layer {one.layer}")

    with ExitStack() as stack:
        stack.enter_context(unet.register_forward_pre_hook(begin, with_kwargs=True))
        for layer, module in modules.items():
            for handle in read_projections(layer, module, layer_done):
                stack.enter_context(handle)
        stack.enter_context(unet.register_forward_hook(end))
        yield kept


def largest(layers: Sequence[SelfAttention]) -> tuple[int, int]:
    """The largest grid (h, w) of the layers."""
    return max((one.grid for one in layers), key=lambda grid: grid[0] * grid[1])
