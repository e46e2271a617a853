"""What a diffusion model is told beside the noisy latents and t: one value, whatever the family takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Conditions:
    """Texts of n images as a diffusion model takes them.

    states: hidden states (n, tokens, width) that are attended to. pooled: (n, width), one vector a text, None where the
    family takes none. guidance: the scale, for a model that guidance was distilled into; None for the model's usual.
    What follows from the latents alone, such as the size of the picture, the model adds itself.
    """

    states: torch.Tensor
    pooled: torch.Tensor | None = None
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
        """Other states (n, tokens, width) with all else of one image, repeated for n."""
        return replace(self.expand(len(states)), states=states)

    def guided(self, scale: float) -> "Conditions":
        """With the scale of distilled guidance."""
        return replace(self, guidance=scale)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Conditions":
        pooled = None if self.pooled is None else change(self.pooled)
        return Conditions(change(self.states), pooled, self.guidance)


def join(parts: Sequence[Conditions]) -> Conditions:
    """The conditions of several groups of images of one model, one after the other; guidance is the last one's."""
    pooled = [part.pooled for part in parts if part.pooled is not None]
    states = torch.cat([part.states for part in parts])
    return Conditions(states, torch.cat(pooled) if pooled else None, parts[-1].guidance)
