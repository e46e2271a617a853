"""Room: what a run of a diffusion model takes beside the weights, known before it runs, and whether it is free.

Of the autoencoder and the UNet nothing can be cut into parts without changing what they compute, so that their memory
grows with the picture's area: Stable Diffusion's autoencoder takes 1.3 GB at 512 px and 5.4 GB at 1,024 px in float32.
"""

from typing import Any

import torch

from inspector.errors import ModelMemoryError
from inspector.models.placement import free_gb
from inspector.models.protocols import DiffusionModel
from inspector.trace.joint import is_transformer, joint_grid

# Arrays that are held at once, each of the width of the first block. Measured on a CPU at 256 to 1,024 px: 7 to 12 for
# the autoencoder (at the picture's size, to decode), 40 to 60 for a pass of the UNet (at the latents' size).
DECODING, PASSING = 10, 50


def pass_bytes(model: DiffusionModel, size: tuple[int, int]) -> int:
    """Bytes that a pass of the UNet holds at once for one picture of (h, w) pixels; an estimate."""
    config: Any = model.network.config
    height, width = (side // model.latent_factor for side in size)
    if is_transformer(model.network):
        channels = int(config.num_attention_heads * config.attention_head_dim)
        height, width = joint_grid(model.network, (height, width))
    else:
        channels = int(config.block_out_channels[0])
    return PASSING * channels * height * width * model.dtype.itemsize


def run_bytes(model: DiffusionModel, size: tuple[int, int], batch: int = 1) -> int:
    """Bytes that a run holds at once: the larger of the autoencoder's and those of `batch` pictures in the UNet."""
    config: Any = model.vae.config
    decoding = DECODING * int(config.block_out_channels[0]) * size[0] * size[1] * model.dtype.itemsize
    return max(decoding, batch * pass_bytes(model, size))


def check_room(model: DiffusionModel, size: tuple[int, int], batch: int = 1, kept: int = 0) -> None:
    """Raise ModelMemoryError, with both numbers, where a run would take more memory than is free.

    size: (h, w) of the picture; batch: pictures in one pass of the UNet; kept: bytes of the result, beside the device.
    """
    needed = {torch.device("cpu"): kept}
    needed[model.device] = needed.get(model.device, 0) + run_bytes(model, size, batch)
    for device, taken in needed.items():
        free = free_gb(device)
        if taken / 1e9 > free:
            raise ModelMemoryError(
                f"The run would take about {taken / 1e9:.1f} GB of memory at {size[1]} x {size[0]} pixels and "
                f"{free:.1f} GB are free on {device}; choose a smaller picture, fewer steps or a smaller model."
            )
