"""Images generated from prompts that name a thing, its colour and the ground it stands on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inspector import world
from inspector.models.protocols import DiffusionModel
from inspector.results import AttentionRequest, Progress
from inspector.trace.trajectories import denoise, first_latents
from inspector.world.classes import KINDS

BATCH = 16


@dataclass(frozen=True)
class Prompt:
    """text: such as "a red car on the road". thing and colour: what it names."""

    text: str
    thing: str
    colour: str


def prompts(count: int, seed: int) -> list[Prompt]:
    """`count` prompts, the world's things in turn, each in a colour and on a ground that it may have."""
    rng = np.random.default_rng(seed)
    made = []
    for row in range(count):
        thing = world.THINGS[row % len(world.THINGS)]
        colours, grounds = (tuple(dict.fromkeys(names)) for names in (KINDS[thing].colours, KINDS[thing].grounds))
        colour, ground = (names[int(rng.integers(len(names)))] for names in (colours, grounds))
        article = "an" if colour[0] in "aeiou" else "a"
        made.append(Prompt(f"{article} {colour} {thing} on the {ground}", thing, colour))
    return made


def generate(
    model: DiffusionModel, texts: Sequence[str], seed: int, report: Callable[[Progress], None] = lambda _: None
) -> np.ndarray:
    """One image per prompt, uint8 (n, h, w, 3), with the page's default steps, guidance and scheduler."""
    request, side = AttentionRequest, model.image_size
    images = []
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        latents = first_latents(model, seed + start, side, side, len(batch))
        for step in denoise(model, latents, batch, request.steps, request.guidance_scale, request.scheduler):
            report(Progress(start * step.total + (step.index + 1) * len(batch), len(texts) * step.total, "Generating"))
            latents = step.denoised
        images.append(model.decode(latents))
    return np.concatenate(images)
