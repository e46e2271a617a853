"""An open_clip transformer block taken apart: projections per head, attention, and what follows it.

open_clip's blocks return no attention, so it is computed again from `attn.in_proj_weight`. Both the
gradient of `saliency` and the variants of `dense_clip` are built from these pieces; put together they
are the block itself, which a test holds.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from inspector.analysis import memory
from inspector.errors import UnsupportedModelError

Block = Any  # open_clip's ResidualAttentionBlock; `check_block` holds it
PARTS = ("ln_1", "attn", "ls_1", "ln_2", "mlp", "ls_2")


def check_block(block: nn.Module) -> Block:
    """The block, or UnsupportedModelError unless it is open_clip's plain pre-norm attention block."""
    missing = [name for name in PARTS if not hasattr(block, name)]
    attention = getattr(block, "attn", None)
    if missing or not isinstance(attention, nn.MultiheadAttention) or attention.in_proj_weight is None:
        found = type(attention).__name__ if not missing else f"{type(block).__name__} without {', '.join(missing)}"
        raise UnsupportedModelError(
            f"The model's last block is not open_clip's ResidualAttentionBlock ({found}); "
            "choose an OpenCLIP ViT such as ViT-B-16."
        )
    return block


def project(block: Block, normed: torch.Tensor) -> torch.Tensor:
    """Queries, keys and values side by side (b, n, 3 * width) of the block's normed input (b, n, width)."""
    return F.linear(normed, block.attn.in_proj_weight, block.attn.in_proj_bias)


def split_heads(block: Block, projected: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values, each (b, head, n, head_dim), of `project`'s (b, n, 3 * width)."""
    parts = projected.unflatten(-1, (3, block.attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
    return parts[0], parts[1], parts[2]


def scores(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Scaled dot products (b, head, n, m) of (b, head, n, head_dim) with (b, head, m, head_dim)."""
    # scaled before the product, as torch does: half precision would overflow after it
    return (left * left.shape[-1] ** -0.5) @ right.transpose(-2, -1)


def attend(
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]],
    value: torch.Tensor,
    room: float,
    bias: Callable[[slice], torch.Tensor] | None = None,
) -> torch.Tensor:
    """sum over pairs of softmax(scores(left, right) + bias), times the values: (b, head, n, head_dim).

    pairs: each left (b, head, n, head_dim), right (b, head, m, head_dim); value: (b, head, m, head_dim); bias: of some
    rows, (rows, m). Only as many rows of weights are formed at a time as fit into `room` bytes.
    """
    left, right = pairs[0]
    count, each = left.shape[2], left.shape[0] * left.shape[1] * right.shape[2] * left.element_size()
    found = value.new_empty((*left.shape[:3], value.shape[-1]))
    for rows in memory.blocks(count, memory.fitting(count, (len(pairs) + 2) * each, room)):
        products = (scores(left[:, :, rows], right) for left, right in pairs)
        maps = [(product if bias is None else product + bias(rows)).softmax(-1) for product in products]
        found[:, :, rows] = sum(maps[1:], maps[0]) @ value
    return found


def merge_heads(block: Block, attended: torch.Tensor) -> torch.Tensor:
    """Heads (b, head, n, head_dim) joined and sent through the output projection: (b, n, width)."""
    return block.attn.out_proj(attended.transpose(1, 2).flatten(-2))


def finish(
    block: Block, tokens: torch.Tensor, attended: torch.Tensor, residual: bool = True, ffn: bool = True
) -> torch.Tensor:
    """The block's output (b, n, width) from its input and its merged attention output (b, n, width).

    residual: add the block's input to the attention output. ffn: go on through ln_2 and the MLP.
    """
    out = block.ls_1(attended)
    if residual:
        out = tokens + out
    if ffn:
        out = out + block.ls_2(block.mlp(block.ln_2(out)))
    return out
