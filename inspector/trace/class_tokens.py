"""What VPD reads of a UNet whose context holds one token for each class (Zhao et al., ICCV 2023).

Outputs of the up blocks, and where each class's token is attended to: cross-attention, mean over heads and over the
layers of a size, of the two sizes that it joins to its features, which are a half and a quarter of the latents'
sides (32 and 16 cells of Stable Diffusion at 512 pixels). A gradient reaches the context where torch records one.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from inspector.models.protocols import Conditions, DiffusionModel
from inspector.trace.hooks import capture
from inspector.trace.recorders import attention_weights, cross_attention_layers, grid_of
from inspector.trace.taps import Tap

HALVINGS = (1, 2)  # of the latents' sides, at which attention is read


@dataclass(frozen=True)
class ClassTokens:
    """features: tap name -> (n, channel, h, w). attention: of each of HALVINGS, (n, class, h, w), classes sum to 1."""

    features: dict[str, torch.Tensor]
    attention: tuple[torch.Tensor, ...]


def output_taps(model: DiffusionModel) -> tuple[Tap, ...]:
    """One of each up block, in order of running: what leaves the last but one of its layers, the last of the finest.

    Those that VPD's code reads; all are from before the block enlarges its grid.
    """
    unet: Any = model.unet
    last, found = len(unet.up_blocks) - 1, []
    for index, block in enumerate(unet.up_blocks):
        layer = len(block.resnets) - (1 if index == last else 2)
        kind = "attentions" if hasattr(block, "attentions") else "resnets"
        channels, stride = int(block.resnets[layer].out_channels), model.latent_factor * 2 ** (last - index)
        found.append(Tap("unet", f"up_blocks.{index}.{kind}.{layer}", channels, stride))
    return tuple(found)


def read_class_tokens(
    model: DiffusionModel, latents: torch.Tensor, timestep: int, conditions: Conditions
) -> ClassTokens:
    """One pass of latents (n, c, h, w) that are x_t already; conditions: states (n, class, width)."""
    size = (int(latents.shape[-2]), int(latents.shape[-1]))
    wanted = {_halved(size, times): place for place, times in enumerate(HALVINGS)}
    groups: list[list[torch.Tensor]] = [[] for _ in HALVINGS]
    projected: dict[str, torch.Tensor] = {}

    def look(layer: str, module: Any) -> Callable[..., None]:
        def looked(_module: Any, _args: Any, key: torch.Tensor) -> None:
            query = projected.pop(layer)
            grid = grid_of(query.shape[1], size)
            if grid in wanted:
                groups[wanted[grid]].append(attention_weights(module, query, key).mean(1).unflatten(-1, grid))

        return looked

    with ExitStack() as stack:
        for layer in cross_attention_layers(model.unet):
            module: Any = model.unet.get_submodule(layer)
            keep = lambda _module, _args, query, layer=layer: projected.update({layer: query})  # noqa: E731
            stack.callback(module.to_q.register_forward_hook(keep).remove)
            stack.callback(module.to_k.register_forward_hook(look(layer, module)).remove)
        layers = [tap.layer for tap in output_taps(model)]
        captured = stack.enter_context(capture(model.unet, layers, graph=torch.is_grad_enabled()))
        model.predict(latents, timestep, conditions)
    features = {f"unet.{layer}": values for layer, values in captured.items()}
    return ClassTokens(features, tuple(torch.stack(group).mean(0) for group in groups if group))


def _halved(size: tuple[int, int], times: int) -> tuple[int, int]:
    height, width = size
    for _ in range(times):
        height, width = -(-height // 2), -(-width // 2)
    return height, width
