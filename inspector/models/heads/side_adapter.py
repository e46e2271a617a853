"""SAN's side network (Xu et al., CVPR 2023): masks beside a frozen CLIP, and where its class tokens shall look.

A small vision transformer of its own sees the picture; CLIP's early tokens are added to its own on the way. It gives
masks, and one attention bias per head for each query, by which copies of CLIP's class token are steered through
CLIP's last layers: what they become is what the mask is called.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from inspector.models.heads.mask_decoder import Mlp


class Fusion(nn.Module):
    """CLIP's tokens of one layer, normed and projected, as an addition to the side network's."""

    def __init__(self, clip_width: int, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(clip_width, eps=eps)
        self.proj = nn.Linear(clip_width, width)

    def forward(self, tokens: torch.Tensor, grid: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
        """Patches (n, gh * gw, clip_width) -> (n, h * w, width), bilinear."""
        values = self.proj(self.norm(tokens)).transpose(1, 2).unflatten(-1, grid)
        return F.interpolate(values, size=size, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)


class SideNetwork(nn.Module):
    """Picture and CLIP's tokens -> mask logits and attention biases.

    side: pictures' side it was trained at. patch: pixels of a cell of its own. fused: the layers of CLIP whose tokens
    are added before its first blocks, one each. heads: CLIP's attention heads, one bias each. inner: channels that
    queries, pixels and biases are compared in; hidden: of the MLPs before, `width` by default. own_heads: attention
    heads of its blocks. published: compute as the published code does, where the small network need not: GELU, norms
    with an epsilon of 1e-6, dot products not divided by a root, and of the biases over a patch of CLIP the largest
    instead of one interpolated.
    """

    def __init__(
        self, side: int, clip_width: int, heads: int, width: int = 64, blocks: int = 3, patch: int = 8,
        queries: int = 20, fused: Sequence[int] = (0, 1, 2), inner: int = 64, hidden: int | None = None,
        own_heads: int = 4, published: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.heads, self.inner, self.published = patch, heads, inner, published
        hidden, eps = hidden or width, 1e-6 if published else 1e-5
        self.trained = (side // patch, side // patch)
        self.patch_embed = nn.Conv2d(3, width, patch, patch)
        self.pos_embed = nn.Parameter(torch.zeros(1, width, *self.trained))
        self.query_embed = nn.Parameter(torch.zeros(1, queries, width))
        self.query_pos_embed = nn.Parameter(torch.zeros(1, queries, width))
        for parameter in (self.pos_embed, self.query_embed, self.query_pos_embed):
            nn.init.normal_(parameter, std=0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, own_heads, 4 * width, dropout=0.0, activation="gelu" if published else "relu",
                layer_norm_eps=eps, batch_first=True, norm_first=True,
            )
            for _ in range(blocks)
        )  # fmt: skip
        self.fusions = nn.ModuleList(Fusion(clip_width, width, eps) for _ in fused)
        self.query_mlp = Mlp(width, hidden, hidden, inner)
        self.pixel_mlp = Mlp(width, hidden, hidden, inner)
        self.attention_mlp = Mlp(width, hidden, hidden, inner * heads)
        self.bias_scale = nn.Linear(1, 1)

    def forward(
        self, pixels: torch.Tensor, tokens: Sequence[torch.Tensor], grid: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits (n, query, h, w) and biases (n, head, query, gh * gw) at CLIP's grid.

        pixels: normalised (n, 3, H, W). tokens: CLIP's patches (n, gh * gw, width) of the fused layers.
        """
        embedded = self.patch_embed(pixels)
        size = (int(embedded.shape[-2]), int(embedded.shape[-1]))
        places: torch.Tensor = self.pos_embed
        if size != self.trained:
            places = F.interpolate(places, size=size, mode="bicubic", align_corners=False)
        count = self.query_embed.shape[1]
        positions = torch.cat([self.query_pos_embed, places.flatten(2).transpose(1, 2)], 1)
        x = torch.cat([self.query_embed.expand(len(pixels), -1, -1), embedded.flatten(2).transpose(1, 2)], 1)
        for index, block in enumerate(self.blocks):
            if index < len(self.fusions):
                added = self.fusions[index](tokens[index], grid, size)
                x = torch.cat([x[:, :count], x[:, count:] + added], 1)
            x = block(x + positions)  # places are said again before every block, as SAN does
        queries, patches = x[:, :count], x[:, count:]
        queries, scale = self.query_mlp(queries), 1.0 if self.published else self.inner**-0.5
        masks = queries @ self.pixel_mlp(patches).transpose(1, 2) * scale
        looked = self.attention_mlp(patches).unflatten(-1, (self.heads, self.inner))
        biases = torch.einsum("nqc,nphc->nhqp", queries, looked) * scale
        biases = self.bias_scale(biases[..., None])[..., 0].unflatten(-1, size).flatten(0, 1)
        if self.published:
            biases = F.adaptive_max_pool2d(biases, grid)
        else:
            biases = F.interpolate(biases, size=grid, mode="bilinear", align_corners=False)
        return masks.unflatten(-1, size), biases.unflatten(0, (len(pixels), self.heads)).flatten(-2)
