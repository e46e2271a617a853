"""Made-up checkpoints with the published names, and what those names compute, written plainly from the papers.

The references read the published names themselves, so that a wrong renaming shows in the numbers. Mask2Former: Cheng et
al., CVPR 2022, section 3; deformable attention: Zhu et al., ICLR 2021, equation 3; ODISE: Xu et al., CVPR 2023, section
3.3; SAN: Xu et al., CVPR 2023, sections 3.2 and 3.3.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional as F

from inspector.models.heads.full_odise import OdiseSizes
from inspector.models.heads.full_san import SanSizes
from inspector.models.imports import published_shapes
from inspector.models.published import PUBLISHED

State = Mapping[str, torch.Tensor]
SMALL_ODISE = OdiseSizes(
    taps={
        "vae.encoder.down_blocks.2.resnets.1": (128, 4),
        "vae.encoder.down_blocks.3.resnets.1": (128, 8),
        "unet.up_blocks.0.resnets.2": (40, 64),
        "unet.up_blocks.1.resnets.2": (24, 32),
        "unet.up_blocks.2.resnets.2": (16, 16),
        "unet.up_blocks.3.resnets.2": (8, 8),
        "vae.decoder.up_blocks.0.resnets.2": (128, 8),
        "vae.decoder.up_blocks.1.resnets.2": (128, 4),
    },
    projected=128, width=32, heads=4, queries=7, deformable=2, pixel_feedforward=40, layers=4, feedforward=48,
    clip_embed=12, states=(5, 10), time=14,
)  # fmt: skip
SMALL_SAN = SanSizes(
    side=64, clip_width=20, clip_heads=2, clip_embed=12, clip_tokens=5, fused=(0, 1, 2), steered=2, width=24, heads=3,
    blocks=4, queries=6, inner=10, hidden=14,
)  # fmt: skip


def shapes(family: str, sizes: Any = None) -> dict[str, tuple[int, ...]]:
    """Published name -> shape, of a size; by default the published one."""
    known = PUBLISHED[family]
    with torch.device("meta"):
        return published_shapes(known.module(sizes).state_dict(), known.table)


def checkpoint(family: str, sizes: Any) -> dict[str, torch.Tensor]:
    """Random weights under exactly the published names."""
    generator = torch.Generator().manual_seed(7)
    return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes(family, sizes).items()}


def linear(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ state[f"{name}.weight"].flatten(1).T + state[f"{name}.bias"]


def norm(state: State, name: str, x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], eps)


def mlp(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    for layer in range(3):
        x = linear(state, f"{name}.layers.{layer}", x)
        x = x.relu() if layer < 2 else x
    return x


def convolved(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    weight = state[f"{name}.weight"]
    x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return F.group_norm(x, 32, state[f"{name}.norm.weight"], state[f"{name}.norm.bias"])


def projected(state: State, index: int, x: torch.Tensor) -> torch.Tensor:
    """detectron2's bottleneck block."""
    name = f"backbone.feature_projections.{index}.0"
    inner = convolved(state, f"{name}.conv2", convolved(state, f"{name}.conv1", x).relu()).relu()
    shortcut = convolved(state, f"{name}.shortcut", x) if f"{name}.shortcut.weight" in state else x
    return (convolved(state, f"{name}.conv3", inner) + shortcut).relu()


def sines(height: int, width: int, channels: int) -> torch.Tensor:
    """(h * w, channels) sine positions of both axes, each normalised to 2 pi (Carion et al., ECCV 2020)."""
    halves = []
    for length, repeat in ((height, (1, width)), (width, (height, 1))):
        place = (torch.arange(length) + 1) / (length + 1e-6) * 2 * math.pi
        index = torch.arange(channels // 2)
        angle = place[:, None] / 10000 ** (2 * (index // 2) / (channels // 2))
        values = torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], -1).flatten(1)
        grid = values[:, None] if length == height and repeat[0] == 1 else values[None]
        halves.append(grid.expand(height, width, -1))
    return torch.cat(halves, -1).flatten(0, 1)


def deformable(state: State, name: str, x: torch.Tensor, places: torch.Tensor, sizes: Any, heads: int) -> torch.Tensor:
    """Multi-scale deformable attention; x: queries and values (2, n, token, width); places: (token, 2) in 0 to 1."""
    query, value = x
    count, tokens, width = value.shape
    values = linear(state, f"{name}.value_proj", value).unflatten(-1, (heads, -1))
    offsets = linear(state, f"{name}.sampling_offsets", query).unflatten(-1, (heads, 3, 4, 2))
    weights = linear(state, f"{name}.attention_weights", query).unflatten(-1, (heads, 12)).softmax(-1)
    weights = weights.unflatten(-1, (3, 4))
    out, start = torch.zeros(count, tokens, heads, width // heads), 0
    for level, (height, wide) in enumerate(sizes):
        part = values[:, start : start + height * wide].permute(0, 2, 3, 1)  # (n, head, channel, h * w)
        part = part.unflatten(-1, (height, wide)).flatten(0, 1)
        where = places[None, :, None, None] + offsets[:, :, :, level] / torch.tensor([wide, height])
        where = where.permute(0, 2, 1, 3, 4).flatten(0, 1) * 2 - 1
        seen = F.grid_sample(part, where, align_corners=False).unflatten(0, (count, heads))
        out += torch.einsum("nhcqp,nqhp->nqhc", seen, weights[:, :, :, level])
        start += height * wide
    return linear(state, f"{name}.output_proj", out.flatten(2))


def pixel_decoder(state: State, levels: list[torch.Tensor], layers: int, heads: int) -> list[torch.Tensor]:
    """Mask features, then the three attended levels from coarse to fine; levels: strides 4 to 32."""
    begin, coarse = "sem_seg_head.pixel_decoder", levels[:0:-1]
    tokens, positions, places = [], [], []
    for index, level in enumerate(coarse):
        x = F.conv2d(level, state[f"{begin}.input_proj.{index}.0.weight"], state[f"{begin}.input_proj.{index}.0.bias"])
        x = F.group_norm(x, 32, *(state[f"{begin}.input_proj.{index}.1.{part}"] for part in ("weight", "bias")))
        height, width = x.shape[-2:]
        tokens.append(x.flatten(2).transpose(1, 2))
        positions.append(sines(height, width, x.shape[1]) + state[f"{begin}.transformer.level_embed"][index])
        rows, columns = (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width
        places.append(torch.cartesian_prod(rows, columns).flip(-1))
    sizes = [level.shape[-2:] for level in coarse]
    x, where, positional = torch.cat(tokens, 1), torch.cat(places), torch.cat(positions)
    for layer in range(layers):
        name = f"{begin}.transformer.encoder.layers.{layer}"
        attended = deformable(state, f"{name}.self_attn", torch.stack([x + positional, x]), where, sizes, heads)
        x = norm(state, f"{name}.norm1", x + attended)
        inner = linear(state, f"{name}.linear2", linear(state, f"{name}.linear1", x).relu())
        x = norm(state, f"{name}.norm2", x + inner)
    parts = x.split([height * width for height, width in sizes], 1)
    maps = [part.transpose(1, 2).unflatten(-1, size) for part, size in zip(parts, sizes, strict=True)]
    lateral = convolved(state, f"{begin}.adapter_1", levels[0])
    fine = lateral + F.interpolate(maps[-1], size=lateral.shape[-2:], mode="bilinear", align_corners=False)
    fine = convolved(state, f"{begin}.layer_1", fine).relu()
    masks = F.conv2d(fine, state[f"{begin}.mask_features.weight"], state[f"{begin}.mask_features.bias"])
    return [masks, *maps]


def attention(
    state: State, name: str, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, never: Any
) -> Any:
    """Multi-head attention with one matrix of query, key and value; never: bool (n, query, key) of what is not seen."""
    matrices, biases = state[f"{name}.in_proj_weight"].chunk(3), state[f"{name}.in_proj_bias"].chunk(3)
    q, k, v = (
        (x @ matrix.T + bias).unflatten(-1, (heads, -1)).transpose(1, 2)
        for x, matrix, bias in zip((q, k, v), matrices, biases, strict=True)
    )
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if never is not None:
        scores = scores.masked_fill(never[:, None], -torch.inf)
    return linear(state, f"{name}.out_proj", (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


def mask_decoder(state: State, maps: list[torch.Tensor], layers: int, heads: int) -> Any:
    """Masks (n, query, h, w) and normed queries (n, query, width) after the last layer of masked attention."""
    begin, (features, *levels) = "sem_seg_head.predictor", maps
    count, width = features.shape[:2]
    places = state[f"{begin}.query_embed.weight"]
    x = state[f"{begin}.query_feat.weight"].expand(count, -1, -1)

    def masks_of(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        normed = norm(state, f"{begin}.decoder_norm", x)
        return torch.einsum("nqc,nchw->nqhw", mlp(state, f"{begin}.mask_embed", normed), features), normed

    for layer in range(layers):
        level = levels[layer % 3]
        masks, _ = masks_of(x)
        smaller = F.interpolate(masks, size=level.shape[-2:], mode="bilinear", align_corners=False).flatten(2)
        never = smaller < 0
        never = never & ~never.all(-1, keepdim=True)  # a query whose mask is empty sees everything
        memory = level.flatten(2).transpose(1, 2) + state[f"{begin}.level_embed.weight"][layer % 3]
        keys = memory + sines(*level.shape[-2:], width)
        name = f"{begin}.transformer_cross_attention_layers.{layer}"
        seen = attention(state, f"{name}.multihead_attn", x + places, keys, memory, heads, never)
        x = norm(state, f"{name}.norm", x + seen)
        name = f"{begin}.transformer_self_attention_layers.{layer}"
        seen = attention(state, f"{name}.self_attn", x + places, x + places, x, heads, None)
        x = norm(state, f"{name}.norm", x + seen)
        name = f"{begin}.transformer_ffn_layers.{layer}"
        x = norm(
            state, f"{name}.norm", x + linear(state, f"{name}.linear2", linear(state, f"{name}.linear1", x).relu())
        )
    return masks_of(x)


def odise_logits(state: State, masks: torch.Tensor, queries: torch.Tensor, features: torch.Tensor, text: Any) -> Any:
    """(n, query, class + 1): cosines of pooled mask embeddings with projected text, the learned null last."""
    name = "sem_seg_head.predictor.post_mask_embed"
    pooled = torch.zeros_like(queries)
    for image in range(len(masks)):
        for query in range(masks.shape[1]):
            inside = masks[image, query].sigmoid() > 0.5
            if inside.any():
                pooled[image, query] = features[image][:, inside].mean(-1)
    pooled = linear(state, f"{name}.pool_proj.1", norm(state, f"{name}.pool_proj.0", pooled)) + queries
    found = mlp(state, f"{name}.mask_embed.1", norm(state, f"{name}.mask_embed.0", pooled))
    known = linear(state, "category_head.text_proj", torch.cat([text, state["category_head.null_embed"]]))
    cosines = F.cosine_similarity(found[:, :, None], known[None, None], dim=-1)
    return cosines * state[f"{name}.logit_scale"].exp().clamp(max=100)


def side_network(state: State, sizes: SanSizes, pixels: torch.Tensor, clip: list[torch.Tensor], grid: Any) -> Any:
    """SAN's masks (n, query, h, w) and biases (n, head, query, patches); clip: (n, patches, width) of fused layers."""
    begin = "side_adapter_network"
    weight, bias = (state[f"{begin}.vit_model.patch_embed.proj.{part}"] for part in ("weight", "bias"))
    x = F.conv2d(pixels, weight, bias, stride=sizes.patch)
    size = x.shape[-2:]
    x = torch.cat([state[f"{begin}.query_embed"].expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
    positions = torch.cat([state[f"{begin}.query_pos_embed"], state[f"{begin}.vit_model.pos_embed"]], 1)

    def fused(x: torch.Tensor, index: int) -> torch.Tensor:
        if index >= len(clip):
            return x
        name = f"{begin}.fusion_layers.layer_{index}.input_proj"
        added = linear(state, f"{name}.1", norm(state, f"{name}.0", clip[index], 1e-6))
        added = added.transpose(1, 2).unflatten(-1, grid)
        added = F.interpolate(added, size=size, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
        return torch.cat([x[:, : sizes.queries], x[:, sizes.queries :] + added], 1)

    x = fused(x + positions, 0)
    for index in range(sizes.blocks):
        name = f"{begin}.vit_model.blocks.{index}"
        q, k, v = linear(state, f"{name}.attn.qkv", norm(state, f"{name}.norm1", x, 1e-6)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (sizes.heads, -1)).transpose(1, 2) for part in (q, k, v))
        seen = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + linear(state, f"{name}.attn.proj", seen.transpose(1, 2).flatten(2))
        inner = F.gelu(linear(state, f"{name}.mlp.fc1", norm(state, f"{name}.norm2", x, 1e-6)))
        x = fused(x + linear(state, f"{name}.mlp.fc2", inner), index + 1)
        x = x + positions if index < sizes.blocks - 1 else x
    queries = mlp(state, f"{begin}.mask_decoder.query_mlp", x[:, : sizes.queries])
    patches = x[:, sizes.queries :]
    masks = queries @ mlp(state, f"{begin}.mask_decoder.pix_mlp", patches).transpose(1, 2)
    looks = mlp(state, f"{begin}.mask_decoder.attn_mlp", patches).unflatten(-1, (sizes.clip_heads, sizes.inner))
    biases = torch.einsum("nqc,nphc->nhqp", queries, looks)
    scale, shift = (state[f"{begin}.mask_decoder.bias_scaling.{part}"] for part in ("weight", "bias"))
    biases = (biases * scale[0, 0] + shift).unflatten(-1, size).flatten(0, 1)
    biases = F.adaptive_max_pool2d(biases, grid).unflatten(0, (len(pixels), -1)).flatten(-2)
    return masks.unflatten(-1, size), biases
