"""SAN at the published size (Xu et al., CVPR 2023), for weights that `inspector.models.imports` turns over.

Beside the side network SAN trains a background embedding and the positions of its CLIP, which is otherwise frozen and
not in here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from inspector.models.heads.side_adapter import SideNetwork


@dataclass(frozen=True)
class SanSizes:
    """Sizes of the modules; by default those published for CLIP ViT-B/16.

    side: of the picture that the side network sees, in pixels; resolution: of CLIP's, as a fraction of it. clip_tokens:
    positions of CLIP, the class token's included. fused: CLIP's layers that are given to the side network before its
    first blocks. steered: CLIP's block that copies of its class token enter.
    """

    side: int = 640
    resolution: float = 0.5
    clip_width: int = 768
    clip_heads: int = 12
    clip_embed: int = 512
    clip_tokens: int = 197
    fused: tuple[int, ...] = (0, 3, 6, 9)
    steered: int = 9
    width: int = 240
    heads: int = 6
    blocks: int = 8
    patch: int = 16
    queries: int = 100
    inner: int = 256
    hidden: int = 256


# By the width of CLIP's tokens, which tells the two published checkpoints apart.
PUBLISHED_SAN = {
    768: SanSizes(),
    1024: SanSizes(
        resolution=0.7, clip_width=1024, clip_heads=16, clip_embed=768, clip_tokens=577, fused=(0, 6, 12, 18),
        steered=18,
    ),
}  # fmt: skip


class FullSan(nn.Module):
    """Side network, background embedding, and the positions that its CLIP is to use instead of its own."""

    def __init__(self, sizes: SanSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or SanSizes()
        self.config: Mapping[str, Any] = {}  # config.json of an imported one
        self.side = SideNetwork(
            sizes.side, sizes.clip_width, sizes.clip_heads, sizes.width, sizes.blocks, sizes.patch, sizes.queries,
            sizes.fused, sizes.inner, sizes.hidden, sizes.heads, published=True,
        )  # fmt: skip
        self.background = nn.Parameter(torch.randn(1, sizes.clip_embed) * sizes.clip_embed**-0.5)
        self.positions = nn.Parameter(torch.randn(sizes.clip_tokens, sizes.clip_width) * 0.02)

    def forward(
        self, pixels: torch.Tensor, tokens: Sequence[torch.Tensor], grid: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits and biases, as `SideNetwork`; tokens: of CLIP's layers, class token first, at `grid`."""
        return self.side(pixels, [tokens[layer][:, 1:] for layer in self.sizes.fused], grid)
