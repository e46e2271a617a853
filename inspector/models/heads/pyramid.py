"""Tapped features of different strides as a feature pyramid, one width, for a mask decoder."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

LEVELS = (4, 8, 16, 32)  # strides in image pixels, as ODISE keeps them
GROUPS = 8


def level_of(stride: int) -> int:
    """The pyramid's stride that a tap of another one is resized to: ODISE keeps all within 4 and 32."""
    return min(max(stride, LEVELS[0]), LEVELS[-1])


class StepMixture(nn.Module):
    """A learned weighted mean over the timesteps of a tap (Luo et al., NeurIPS 2023, "Diffusion Hyperfeatures")."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(steps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, step, channel, h, w) -> (n, channel, h, w)."""
        return torch.einsum("nschw,s->nchw", x, self.logits.softmax(0))


class Pyramid(nn.Module):
    """Taps -> one map per level: 1x1 convolution and GroupNorm each, summed per level, joined from coarse to fine.

    taps: tap -> (channels, stride). finest: stride of the finest level, the one masks are drawn at. steps: timesteps
    of each tap, where it has several. A coarse level that no tap has is pooled from the finer one: the paper does not
    say how ODISE runs without its UNet, whose taps alone have strides 16 and 32; it is our choice. A finest level that
    no tap has is the next one enlarged.
    """

    def __init__(
        self,
        taps: Mapping[str, tuple[int, int]],
        width: int = 64,
        finest: int = 4,
        steps: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.levels = tuple(level for level in LEVELS if level >= finest)
        self.places = {name: max(level_of(stride), finest) for name, (_, stride) in taps.items()}
        self.mixtures = nn.ModuleDict({_key(name): StepMixture(count) for name, count in (steps or {}).items()})
        self.projections = nn.ModuleDict(
            {
                _key(name): nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.GroupNorm(GROUPS, width))
                for name, (channels, _) in taps.items()
            }
        )
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(GROUPS, width), nn.ReLU())
            for _ in self.levels
        )

    def forward(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> list[torch.Tensor]:
        """Maps (n, width, h, w), the finest level first, of tapped features; size: of the image in pixels."""
        shapes = [(-(-size[0] // level), -(-size[1] // level)) for level in self.levels]
        found: list[torch.Tensor | None] = [None] * len(self.levels)
        for name, place in self.places.items():
            index = self.levels.index(place)
            values = features[name]
            if _key(name) in self.mixtures:
                values = self.mixtures[_key(name)](values)
            values = F.interpolate(self.projections[_key(name)](values), size=shapes[index], mode="nearest")
            before = found[index]
            found[index] = values if before is None else before + values
        return self._joined(found, shapes)

    def _joined(self, found: Sequence[torch.Tensor | None], shapes: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
        filled: list[torch.Tensor | None] = []
        for item, shape in zip(found, shapes, strict=True):
            if item is None and filled and filled[-1] is not None:
                item = F.adaptive_max_pool2d(filled[-1], shape)
            filled.append(item)
        above: torch.Tensor | None = None
        joined = []
        for item, shape, smooth in list(zip(filled, shapes, self.smooth, strict=True))[::-1]:
            parts = [] if item is None else [item]
            if above is not None:
                parts.append(F.interpolate(above, size=shape, mode="nearest"))
            above = smooth(torch.stack(parts).sum(0))
            joined.append(above)
        return joined[::-1]


def _key(name: str) -> str:
    """A tap's name as one of a module, which may hold no dot."""
    return name.replace(".", "_")
