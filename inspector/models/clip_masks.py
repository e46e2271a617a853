"""Copies of a CLIP's class token that look at a part of the picture, and the tokens between its blocks.

A copy goes through the blocks beside the picture's own tokens, which do not see it: the picture is read once, however
many copies there are. Its attention to the patches is biased: by minus infinity outside a mask (ODISE's and MaskCLIP's
mask tokens; Ding et al., ICML 2023), or per head by what a side network says (SAN's SLS tokens; Xu et al., CVPR 2023).
"""

from typing import Any

import torch


def block_inputs(visual: Any, tokens: torch.Tensor) -> list[torch.Tensor]:
    """What enters each block, and what leaves the last one: blocks + 1 times (n, 1 + patches, width).

    visual: open_clip's VisionTransformer. tokens: what enters the first block.
    """
    found = [tokens]
    for block in visual.transformer.resblocks:
        found.append(block(found[-1]))
    return found


def steered(visual: Any, tokens: torch.Tensor, first: int, biases: torch.Tensor, sees_class: bool) -> torch.Tensor:
    """Embeddings (n, query, embed), not unit length, of copies of the class token that enter at block `first`.

    tokens: what enters that block (n, 1 + patches, width). biases: (n, head or 1, query, patches), added to the copies'
    scores before the softmax. sees_class: whether each sees the class token, and not itself.
    """
    heads = visual.transformer.resblocks[0].attn.num_heads
    count, queries = len(tokens), biases.shape[2]
    copies = tokens[:, :1].expand(-1, queries, -1)
    never = torch.finfo(tokens.dtype).min
    itself = torch.full((queries, queries), never, dtype=tokens.dtype, device=tokens.device)
    itself.fill_diagonal_(0 if not sees_class else never)
    class_token = torch.full((queries, 1), 0.0 if sees_class else never, dtype=tokens.dtype, device=tokens.device)
    shared = torch.cat([itself, class_token], 1).expand(count, heads, -1, -1)
    rows = torch.cat([shared, biases.to(tokens.dtype).clamp(min=never).expand(-1, heads, -1, -1)], -1)
    mask = rows.flatten(0, 1)  # (n * head, query, query + 1 + patches)
    for block in visual.transformer.resblocks[first:]:
        keys = torch.cat([copies, tokens], 1)
        normed = block.ln_1(keys)
        attended = block.attn(normed[:, :queries], normed, normed, attn_mask=mask, need_weights=False)[0]
        copies = copies + block.ls_1(attended)
        copies = copies + block.ls_2(block.mlp(block.ln_2(copies)))
        tokens = block(tokens)
    pooled = visual.ln_post(copies)
    return pooled if visual.proj is None else pooled @ visual.proj
