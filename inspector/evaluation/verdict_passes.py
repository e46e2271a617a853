"""The passes of the UNet that the verdict compares: one per arm, t and noise, of a batch of pictures.

Every pass is conditional and without guidance, with the picture's caption; one call gives the maps of cross-attention
and the features that clusters are made of, so that what is said of both is said of the same pass. Arms that add noise
share it: of one picture, the same repeat has the same noise in every arm and at every t.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from inspector.analysis.features import combine, find_taps
from inspector.errors import ChoiceError
from inspector.models.protocols import Conditions, DiffusionModel
from inspector.results import AGAIN, DECODED, INVERSION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS
from inspector.results.arms import MOST_SEEDS
from inspector.trace.arms import decoded_again, inversion_timesteps, invert, noiseless
from inspector.trace.hooks import capture
from inspector.trace.recorders import record
from inspector.trace.trajectories import denoise, first_latents, noise_once, record_at, schedule

STEPS = 20  # of generation
AGAIN_STEPS = 10  # of denoising again, which starts at every t anew
INVERSION_STEPS = 50
GUIDANCE = 7.5
PRESET = "A"  # of features


@dataclass(frozen=True)
class Pass:
    """What one pass showed.

    timestep: t of the noise; of "denoised again" that which was denoised from. repeat: which of a picture's noises,
    from 0; None for their mean and where there is none. maps: layer -> (picture, token, h, w). features: unit vectors
    float32 (picture, channel, h, w).
    """

    arm: str
    timestep: int
    repeat: int | None
    maps: Mapping[str, np.ndarray]
    features: torch.Tensor


@dataclass(frozen=True)
class Generated:
    """A guided run. timesteps: of its steps, falling. maps: layer -> per step (picture, token, h, w), of the
    conditional half. features: t -> (picture, channel, h, w), at those asked for and the last. latents: z_0.
    """

    timesteps: tuple[int, ...]
    maps: Mapping[str, Sequence[np.ndarray]]
    features: Mapping[int, torch.Tensor]
    latents: torch.Tensor

    def at(self, timestep: int) -> dict[str, np.ndarray]:
        """layer -> (picture, token, h, w) at the step of this t."""
        step = self.timesteps.index(timestep)
        return {layer: calls[step] for layer, calls in self.maps.items()}


def check_timesteps(model: DiffusionModel, timesteps: Sequence[int]) -> tuple[int, ...]:
    """The t, rising. Raises ChoiceError for none, for one named twice, and for one that is not in every schedule.

    Generation, denoising again and inversion pass only at the t of their schedules, and a comparison at a neighbouring
    t would count the difference between the two as the arm's.
    """
    runs = [set(schedule(model, "ddim", steps).timesteps.tolist()) for steps in (STEPS, AGAIN_STEPS)]
    shared = sorted(set.intersection(*runs, set(inversion_timesteps(model, INVERSION_STEPS))))
    if not timesteps or len(set(timesteps)) < len(timesteps):
        raise ChoiceError(f"--t is {', '.join(map(str, timesteps)) or 'empty'}; name each timestep once.")
    if unknown := [timestep for timestep in timesteps if timestep not in shared]:
        raise ChoiceError(
            f"t = {unknown[0]} is no step of every schedule ({STEPS}, {AGAIN_STEPS} and {INVERSION_STEPS} steps); "
            f"choose among {', '.join(map(str, shared))}."
        )
    return tuple(sorted(timesteps))


def watch(
    model: DiffusionModel, noisy: torch.Tensor, conditions: Conditions, timestep: int, positions: Sequence[int]
) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """Maps (picture, token, h, w) and features (picture, channel, h, w) of x_t (n, c, h, w), from one call."""
    taps = find_taps(model.unet, PRESET)
    with capture(model.unet, taps.layers, inputs=taps.inputs, stop_after_last=False) as captured:
        recording, _ = record_at(model, noisy, conditions, timestep, positions)
    maps = {layer: calls[0] for layer, calls in recording.maps.items()}
    return maps, combine([captured[layer] for layer in taps.layers], PRESET)


def own_seeds(numbers: Sequence[int]) -> list[int]:
    """The seed of each picture, so far apart that no two share a noise; its noises are of this seed and the next ones.

    A request of the attention tab with this seed, and as many `seeds`, makes the same noises.
    """
    return [number * MOST_SEEDS for number in numbers]


def noised(
    model: DiffusionModel,
    arm: str,
    latents: torch.Tensor,
    conditions: Conditions,
    timestep: int,
    seeds: Sequence[int],
    repeats: int,
    positions: Sequence[int],
    mean: bool = True,
) -> Iterator[Pass]:
    """Noise added once, `repeats` times; then, if `mean`, the mean of these passes as "mean of seeds".

    seeds: of each picture's first noise (`own_seeds`). The mean of features is that of unit vectors, made a unit
    vector again.
    """
    total: dict[str, np.ndarray] = {}
    vectors: torch.Tensor | float = 0.0
    for repeat in range(repeats):
        noisy = noise_once(model, latents, timestep, [seed + repeat for seed in seeds])
        maps, features = watch(model, noisy, conditions, timestep, positions)
        yield Pass(arm, timestep, repeat, maps, features)
        if mean:
            total = {layer: total.get(layer, 0) + values.astype(np.float32) for layer, values in maps.items()}
            vectors = vectors + features
    if mean:
        means = {layer: values / repeats for layer, values in total.items()}
        yield Pass(MEAN_OF_SEEDS, timestep, None, means, F.normalize(torch.as_tensor(vectors), dim=1))


def without_noise(
    model: DiffusionModel, latents: torch.Tensor, conditions: Conditions, timestep: int, positions: Sequence[int]
) -> Pass:
    """The pass at sqrt(a_t) z_0: what t alone does."""
    noisy = noiseless(model, latents, timestep)
    return Pass(NOISELESS, timestep, None, *watch(model, noisy, conditions, timestep, positions))


def inverted(
    model: DiffusionModel, latents: torch.Tensor, conditions: Conditions, timesteps: Sequence[int]
) -> dict[int, torch.Tensor]:
    """t -> x_t of DDIM inversion, as far as the largest t."""
    found = {}
    for step in invert(model, latents, conditions, INVERSION_STEPS):
        if step.timestep in timesteps:
            found[step.timestep] = step.latents
        if step.timestep >= max(timesteps):
            break
    return found


def inversion(
    model: DiffusionModel, conditions: Conditions, found: Mapping[int, torch.Tensor], positions: Sequence[int]
) -> Iterator[Pass]:
    """A pass at each x_t that `inverted` found, at its own t."""
    for timestep, noisy in found.items():
        yield Pass(INVERSION, timestep, None, *watch(model, noisy, conditions, timestep, positions))


def reconstructed(model: DiffusionModel, found: Mapping[int, torch.Tensor], prompts: Sequence[str]) -> torch.Tensor:
    """z_0 that denoising without guidance makes of inversion's x at its largest t, with inversion's steps."""
    begin = max(found)
    for step in denoise(model, found[begin], prompts, INVERSION_STEPS, 1.0, begin=begin):
        latents = step.denoised
    return latents


def denoised_again(
    model: DiffusionModel,
    latents: torch.Tensor,
    prompts: Sequence[str],
    timestep: int,
    seeds: Sequence[int],
    positions: Sequence[int],
) -> Pass:
    """Noise added once at t, denoised with guidance from there on; what its last step shows."""
    noisy = noise_once(model, latents, timestep, seeds)
    run = _run(model, noisy, prompts, positions, (), AGAIN_STEPS, timestep)
    last = run.timesteps[-1]
    return Pass(AGAIN, timestep, None, run.at(last), run.features[last])


def generation(
    model: DiffusionModel,
    prompts: Sequence[str],
    seeds: Sequence[int],
    positions: Sequence[int],
    timesteps: Sequence[int],
) -> Generated:
    """A guided run from each picture's own seed, as the page generates it."""
    side = model.image_size
    start = torch.cat([first_latents(model, seed, side, side) for seed in seeds])
    return _run(model, start, prompts, positions, timesteps, STEPS)


def _run(
    model: DiffusionModel,
    latents: torch.Tensor,
    prompts: Sequence[str],
    positions: Sequence[int],
    timesteps: Sequence[int],
    steps: int,
    begin: int | None = None,
) -> Generated:
    taps, features = find_taps(model.unet, PRESET), {}
    with (
        record(model.unet, positions, images=len(prompts), model=model.spec.name) as recording,
        capture(model.unet, taps.layers, inputs=taps.inputs, stop_after_last=False) as captured,
    ):
        for step in denoise(model, latents, prompts, steps, GUIDANCE, begin=begin):
            latents = step.denoised
            if step.timestep in timesteps or step.index == step.total - 1:
                conditional = [captured[layer][-len(prompts) :] for layer in taps.layers]
                features[step.timestep] = combine(conditional, PRESET)
    return Generated(tuple(recording.timesteps), recording.maps, features, latents)


def given_passes(
    model: DiffusionModel,
    latents: torch.Tensor,
    prompts: Sequence[str],
    found: Mapping[int, torch.Tensor],
    seeds: Sequence[int],
    repeats: int,
    positions: Sequence[int],
) -> Iterator[Pass]:
    """Every arm of given pictures at each t of `found`, which are inversion's x_t."""
    conditions = model.encode_prompts(prompts)
    for timestep in found:
        yield from noised(model, NOISE_ONCE, latents, conditions, timestep, seeds, repeats, positions)
        yield without_noise(model, latents, conditions, timestep, positions)
        yield denoised_again(model, latents, prompts, timestep, seeds, positions)
    yield from inversion(model, conditions, found, positions)


def generated_passes(
    model: DiffusionModel,
    latents: torch.Tensor,
    prompts: Sequence[str],
    timesteps: Sequence[int],
    seeds: Sequence[int],
    repeats: int,
    positions: Sequence[int],
) -> Iterator[Pass]:
    """Every arm but generation of pictures that were generated, from their z_0.

    The mean of seeds, without noise and inversion are of the 8-bit picture, which is all that a picture from elsewhere
    leaves, as the attention tab has them.
    """
    conditions = model.encode_prompts(prompts)
    rounded = model.encode_images(model.decode(latents))
    starts = {LATENT: latents, DECODED: decoded_again(model, latents), NOISE_ONCE: rounded}
    for timestep in timesteps:
        for arm, start in starts.items():
            mean = arm == NOISE_ONCE
            yield from noised(model, arm, start, conditions, timestep, seeds, repeats, positions, mean)
        yield without_noise(model, rounded, conditions, timestep, positions)
    yield from inversion(model, conditions, inverted(model, rounded, conditions, timesteps), positions)


def given_total(timesteps: int, repeats: int) -> int:
    """How many passes `given_passes` yields."""
    return timesteps * (repeats + 4)


def generated_total(timesteps: int, repeats: int) -> int:
    """How many passes `generated_passes` yields."""
    return timesteps * (3 * repeats + 3)
