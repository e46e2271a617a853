"""The latents of the arms of a comparison (paper, Fig. 3): what z_0 went through, and how x_t was made of it.

Latents are scaled ones (n, c, h, w), in the model's dtype on its device. Of z_0: as denoising left it; decoded and
encoded (`decoded_again`); through the 8-bit picture (`DiffusionModel.encode_images`). Of x_t: with noise added once
(`trajectories.noise_once`), without noise (`noiseless`), by DDIM inversion (`invert`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from inspector.models.protocols import Conditions, DiffusionModel
from inspector.trace.trajectories import add_noise


@dataclass(frozen=True)
class Inverted:
    """One step of DDIM inversion. timestep: t of `latents`, which are x_t (n, c, h, w)."""

    index: int
    total: int
    timestep: int
    latents: torch.Tensor


@torch.no_grad()
def decoded_again(model: DiffusionModel, latents: torch.Tensor) -> torch.Tensor:
    """z_0 through the decoder and the encoder (posterior mode), with no 8 bits and no clipping between them."""
    return model.encode_pixels(model.decode_pixels(latents))


def noiseless(model: DiffusionModel, latents: torch.Tensor, timestep: int) -> torch.Tensor:
    """sqrt(a_t) z_0, the mean of x_t over all noise: what noise adds, and what another t alone does, come apart."""
    return add_noise(model, latents, torch.zeros_like(latents), timestep)


def inversion_timesteps(model: DiffusionModel, steps: int) -> tuple[int, ...]:
    """The t of each step of `invert`, rising."""
    sampler = model.inverse_scheduler()
    sampler.set_timesteps(steps)
    return tuple(int(timestep) for timestep in sampler.timesteps)


def invert(model: DiffusionModel, latents: torch.Tensor, conditions: Conditions, steps: int) -> Iterator[Inverted]:
    """DDIM inversion without guidance (Song et al. 2020, section 4.3): yields x_t at each t of the schedule, rising.

    latents: z_0. conditions: of the n prompts. The UNet is asked at x of the step below for the noise at
    t, as diffusers' own inversion does; a map of x_t needs a pass of its own (`trajectories.record_at`). Raises
    UnsupportedModelError where inversion is not defined for the model.
    """
    sampler = model.inverse_scheduler()
    sampler.set_timesteps(steps, device=model.device)
    for index, timestep in enumerate(sampler.timesteps):
        with torch.no_grad():  # not around the yield, where it would switch gradients off for the caller
            output = model.predict(latents, timestep, conditions)
            latents = sampler.step(output, timestep, latents).prev_sample
        yield Inverted(index, len(sampler.timesteps), int(timestep), latents)
