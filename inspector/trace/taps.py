"""What ODISE reads of a diffusion model (Xu et al., CVPR 2023): what enters blocks of its autoencoder and UNet.

Block inputs, not outputs, so that the UNet's hold their skip connections. Which blocks is read from the model: the
last residual block of the encoder's two coarsest levels, of each up block of the UNet, and of the decoder's two
coarsest levels, which in Stable Diffusion 1.x are the published ones. The decoder's are those of the clean latent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inspector.models.protocols import Conditions, DiffusionModel
from inspector.trace.hooks import capture


@dataclass(frozen=True)
class Tap:
    """One block's input. part: "vae" or "unet". layer: the block's name in it. stride: image pixels a cell."""

    part: str
    layer: str
    channels: int
    stride: int

    @property
    def name(self) -> str:
        """Part and layer."""
        return f"{self.part}.{self.layer}"


def autoencoder_taps(model: DiffusionModel) -> tuple[Tap, ...]:
    """Those of the encoder, then of the decoder, in order of running."""
    vae: Any = model.vae
    down, up = vae.encoder.down_blocks, vae.decoder.up_blocks
    encoder = [
        _tap("vae", f"encoder.down_blocks.{index}.resnets", down[index].resnets, 2**index)
        for index in (len(down) - 2, len(down) - 1)
    ]
    decoder = [
        _tap("vae", f"decoder.up_blocks.{index}.resnets", up[index].resnets, model.latent_factor // 2**index)
        for index in (0, 1)
    ]
    return (*encoder, *decoder)


def unet_taps(model: DiffusionModel) -> tuple[Tap, ...]:
    """One of each up block, in order of running."""
    unet: Any = model.unet
    blocks = unet.up_blocks
    strides = [model.latent_factor * 2 ** (len(blocks) - 1 - index) for index in range(len(blocks))]
    return tuple(
        _tap("unet", f"up_blocks.{index}.resnets", block.resnets, stride)
        for index, (block, stride) in enumerate(zip(blocks, strides, strict=True))
    )


def _tap(part: str, layers: str, blocks: Any, stride: int) -> Tap:
    last = len(blocks) - 1
    return Tap(part, f"{layers}.{last}", int(blocks[last].norm1.num_channels), stride)


@torch.no_grad()
def autoencoder_features(
    model: DiffusionModel, images: np.ndarray, taps: Sequence[Tap]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Scaled latents (n, c, h, w), posterior mode, and tap name -> (n, channel, h, w).

    images: uint8 (n, h, w, 3), sides as `encode_images` wants them.
    """
    vae: Any = model.vae
    layers = [tap.layer for tap in taps]
    encoder = [layer for layer in layers if layer.startswith("encoder")]
    with capture(vae, encoder, inputs=True, stop_after_last=False) as encoded:
        latents = model.encode_images(images)
    decoder = [layer for layer in layers if layer not in encoder]
    decoded: dict[str, torch.Tensor] = {}
    if decoder:
        with capture(vae, decoder, inputs=True) as decoded:
            model.decode_pixels(latents)
    found = {f"vae.{layer}": values for layer, values in {**encoded, **decoded}.items()}
    return latents, found


def unet_features(
    model: DiffusionModel,
    latents: torch.Tensor,
    timestep: int,
    conditions: Conditions,
    taps: Sequence[Tap],
    shift: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """Tap name -> (n, channel, h, w) of one pass of latents (n, c, h, w) that are x_t already, without guidance.

    conditions: of n prompts. shift: (n, time) or None, added to the time embedding. A gradient reaches the states and
    shift where torch records one.
    """
    with (
        _shifted(model.unet, shift),
        capture(model.unet, [tap.layer for tap in taps], inputs=True, graph=torch.is_grad_enabled()) as captured,
    ):
        model.predict(latents, timestep, conditions)
    return {f"unet.{layer}": values for layer, values in captured.items()}


@contextmanager
def _shifted(unet: Any, shift: torch.Tensor | None) -> Iterator[None]:
    """Inside, the UNet's time embedding has `shift` added to it."""
    if shift is None:
        yield
        return
    handle = unet.time_embedding.register_forward_hook(lambda _module, _args, output: output + shift)
    try:
        yield
    finally:
        handle.remove()


def tap_shapes(taps: Sequence[Tap]) -> Mapping[str, tuple[int, int]]:
    """Tap name -> (channels, stride), as `models.heads.pyramid.Pyramid` takes it."""
    return {tap.name: (tap.channels, tap.stride) for tap in taps}
