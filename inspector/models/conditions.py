"""What a diffusion model is told beside the noisy latents and t: one value, whatever the family takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

EACH = ("states", "pooled", "mask", "beside")  # fields that hold a row for each image


@dataclass(frozen=True)
class Conditions:
    """Texts of n images as a diffusion model takes them.

    states: hidden states (n, tokens, width) that are attended to. pooled: (n, width), one vector a text, None where the
    family takes none. mask: int64 (n, tokens), 0 for padding that is attended to by none; None where all of it is.
    beside: (n, channels, h, w), what a model that inpaints takes beside the latents; None for the others, and where
    nothing was said of a picture. guidance: the scale, for a model that guidance was distilled into; None for its own.
    What follows from the latents alone, such as the size of the picture, the model adds itself.
    """

    states: torch.Tensor
    pooled: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    beside: torch.Tensor | None = None
    guidance: float | None = None

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, images: slice | Sequence[int]) -> "Conditions":
        """Those of some images."""
        return self._each(lambda values: values[images])

    def expand(self, count: int) -> "Conditions":
        """Those of one image for `count`; nothing is copied."""
        return self._each(lambda values: values.expand(count, *values.shape[1:]))

    def with_states(self, states: torch.Tensor) -> "Conditions":
        """Other states (n, tokens, width), without padding, with all else of one image, repeated for n."""
        return replace(self.expand(len(states)), states=states, mask=None)

    def guided(self, scale: float) -> "Conditions":
        """With the scale of distilled guidance."""
        return replace(self, guidance=scale)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Conditions":
        rows = {name: getattr(self, name) for name in EACH}
        changed: dict[str, Any] = {name: change(values) for name, values in rows.items() if values is not None}
        return replace(self, **changed)


def join(parts: Sequence[Conditions]) -> Conditions:
    """The conditions of several groups of images of one model, one after the other; guidance is the last one's."""
    rows = {name: [getattr(part, name) for part in parts] for name in EACH}
    present = {name: values for name, values in rows.items() if all(value is not None for value in values)}
    whole: dict[str, Any] = {name: torch.cat(values) for name, values in present.items()}
    return replace(parts[-1], **whole)
