"""Masks and their embeddings from a feature pyramid: Mask2Former's decoder, with ODISE's classifier beside CLIP's text.

The masked-attention decoder is transformers' own (Cheng et al., CVPR 2022), at the size that its configuration says;
what it lacks is what makes the vocabulary open: no class layer, but an embedding of each mask, compared with text
(Xu et al., CVPR 2023, section 3.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerTransformerModule

TEMPERATURE = 0.07  # that the learned scale of cosines begins at


@dataclass(frozen=True)
class Proposals:
    """What every decoder layer proposes, the last one last.

    masks: logits (n, query, h, w) each. embeddings: (n, query, embed) each, not unit length.
    """

    masks: tuple[torch.Tensor, ...]
    embeddings: tuple[torch.Tensor, ...]


class Mlp(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., widths[0]) -> (..., widths[-1])."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class PooledMaskEmbedding(nn.Module):
    """An embedding of each mask: its mean of the mask features, plus its query, through norms and an MLP."""

    def __init__(self, hidden: int, width: int, embed: int) -> None:
        super().__init__()
        self.pool_proj = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden))
        self.mask_embed = nn.Sequential(nn.LayerNorm(hidden), Mlp(hidden, hidden, hidden, embed))

    def forward(self, queries: torch.Tensor, masks: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """(n, query, embed) of queries (n, query, hidden), mask logits (n, query, h, w), features (n, width, h, w)."""
        inside = (masks.detach() > 0).to(features.dtype)  # where a mask is, not how sure: no gradient through it
        pooled = torch.einsum("nqhw,nchw->nqc", inside, features) / (inside.sum((-2, -1)) + 1e-8)[..., None]
        return self.mask_embed(self.pool_proj(pooled) + queries)


class TextClassifier(nn.Module):
    """Cosines of mask embeddings with a projection of CLIP's text embeddings, and with a learned null, scaled.

    null_as_text: whether the null is learned among CLIP's text embeddings and projected as they are, as ODISE's is, or
    among the mask embeddings.
    """

    def __init__(self, text: int, embed: int, null_as_text: bool = False) -> None:
        super().__init__()
        self.null_as_text = null_as_text
        self.text_proj = nn.Linear(text, embed)
        width = text if null_as_text else embed
        self.null_embed = nn.Parameter(torch.randn(1, width) * width**-0.5)
        self.logit_scale = nn.Parameter(torch.tensor(1 / TEMPERATURE).log())

    def forward(self, embeddings: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Logits (n, query, class + 1), the null last, of embeddings (n, query, embed) and text (class, text)."""
        null = self.text_proj(self.null_embed) if self.null_as_text else self.null_embed
        targets = torch.cat([F.normalize(self.text_proj(text), dim=-1), F.normalize(null, dim=-1)])
        return self.logit_scale.exp().clamp(max=100) * F.normalize(embeddings, dim=-1) @ targets.T


class MaskDecoder(nn.Module):
    """Queries -> masks and embeddings, read at every layer of the decoder so that every layer learns.

    feedforward: width of the layers' hidden units; 4 * width by default.
    """

    def __init__(
        self, width: int, queries: int, layers: int, embed: int, heads: int = 4, feedforward: int | None = None
    ) -> None:
        super().__init__()
        config = Mask2FormerConfig(
            feature_size=width, mask_feature_size=width, hidden_dim=width, dim_feedforward=feedforward or 4 * width,
            num_queries=queries, num_attention_heads=heads, decoder_layers=layers + 1, dropout=0.0,
            use_auxiliary_loss=True,
        )  # fmt: skip
        self.transformer = Mask2FormerTransformerModule(width, config)
        nn.init.normal_(self.transformer.level_embed.weight)  # left as torch's in a bare module
        self.embedding = PooledMaskEmbedding(width, width, embed)

    def forward(self, levels: Sequence[torch.Tensor]) -> Proposals:
        """levels: (n, width, h, w), the finest, masks' own, first, and at least three coarser or equal ones."""
        fine, coarse = levels[0], list(levels[-3:])[::-1]
        out = self.transformer(multi_scale_features=coarse, mask_features=fine, output_hidden_states=True)
        queries = [item.transpose(0, 1) for item in out.intermediate_hidden_states]
        masks = tuple(out.masks_queries_logits)
        pairs = zip(queries, masks, strict=True)
        return Proposals(masks, tuple(self.embedding(query, mask, fine) for query, mask in pairs))
