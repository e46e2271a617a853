"""Representation alignment (Yu et al. 2024, "REPA"): a UNet's features learn what CLIP sees in the clean picture.

The features after `up_blocks.1` of a noised picture, sent through a small projector that is not shipped, are
pulled towards the patch embeddings of scenes-clip on the same picture. While the picture is still noise, only the
words say what these are, so the features learn to read them. The teacher was itself trained on captions only.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from inspector.training.clip import ClipTraining, normalised

WEIGHT = 0.5  # of the alignment beside the noise prediction, as in the paper
HIDDEN = 256


class AlignedUnet(nn.Module):
    """The UNet and the projector of its features; only the UNet is shipped."""

    def __init__(self, unet: Any, width: int) -> None:
        super().__init__()
        self.unet = unet
        channels = unet.config.block_out_channels[-2]
        self.projector = nn.Sequential(nn.Conv2d(channels, HIDDEN, 1), nn.SiLU(), nn.Conv2d(HIDDEN, width, 1))

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The predicted noise (b, 4, h, w) and projected features (b, width, h / 2, w / 2)."""
        kept: list[torch.Tensor] = []
        hook = self.unet.up_blocks[1].register_forward_hook(lambda block, inputs, output: kept.append(output))
        try:
            predicted = self.unet(noisy, timesteps, states).sample
        finally:
            hook.remove()
        return predicted, self.projector(kept[0])


def alignment_loss(projected: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """Mean of one minus the cosine per place.

    projected: (b, width, h, w); patches: (b, width, gh, gw), averaged to (h, w) where their grid is finer.
    """
    patches = F.adaptive_avg_pool2d(patches, (projected.shape[-2], projected.shape[-1]))
    return (1 - F.cosine_similarity(projected.float(), patches, dim=1)).mean()


def patch_teacher(clip: Any, device: torch.device) -> Callable[[np.ndarray], torch.Tensor]:
    """A function of uint8 (n, h, w, 3) -> unit patch embeddings (n, embed, gh, gw), each of its own value alone."""
    teacher = ClipTraining(clip).to(device).eval()
    side, grid = clip.visual.image_size[0], clip.visual.grid_size

    def embed(images: np.ndarray) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            patches = teacher.images(normalised(images, side).to(device))["patch"]
        return F.normalize(patches.float(), dim=-1).transpose(1, 2).unflatten(2, grid)

    return embed


class EncodedPictures:
    """What a frozen encoder makes of pictures, encoded on first use and kept on disk in half precision.

    encode: uint8 (n, h, w, 3) -> tensor (n, *shape).
    """

    def __init__(
        self,
        images: np.ndarray,
        encode: Callable[[np.ndarray], torch.Tensor],
        path: Path,
        shape: tuple[int, ...],
        device: torch.device,
    ) -> None:
        self.images, self.encode, self.device = images, encode, device
        mode = "r+" if path.exists() else "w+"
        self.values = np.lib.format.open_memmap(path, mode, np.float16, (len(images), *shape))

    @torch.no_grad()
    def take(self, rows: np.ndarray) -> torch.Tensor:
        """float32 (row, *shape). A row that is all zeros has not been encoded yet."""
        values = self.values[rows]
        missing = ~values.any(tuple(range(1, values.ndim)))
        if missing.any():
            values[missing] = self.encode(self.images[rows[missing]]).cpu().numpy()
            self.values[rows] = values
        return torch.from_numpy(values.astype(np.float32)).to(self.device)
