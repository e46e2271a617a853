"""Representation alignment (Yu et al. 2024, "REPA"): a UNet's features learn what CLIP sees in the clean picture.

The features after `up_blocks.1` of a noised picture, sent through a small projector that is not shipped, are
pulled towards the patch embeddings of scenes-clip on the same picture. While the picture is still noise, only the
words say what these are, so the features learn to read them. The teacher was itself trained on captions only.

The same patches teach cross-attention where a word is (as Wang et al. 2024, "TokenCompose", do with masks): among all
class words the zero-shot CLIP gives each patch a probability of the word, and where a word of the caption gets its
attention in the middle levels is pulled towards where this probability lies. Only the place is taught, not how much.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from inspector.trace.recorders import attention_weights, cross_attention_layers, grid_of
from inspector.training.clip import ClipTraining, normalised
from inspector.training.loop import half

WEIGHT = 0.5  # of the alignment beside the noise prediction, as in the paper
HIDDEN = 256
PLACING_WEIGHT = 0.2  # of the words' places, beside the noise prediction
SHARPNESS = 30.0  # of the softmax over class words, on cosines
FEW = 0.5  # a word that CLIP sees in fewer patches than this, all in all, is taught less
PLACED = ("down_blocks.1.", "down_blocks.2.", "up_blocks.1.", "up_blocks.2.")


class AlignedUnet(nn.Module):
    """The UNet and the projector of its features; only the UNet is shipped."""

    def __init__(self, unet: Any, width: int) -> None:
        super().__init__()
        self.unet = unet
        channels = unet.config.block_out_channels[-2]
        self.projector = nn.Sequential(nn.Conv2d(channels, HIDDEN, 1), nn.SiLU(), nn.Conv2d(HIDDEN, width, 1))

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """The predicted noise (b, 4, h, w), projected features (b, width, h / 2, w / 2), and cross-attention.

        Cross-attention: per layer of PLACED, head means (b, token, h / k, w / k).
        """
        kept: list[torch.Tensor] = []
        asked: dict[str, list[torch.Tensor]] = {}

        def keep(name: str) -> Callable[..., None]:
            return lambda module, inputs, output: asked.setdefault(name, []).append(output)

        layers = {name: self.unet.get_submodule(name) for name in cross_attention_layers(self.unet)}
        with ExitStack() as stack:
            hook = self.unet.up_blocks[1].register_forward_hook(lambda block, inputs, output: kept.append(output))
            stack.callback(hook.remove)
            for name in filter(lambda name: name.startswith(PLACED), layers):
                for linear in (layers[name].to_q, layers[name].to_k):
                    stack.callback(linear.register_forward_hook(keep(name)).remove)
            predicted = self.unet(noisy, timesteps, states).sample
        side = (noisy.shape[-2], noisy.shape[-1])
        means = [attention_weights(layers[name], *pair).mean(1) for name, pair in asked.items()]  # (b, token, place)
        return predicted, self.projector(kept[0]), [mean.unflatten(2, grid_of(mean.shape[2], side)) for mean in means]


def alignment_loss(projected: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """Mean of one minus the cosine per place.

    projected: (b, width, h, w); patches: (b, width, gh, gw), averaged to (h, w) where their grid is finer.
    """
    return _apart(projected, _pooled(patches, projected)).mean()


def placing_loss(maps: torch.Tensor, words: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean over the words of the captions of KL(where CLIP sees the word || where its tokens get attention).

    maps: attention (b, token, h, w); words: bool (b, class, token), the tokens of each class word that a caption
    names; places: probabilities (b, class, gh, gw).
    """
    tokens = words.float() / words.sum(-1, keepdim=True).clamp(min=1)
    given = torch.einsum("bct,bthw->bchw", tokens, maps).flatten(2)
    given = given / given.sum(-1, keepdim=True).clamp(min=1e-9)
    seen = _pooled(places, maps).flatten(2)
    total = seen.sum(-1, keepdim=True)
    seen = seen / total.clamp(min=1e-9)
    apart = (seen * (seen.clamp(min=1e-9).log() - given.clamp(min=1e-9).log())).sum(-1)
    weight = words.any(-1) * (total[..., 0] / FEW).clamp(max=1)
    return (weight * apart).sum() / weight.sum().clamp(min=1e-9)


def word_places(patches: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Probability of each class word at each patch (b, class, gh, gw), from (b, width, gh, gw) and (class, width)."""
    cosines = torch.einsum("bdhw,cd->bchw", F.normalize(patches, dim=1), F.normalize(texts, dim=-1))
    return (SHARPNESS * cosines).softmax(1)


def _pooled(patches: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.adaptive_avg_pool2d(patches, (like.shape[-2], like.shape[-1]))


def _apart(seen: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    return 1 - F.cosine_similarity(seen.float(), patches, dim=1)


def patch_teacher(clip: Any, device: torch.device) -> Callable[[np.ndarray], torch.Tensor]:
    """A function of uint8 (n, h, w, 3) -> unit patch embeddings (n, embed, gh, gw), each of its own value alone."""
    teacher = ClipTraining(clip).to(device).eval()
    side, grid = clip.visual.image_size[0], clip.visual.grid_size

    def embed(images: np.ndarray) -> torch.Tensor:
        with half(device):
            patches = teacher.images(normalised(images, side).to(device))["patch"]
        return F.normalize(patches.float(), dim=-1).transpose(1, 2).unflatten(2, grid)

    return embed
