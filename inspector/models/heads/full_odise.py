"""ODISE's head at the published size (Xu et al., CVPR 2023), for weights that `inspector.models.imports` turns over.

What the small head of `build.py` leaves out is here: a residual bottleneck for each tap, Mask2Former's deformable
pixel decoder (Cheng et al., CVPR 2022) and nine decoder layers, both transformers' own. Taps, decoder, classifier and
captioner are the small head's at other sizes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerPixelDecoder

from inspector.models.heads.captioner import ImplicitCaptioner
from inspector.models.heads.mask_decoder import MaskDecoder, Proposals, TextClassifier
from inspector.models.heads.pyramid import LEVELS, level_of

GROUPS = 32  # of every GroupNorm

# Tap -> (channels, stride) of Stable Diffusion 1.x, in the order of the checkpoint's projections 0 to 7: encoder,
# UNet, decoder. Names as `inspector.trace.taps` gives them.
TAPS: Mapping[str, tuple[int, int]] = {
    "vae.encoder.down_blocks.2.resnets.1": (512, 4),
    "vae.encoder.down_blocks.3.resnets.1": (512, 8),
    "unet.up_blocks.0.resnets.2": (2560, 64),
    "unet.up_blocks.1.resnets.2": (1920, 32),
    "unet.up_blocks.2.resnets.2": (960, 16),
    "unet.up_blocks.3.resnets.2": (640, 8),
    "vae.decoder.up_blocks.0.resnets.2": (512, 8),
    "vae.decoder.up_blocks.1.resnets.2": (512, 4),
}


@dataclass(frozen=True)
class OdiseSizes:
    """Sizes of the modules; by default the published ones.

    taps: name -> (channels, stride), in the checkpoint's order. projected: channels of a projected tap. width: of pixel
    decoder, queries and mask embeddings, a multiple of 32. deformable, layers: layers of pixel and mask decoder.
    pixel_feedforward, feedforward: hidden units of theirs. clip_embed: width of CLIP's embeddings. states: (tokens,
    width) of the UNet's text states. time: width of its time embedding.
    """

    taps: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict(TAPS))
    projected: int = 512
    width: int = 256
    heads: int = 8
    queries: int = 100
    deformable: int = 6
    pixel_feedforward: int = 1024
    layers: int = 9
    feedforward: int = 2048
    clip_embed: int = 768
    states: tuple[int, int] = (77, 768)
    time: int = 1280


class NormedConv(nn.Conv2d):
    """A convolution without bias, its size kept, and GroupNorm after it; parameters named as detectron2 names them."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__(channels, out, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.GroupNorm(GROUPS, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) -> (n, out, h, w)."""
        return self.norm(super().forward(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with a quarter of the channels inside, and a shortcut (He et al., CVPR 2016)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.shortcut = NormedConv(channels, out, 1) if channels != out else nn.Identity()
        self.conv1 = NormedConv(channels, out // 4, 1)
        self.conv2 = NormedConv(out // 4, out // 4, 3)
        self.conv3 = NormedConv(out // 4, out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) -> (n, out, h, w)."""
        inside = F.relu(self.conv2(F.relu(self.conv1(x))))
        return F.relu(self.conv3(inside) + self.shortcut(x))


class FullOdise(nn.Module):
    """Taps -> projected pyramid -> pixel decoder -> masks and their embeddings; a captioner; a text classifier."""

    def __init__(self, sizes: OdiseSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or OdiseSizes()
        self.config: Mapping[str, Any] = {}  # config.json of an imported one
        self.projections = nn.ModuleList(Bottleneck(channels, sizes.projected) for channels, _ in sizes.taps.values())
        self.pixel_decoder = Mask2FormerPixelDecoder(pixel_config(sizes), [sizes.projected] * len(LEVELS))
        # A bare module leaves this one as it finds the memory.
        self.pixel_decoder.level_embed = nn.Parameter(torch.randn(len(LEVELS) - 1, sizes.width))
        self.decoder = MaskDecoder(
            sizes.width, sizes.queries, sizes.layers, sizes.width, sizes.heads, sizes.feedforward
        )
        self.classifier = TextClassifier(sizes.clip_embed, sizes.width, null_as_text=True)
        self.captioner = ImplicitCaptioner(sizes.clip_embed, sizes.states, sizes.time)

    def pyramid(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> list[torch.Tensor]:
        """Maps (n, projected, h, w) of strides 4 to 32 of a picture of `size` pixels, both multiples of 32.

        A tap is resized to its level first, nearest, and projected there, as ODISE does: the features of a picture that
        the models saw at another size than `size` come back to its own.
        """
        found: dict[int, torch.Tensor] = {}
        for (name, (_, stride)), project in zip(self.sizes.taps.items(), self.projections, strict=True):
            level = level_of(stride)
            shape = (size[0] // level, size[1] // level)
            values = project(F.interpolate(features[name], size=shape, mode="nearest"))
            found[level] = found[level] + values if level in found else values
        return [found[level] for level in LEVELS]

    def decode(self, levels: Sequence[torch.Tensor]) -> Proposals:
        """Proposals from a projected pyramid, the finest level first."""
        out = self.pixel_decoder(list(levels), output_hidden_states=False, return_dict=True)
        return self.decoder([out.mask_features, *out.multi_scale_features[::-1]])

    def forward(self, features: Mapping[str, torch.Tensor], size: tuple[int, int]) -> Proposals:
        """Proposals from tapped features of one picture of `size` pixels; masks of stride 4."""
        return self.decode(self.pyramid(features, size))


def pixel_config(sizes: OdiseSizes) -> Mask2FormerConfig:
    """transformers' settings of the pixel decoder: three levels attended to, a fourth added for the masks."""
    return Mask2FormerConfig(
        feature_size=sizes.width, mask_feature_size=sizes.width, hidden_dim=sizes.width,
        num_attention_heads=sizes.heads, encoder_layers=sizes.deformable,
        encoder_feedforward_dim=sizes.pixel_feedforward, feature_strides=list(LEVELS), common_stride=LEVELS[0],
        dropout=0.0,
    )  # fmt: skip
