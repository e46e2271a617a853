"""A small open_clip CLIP with random weights that satisfies `ClipModel`, without files or tokenizer."""

import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import torch
from torch import nn
from torch.nn import functional as F

from inspector.models.protocols import Trunk

WIDTH, EMBED, PATCH = 24, 12, 8


class ToyClip:
    """Three blocks of width 24, two heads, 8 px patches; weights drawn anew with a spread that makes attention uneven.

    registers: further prefix tokens between the class token and the patches.
    vision: more of open_clip's `vision_cfg`, such as ls_init_value.
    """

    def __init__(
        self, dtype: torch.dtype = torch.float64, registers: int = 0, quick_gelu: bool = False, **vision: Any
    ) -> None:
        torch.manual_seed(0)
        vision_cfg = {"image_size": 48, "patch_size": PATCH, "width": WIDTH, "layers": 3, "head_width": 12, **vision}
        text_cfg = {"context_length": 4, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1}
        clip = open_clip.CLIP(EMBED, vision_cfg, text_cfg, quick_gelu=quick_gelu)
        for parameter in clip.visual.parameters():
            nn.init.normal_(parameter, std=0.4)
        self.visual = clip.visual.to(dtype).eval()
        self.spec = SimpleNamespace(name="toy-clip", origin="local", told="")
        self.parameters = 1
        self.device, self.dtype, self.revision = torch.device("cpu"), dtype, "toy"
        self.patch_size, self.image_size, self.logit_scale = PATCH, vision_cfg["image_size"], 12.0
        self.poolings = ("class", "mean")
        self.blocks = tuple(self.visual.transformer.resblocks)
        self.last_block = self.blocks[-1]
        self.heads = self.last_block.attn.num_heads
        self.registers = torch.randn(1, registers, WIDTH, dtype=dtype)
        self.trunks = 0  # how often the trunk was run

    def pixels(self, image: np.ndarray, side: int | None = None) -> torch.Tensor:
        """uint8 (h, w, 3) -> (1, 3, H, W) in [-1, 1], sides rounded up to whole patches."""
        scale = (side or self.image_size) / min(image.shape[:2])
        size = [-(-round(length * scale) // PATCH) * PATCH for length in image.shape[:2]]
        planes = torch.from_numpy(image).to(self.dtype).permute(2, 0, 1)[None] / 127.5 - 1
        return F.interpolate(planes, size=size, mode="bilinear")

    def text(self, texts: Sequence[str], unit: bool = True) -> torch.Tensor:
        """A fixed random vector for each text."""
        drawn = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=EMBED) for text in texts]
        found = torch.tensor(np.array(drawn), dtype=self.dtype).reshape(-1, EMBED)
        return F.normalize(found, dim=-1) if unit else found

    def unread(self, text: str) -> str:
        """It reads 100 characters."""
        return text[100:]

    @torch.no_grad()
    def trunk(self, pixels: torch.Tensor) -> Trunk:
        """All blocks but the last."""
        self.trunks += 1
        visual = self.visual
        patches = visual.conv1(pixels)
        grid = (patches.shape[-2], patches.shape[-1])
        side = visual.grid_size[0]
        positions = visual.positional_embedding[1:].T.reshape(1, WIDTH, side, side)
        positions = F.interpolate(positions, size=grid, mode="bicubic").flatten(2).transpose(1, 2)
        first = (visual.class_embedding + visual.positional_embedding[0]).expand(1, 1, WIDTH)
        tokens = torch.cat([first, self.registers, patches.flatten(2).transpose(1, 2) + positions], dim=1)
        tokens = visual.ln_pre(tokens)
        for block in visual.transformer.resblocks[:-1]:
            tokens = block(tokens)
        return Trunk(tokens=tokens, grid=grid, prefix=1 + self.registers.shape[1])

    def head(self, tokens: torch.Tensor, trunk: Trunk, pooling: str) -> torch.Tensor:
        """Norm, pool and project."""
        normed = self.visual.ln_post(tokens)
        pooled = normed[:, 0] if pooling == "class" else normed[:, trunk.prefix :].mean(1)
        return pooled @ self.visual.proj

    def dense(self, tokens: torch.Tensor, trunk: Trunk) -> torch.Tensor:
        """Norm and project every patch."""
        return self.visual.ln_post(tokens[:, trunk.prefix :]) @ self.visual.proj
