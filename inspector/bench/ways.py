"""Two published ways of recording cross-attention, written from their papers, to time ours against.

Both replace the module that computes attention by one that forms its probabilities itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from inspector.trace.recorders import grid_of

# Called with the layer's name and its probabilities (image, head, h * w, token), in each call of the UNet.
Keep = Callable[[str, torch.Tensor], None]


@contextmanager
def replaced(unet: Any, keep: Keep) -> Iterator[None]:
    """Every cross-attention module of `unet` tells `keep` its probabilities inside the `with`; as it was afterwards."""
    before = dict(unet.attn_processors)
    told = {name: _Told(name, keep) for name in before if ".attn2." in name}
    unet.set_attn_processor({**before, **told})
    try:
        yield
    finally:
        unet.set_attn_processor(dict(before))  # which it empties


class Daam:
    """Tang et al. 2022, section 3: each head's map of each layer and step, enlarged bicubically to the latents, summed.

    total: (token, h, w) of the conditional image, on the model's device.
    """

    def __init__(self, sample: tuple[int, int]) -> None:
        self.sample = sample
        self.total: torch.Tensor | None = None

    def keep(self, _: str, probabilities: torch.Tensor) -> None:
        """Add one layer of one step."""
        maps = probabilities[-1].transpose(-1, -2)  # (head, token, h * w)
        maps = maps.unflatten(-1, grid_of(maps.shape[-1], self.sample))
        large = functional.interpolate(maps, size=self.sample, mode="bicubic").clamp(min=0).sum(0)
        self.total = large if self.total is None else self.total + large


class PromptToPrompt:
    """Hertz et al. 2022, section 3: all tokens' probabilities of both halves of the batch, summed over the steps.

    total: layer -> (image, head, h * w, token), on the model's device.
    """

    def __init__(self) -> None:
        self.total: dict[str, torch.Tensor] = {}

    def keep(self, layer: str, probabilities: torch.Tensor) -> None:
        """Add one layer of one step."""
        self.total[layer] = self.total[layer] + probabilities if layer in self.total else probabilities


class _Told:
    """A processor, as diffusers calls what computes an attention module: softmax(Q K^T * scale) V, spelt out."""

    def __init__(self, name: str, keep: Keep) -> None:
        self.layer, self.keep = name.removesuffix(".processor"), keep

    def __call__(
        self, attn: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, attention_mask: None = None
    ) -> torch.Tensor:
        projected = (attn.to_q(hidden_states), attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states))
        query, key, value = (item.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for item in projected)
        probabilities = (query @ key.transpose(-1, -2) * attn.scale).softmax(-1)
        self.keep(self.layer, probabilities)
        mixed = (probabilities @ value).transpose(1, 2).flatten(2)
        for part in attn.to_out:
            mixed = part(mixed)
        return mixed
