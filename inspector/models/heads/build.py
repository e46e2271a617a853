"""Heads put together from their parts, small for the embedded models, by the name of their row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from inspector.models.heads.captioner import ImplicitCaptioner
from inspector.models.heads.class_decoder import ClassDecoder, TextAdapter
from inspector.models.heads.mask_decoder import MaskDecoder, Proposals, TextClassifier
from inspector.models.heads.pyramid import Pyramid
from inspector.models.heads.side_adapter import SideNetwork
from inspector.models.heads.specs import INVERTED, HeadSpec

WIDTH, QUERIES, LAYERS = 64, 20, 3
FUSED = (0, 1, 2)  # CLIP's layers whose tokens SAN's side network is given
STEERED = 2  # of CLIP's blocks, the last ones, through which SAN's copies of the class token go


@dataclass(frozen=True)
class Surroundings:
    """What frozen models a head stands on.

    taps: tap name -> (channels, stride). clip_layers, clip_width, clip_heads, clip_embed, clip_side: of CLIP's image
    tower. states: (tokens, width) of the UNet's text states. time: width of its time embedding. maps: attention maps of
    each class, for a head that asks.
    """

    taps: Mapping[str, tuple[int, int]]
    clip_layers: int
    clip_width: int
    clip_heads: int
    clip_embed: int
    clip_side: int
    states: tuple[int, int] = (0, 0)
    time: int = 0
    maps: int = 0


class OdiseHead(nn.Module):
    """Pyramid of taps, masked-attention decoder, classifier beside CLIP's text, and a captioner where there is one."""

    def __init__(self, spec: HeadSpec, around: Surroundings) -> None:
        super().__init__()
        steps = {name: len(INVERTED) for name in around.taps if name.startswith("unet") and spec.path == "inversion"}
        self.pyramid = Pyramid(around.taps, WIDTH, spec.stride, steps)
        self.decoder = MaskDecoder(WIDTH, QUERIES, LAYERS, around.clip_embed)
        self.classifier = TextClassifier(around.clip_embed, around.clip_embed)
        if spec.captioner:
            self.captioner = ImplicitCaptioner(around.clip_embed, around.states, around.time, spec.captioner == "both")

    def forward(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> Proposals:
        """Proposals from tapped features; size: of the image in pixels."""
        return self.decoder(self.pyramid(features, size))


class MaskClipHead(nn.Module):
    """Class-agnostic proposals from CLIP's tokens; CLIP says what they are (Ding et al.; Liang et al.)."""

    def __init__(self, spec: HeadSpec, around: Surroundings) -> None:
        super().__init__()
        self.pyramid = Pyramid(around.taps, WIDTH, 8)
        self.decoder = MaskDecoder(WIDTH, QUERIES, LAYERS, around.clip_embed)
        self.objectness = nn.Linear(around.clip_embed, 2)

    def forward(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> Proposals:
        """As OdiseHead's."""
        return self.decoder(self.pyramid(features, size))


class SanHead(nn.Module):
    """Side network; its biases steer CLIP's class tokens, which are compared with text and a learned background."""

    def __init__(self, spec: HeadSpec, around: Surroundings) -> None:
        super().__init__()
        self.enters = around.clip_layers - STEERED
        self.side = SideNetwork(around.clip_side, around.clip_width, around.clip_heads, queries=QUERIES, fused=FUSED)
        self.background = nn.Parameter(torch.randn(1, around.clip_embed) * around.clip_embed**-0.5)

    def forward(
        self, pixels: torch.Tensor, tokens: Sequence[torch.Tensor], grid: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits and biases, as `SideNetwork`; tokens: of CLIP's layers, class token first."""
        return self.side(pixels, [tokens[layer][:, 1:] for layer in FUSED], grid)


class LsegHead(nn.Module):
    """An embedding in CLIP's space for every cell, from CLIP's tokens (Li et al., ICLR 2022)."""

    def __init__(self, spec: HeadSpec, around: Surroundings) -> None:
        super().__init__()
        self.pyramid = Pyramid(around.taps, WIDTH, spec.stride)
        self.embedding = nn.Conv2d(WIDTH, around.clip_embed, 1)

    def forward(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> torch.Tensor:
        """(n, embed, h, w), not unit length."""
        return self.embedding(self.pyramid(features, size)[0])


class VpdHead(nn.Module):
    """A text adapter before the frozen UNet, and a decoder after it, the same for every class (Zhao et al.)."""

    def __init__(self, spec: HeadSpec, around: Surroundings) -> None:
        super().__init__()
        self.adapter = TextAdapter(around.states[1])
        self.decoder = ClassDecoder(around.taps, WIDTH, spec.stride, around.maps, around.clip_embed)


FAMILIES: Mapping[str, type[nn.Module]] = {
    "odise": OdiseHead,
    "maskclip-masks": MaskClipHead,
    "ovseg": MaskClipHead,
    "san": SanHead,
    "lseg": LsegHead,
    "vpd": VpdHead,
}


def build_head(spec: HeadSpec, around: Surroundings) -> nn.Module:
    """The head of a row with random weights."""
    return FAMILIES[spec.family](spec, around)
