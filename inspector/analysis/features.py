"""UNet features of a noised image: which modules a preset reads, one pass that stops early, one grid of vectors.

The paper's Fig. 4 clusters "the average feature across the last 6 blocks" and leaves open which modules these
are and how features of different widths are averaged. The presets are three readings of it, our choice:

    A  the outputs of the last six transformer modules of the up path (up_blocks.2 and .3 of Stable Diffusion 1.x,
       which are LDM's output blocks 6 to 11). Each is a unit vector per position; joined and divided by sqrt(6),
       their dot product is the mean of the six cosine similarities, so "average" is well defined.
    B  the plain mean of the six sub-layers of the last up block, which share one width (LDM's 9 to 11).
    C  what enters the residual blocks of the last two up blocks, skip connections included, as ODISE
       (Xu et al. 2023) taps them; joined as in A.

A transformer over patches has blocks of one width and size. There A joins, and B averages, what leaves its last six
blocks, and C joins what enters them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from inspector.errors import NotFiniteError, UnsupportedModelError
from inspector.models.protocols import Conditions, DiffusionModel
from inspector.results import CLUSTER_PRESETS, check_choice
from inspector.trace.hooks import capture
from inspector.trace.joint import JOINT, is_transformer, joint_grid
from inspector.trace.trajectories import noise_once

LAST = 6  # blocks of the paper's average


@dataclass(frozen=True)
class Taps:
    """The modules a preset reads, in order of running; `inputs`: what enters them instead of what leaves."""

    layers: tuple[str, ...]
    inputs: bool = False


def find_taps(unet: nn.Module, preset: str) -> Taps:
    """The modules that a preset names in this UNet, or transformer; UnsupportedModelError where it has none.

    The names are read from the UNet, so that models with fewer or differently sized up blocks work too.
    """
    check_choice("preset", preset, CLUSTER_PRESETS)
    if is_transformer(unet):
        last = [name for name, _ in unet.named_modules() if re.fullmatch(rf"{JOINT[0]}\.\d+", name)]
        return Taps(tuple(last[-LAST:]), inputs=preset == "C")
    found = [re.fullmatch(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)", name) for name, _ in unet.named_modules()]
    # Within an up block each residual block runs before the transformer of the same number.
    places = sorted((int(match[1]), int(match[3]), match[2] != "resnets", match[0]) for match in found if match)
    blocks = sorted({block for block, *_ in places})
    attentions = tuple(name for _, _, is_attention, name in places if is_attention)
    if not blocks or not attentions:
        raise UnsupportedModelError(
            f"{type(unet).__name__} has no up blocks with transformers; choose a Stable Diffusion model."
        )
    if preset == "A":
        return Taps(attentions[-LAST:])
    if preset == "B":
        return Taps(tuple(name for block, *_, name in places if block == blocks[-1]))
    last_two = [(is_attention, name) for block, _, is_attention, name in places if block in blocks[-2:]]
    return Taps(tuple(name for is_attention, name in last_two if not is_attention), inputs=True)


def preset_features(
    model: DiffusionModel,
    latents: torch.Tensor,
    conditions: Conditions,
    timesteps: Sequence[int],
    seed: int,
    preset: str = "A",
) -> torch.Tensor:
    """Unit feature vectors float32 (timestep, channel, h, w) on the CPU of one image at several noise levels.

    latents: scaled, clean (1, c, h, w). conditions: of one prompt. timesteps: each gets the same noise,
    drawn from `seed`, and all go through the UNet as one batch. The grid is the largest of the tapped ones.
    """
    taps = find_taps(model.network, preset)
    noised = torch.cat([noise_once(model, latents, timestep, [seed]) for timestep in timesteps])
    recorded = record(model, noised, timesteps, model.shown(conditions, latents), taps)
    for layer, values in recorded.items():
        if not torch.isfinite(values).all():
            raise NotFiniteError.of(model.spec.name, f"layer {layer}, t = {', '.join(map(str, timesteps))}")
    return combine(list(recorded.values()), preset)


@torch.no_grad()
def record(
    model: DiffusionModel, latents: torch.Tensor, timesteps: Sequence[int], conditions: Conditions, taps: Taps
) -> dict[str, torch.Tensor]:
    """Layer -> (n, channel, h, w), of noised latents (n, c, h, w), one timestep each, without guidance.

    The forward pass ends at the last tap: what comes after it is never computed, and what is recorded is
    the same to the bit as in a whole pass. conditions: of one prompt, shared by the batch.
    """
    times = torch.tensor(timesteps, device=latents.device)
    with capture(model.network, taps.layers, inputs=taps.inputs, stop_after_last=True) as captured:
        model.predict(latents, times, conditions.expand(len(latents)))
    if not is_transformer(model.network):
        return captured
    grid = joint_grid(model.network, (latents.shape[-2], latents.shape[-1]))
    return {name: values.transpose(1, 2).unflatten(-1, grid) for name, values in captured.items()}


def combine(blocks: Sequence[torch.Tensor], preset: str) -> torch.Tensor:
    """Blocks (n, channel, h, w) of different sizes and widths as unit vectors float32 (n, channel, H, W), CPU.

    Smaller grids are enlarged bilinearly to the largest first. Preset B averages and needs equal widths.
    """
    check_choice("preset", preset, CLUSTER_PRESETS)
    size = max((block.shape[-2:] for block in blocks), key=lambda shape: shape[0] * shape[1])
    enlarged = (  # one after the other: those of Stable Diffusion's preset C take 105 MB together
        F.interpolate(block.detach().float().cpu(), size=size, mode="bilinear", align_corners=False) for block in blocks
    )
    if preset == "B":
        return F.normalize(torch.stack(list(enlarged)).mean(0), dim=1)
    return torch.cat([F.normalize(block, dim=1) for block in enlarged], dim=1).div_(len(blocks) ** 0.5)


def linear_cka(first: torch.Tensor, second: torch.Tensor) -> float:
    """Linear centred kernel alignment of two grids (channel, h, w) of one size, in [0, 1]; nan for a constant one.

    Kornblith et al. 2019, equation 5, over the grid's positions: 1 where one is a rotation of the other, whatever the
    scale, so that features of two passes compare without matching their channels.
    """
    left, right = (item.detach().float().cpu().flatten(1) for item in (first, second))
    left, right = (item - item.mean(1, keepdim=True) for item in (left, right))
    scale = (left @ left.T).norm() * (right @ right.T).norm()
    return float((left @ right.T).square().sum() / scale) if scale > 1e-12 else float("nan")
