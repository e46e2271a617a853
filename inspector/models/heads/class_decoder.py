"""VPD's head for any names (Zhao et al., ICCV 2023): class tokens as the UNet's context, decoded class by class.

VPD fine-tunes its UNet and decodes a fixed list of classes, whose attention maps are channels beside its features.
Here the UNet stays frozen, and what decodes is the same for every class, so that a name that was never seen has a
score too: our extension.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from inspector.models.heads.pyramid import Pyramid

GAMMA = 1e-4  # that the adapter's scale begins at, as published
GUIDES = 8  # channels of the picture's features that every class's decoder sees
HIDDEN = 16
LEAST = 1e-4  # of an attention times the number of classes, before its logarithm
SCALE = 10.0  # of a cosine that enters the decoder


class TextAdapter(nn.Module):
    """A class's token plus gamma times an MLP of it; gamma is learned, one for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.gamma = nn.Parameter(torch.full((width,), GAMMA))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(..., class, width) of the text encoder -> (..., class, width) of the UNet's context."""
        return tokens + self.gamma * self.fc(tokens)


class ClassDecoder(nn.Module):
    """Features of the picture, and each class's attention maps and text -> a score of the class at every cell.

    taps: of the features, as `Pyramid` takes them. sizes: attention maps of each class. embed: width of the texts.
    """

    def __init__(self, taps: Mapping[str, tuple[int, int]], width: int, stride: int, sizes: int, embed: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(taps, width, stride)
        self.embedding = nn.Conv2d(width, embed, 1)
        self.guide = nn.Conv2d(width, GUIDES, 1)
        self.decode = nn.Sequential(
            nn.Conv2d(sizes + 1 + GUIDES, HIDDEN, 3, padding=1), nn.ReLU(),
            nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1), nn.ReLU(),
            nn.Conv2d(HIDDEN, 1, 1),
        )  # fmt: skip

    def forward(
        self,
        features: Mapping[str, torch.Tensor],
        attention: Sequence[torch.Tensor],
        text: torch.Tensor,
        size: tuple[int, int],
    ) -> torch.Tensor:
        """Logits (n, class, h, w). attention: (n, class, h, w) of each size. text: (class, embed) or (n, class, embed).

        size: of the picture in pixels. Attention enters as the logarithm of its multiple of an even share, which does
        not depend on how many classes share it.
        """
        cells = self.pyramid(features, size)[0]
        shape = cells.shape[-2:]
        count, classes = attention[0].shape[:2]
        unit = F.normalize(self.embedding(cells), dim=1)
        cosines = torch.einsum("nchw,nkc->nkhw", unit, F.normalize(text, dim=-1).expand(count, -1, -1))
        maps = [(item * classes).clamp(min=LEAST).log() for item in attention]
        maps = [F.interpolate(item, size=shape, mode="bilinear", align_corners=False) for item in maps]
        guide = self.guide(cells)[:, None].expand(-1, classes, -1, -1, -1)
        seen = torch.cat([torch.stack([*maps, SCALE * cosines], 2), guide], 2)
        return self.decode(seen.flatten(0, 1)).unflatten(0, (count, classes))[:, :, 0]
