"""ODISE's implicit captioner (Xu et al., CVPR 2023, section 3.2): an image's CLIP embedding as the UNet's context.

Names of parameters are those of the published checkpoint.
"""

import torch
from torch import nn


class PositionalLinear(nn.Module):
    """One linear layer whose output is repeated along a sequence, each place with a bias of its own."""

    def __init__(self, in_features: int, out_features: int, length: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)
        self.positional_embedding = nn.Parameter(torch.zeros(1, length, out_features))
        nn.init.trunc_normal_(self.positional_embedding, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in) -> (n, length, out)."""
        return self.linear(x)[:, None] + self.positional_embedding


class ImplicitCaptioner(nn.Module):
    """CLIP's class-token embedding -> what is added to the text states and to the time embedding.

    Both are gated by tanh of a learned alpha that begins at 0, so that training begins at the empty prompt.
    text: whether there is the branch into the text states, beside the one into the time embedding.
    """

    def __init__(self, embed: int, states: tuple[int, int], time: int, text: bool = True) -> None:
        super().__init__()
        length, width = states
        if text:
            self.clip_project = PositionalLinear(embed, width, length)
            self.alpha_cond = nn.Parameter(torch.zeros(1, length, width))
        self.time_embed_project = PositionalLinear(embed, time)
        self.alpha_cond_time_embed = nn.Parameter(torch.zeros(time))

    def forward(self, embedding: torch.Tensor, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Context (n, tokens, width) and shift of the time embedding (n, time).

        embedding: (n, embed), not unit length. states: (1, tokens, width) of the empty prompt.
        """
        shift = self.time_embed_project(embedding)[:, 0] * self.alpha_cond_time_embed.tanh()
        context = states.expand(len(embedding), -1, -1)
        if hasattr(self, "clip_project"):
            context = context + self.clip_project(embedding) * self.alpha_cond.tanh()
        return context, shift
