"""Dense CLIP without training: the last block with another attention, read at every patch.

One function covers the family; a variant is a choice of attention, residual path and FFN:

| variant | attention | source |
|---|---|---|
| clip | softmax(q k) | CLIP itself, its patch tokens through the head |
| maskclip | identity on v | Zhou et al., ECCV 2022 |
| sclip | softmax(q q) + softmax(k k), which sums to 2 | Wang et al., ECCV 2024 |
| clearclip | softmax(q q) | Lan et al., ECCV 2024 |
| naclip | softmax(k k + Gaussian of the distance between patches) | Hajimiri et al., WACV 2025 |

Zhou's text speaks of the value embedding alone; his released ViT code adds the residual path and runs the FFN on
the result, and that is what "maskclip" does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from inspector.analysis import last_block, memory
from inspector.models.protocols import ClipModel, Trunk
from inspector.results import check_choice

NACLIP_SIGMA = 5.0  # patches; NACLIP's own


@dataclass(frozen=True)
class Variant:
    """attention: "identity" (each patch sees its own value alone) or pairs of "q", "k", "v" whose softmaxes are added.

    sigma: patches; a Gaussian of the distance between patches, peak 1, joins the scores before the softmax.
    """

    attention: str | tuple[str, ...]
    residual: bool
    ffn: bool
    sigma: float | None = None


VARIANTS: Mapping[str, Variant] = {
    "clip": Variant(("qk",), residual=True, ffn=True),
    "maskclip": Variant("identity", residual=True, ffn=True),
    "sclip": Variant(("qq", "kk"), residual=True, ffn=True),
    "clearclip": Variant(("qq",), residual=False, ffn=False),
    "naclip": Variant(("kk",), residual=False, ffn=False, sigma=NACLIP_SIGMA),
}


def dense_scores(model: ClipModel, trunk: Trunk, text: torch.Tensor, variant: str = "maskclip") -> torch.Tensor:
    """Cosine (k, gh, gw), float32 on the CPU, of every patch with every text embedding (k, embed).

    Raises ChoiceError for an unknown variant, UnsupportedModelError for another kind of block.
    """
    patches = dense_embeddings(model, trunk, variant).float()
    texts = F.normalize(text.float(), dim=-1).to(patches.device)
    return (texts @ F.normalize(patches, dim=-1).T).reshape(len(text), *trunk.grid).cpu()


@torch.no_grad()
def dense_embeddings(model: ClipModel, trunk: Trunk, variant: str = "maskclip") -> torch.Tensor:
    """Embeddings (gh * gw, embed) of the patches, not unit length, in the space of the texts."""
    check_choice("variant", variant, tuple(VARIANTS))
    block, chosen = last_block.check_block(model.last_block), VARIANTS[variant]
    query, key, value = last_block.split_heads(block, last_block.project(block, block.ln_1(trunk.tokens)))
    if chosen.attention == "identity":
        attended = value
    else:
        named = {"q": query, "k": key, "v": value}
        pairs = [(named[pair[0]], named[pair[1]]) for pair in chosen.attention]
        sigma = chosen.sigma
        bias = None if sigma is None else lambda rows: patch_gaussian(trunk, sigma, rows).to(value)
        attended = last_block.attend(pairs, value, memory.BUDGET / 8, bias)
    merged = last_block.merge_heads(block, attended)
    out = last_block.finish(block, trunk.tokens, merged, chosen.residual, chosen.ffn)
    return model.dense(out, trunk)[0]


def patch_gaussian(trunk: Trunk, sigma: float, rows: slice = slice(None)) -> torch.Tensor:
    """exp(-d^2 / (2 sigma^2)) of the distance d in patches, zero for the prefix tokens (NACLIP).

    rows: of the whole (n, n), those that are wanted.
    """
    down, right = (place.flatten() for place in torch.meshgrid(*map(torch.arange, trunk.grid), indexing="ij"))
    start, stop, _ = rows.indices(trunk.prefix + len(down))
    patches = slice(max(start - trunk.prefix, 0), max(stop - trunk.prefix, 0))
    squared = (down[patches, None] - down).square() + (right[patches, None] - right).square()
    near = torch.exp(-squared.float() / (2 * sigma**2))
    return F.pad(near, (trunk.prefix, 0, stop - start - len(near), 0))
