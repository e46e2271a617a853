"""Denoising runs: a text-to-image loop that yields every step, and noise added once to finished latents.

Latents are scaled ones (n, c, h, w), in the model's dtype on its device. Random numbers are drawn on the
CPU, so a seed means the same on every device. The loop gives StableDiffusionPipeline's latents to the bit
for the same seed, scheduler, steps and guidance.
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from inspector.errors import ChoiceError, NotFiniteError
from inspector.models.protocols import DiffusionModel
from inspector.trace.recorders import Recording, record

# Added to the seed of the noise that is added once: the noise a generation started from still shows in its
# result's neighbourhood, so that noise again would flatter the comparison. Seeds of requests stay below it, and
# torch's CPU generator reads 32 bits of a seed.
NOISE_STREAM = 2**31


@dataclass(frozen=True)
class Step:
    """One denoising step.

    index: from 0. total: steps of the run, which may exceed those asked for (PNDM). timestep: t of `latents`.
    latents: x_t, what the UNet saw before the scheduler's own scaling. denoised: the x of the next lower t.
    predicted: the guess at x_0 made at this step.
    """

    index: int
    total: int
    timestep: int
    latents: torch.Tensor
    denoised: torch.Tensor
    predicted: torch.Tensor


def first_latents(model: DiffusionModel, seed: int, height: int, width: int, count: int = 1) -> torch.Tensor:
    """Standard normal (count, c, height / factor, width / factor) for an image of height x width pixels."""
    config: Any = model.unet.config
    shape = (count, config.in_channels, height // model.latent_factor, width // model.latent_factor)
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=model.dtype).to(model.device)


def schedule(model: DiffusionModel, scheduler: str, steps: int) -> Any:
    """The model's scheduler of a name, set to so many steps.

    Raises ChoiceError, before anything is computed, where it cannot make so many of the model's noise levels.
    """
    sampler = model.scheduler(scheduler)
    levels = int(sampler.config.num_train_timesteps)
    try:
        sampler.set_timesteps(steps, device=model.device)
        fits = steps <= levels and 0 <= float(sampler.timesteps.min()) <= float(sampler.timesteps.max()) <= levels - 1
    except ValueError:  # more steps than levels
        fits = False
    if not fits:
        raise ChoiceError(f"steps is {steps}; with the scheduler {scheduler} use at most {levels - 1}.")
    return sampler


def denoise(
    model: DiffusionModel,
    latents: torch.Tensor,
    prompts: Sequence[str],
    steps: int = 20,
    guidance_scale: float = 7.5,
    scheduler: str = "ddim",
    seed: int = 0,
    begin: int | None = None,
) -> Iterator[Step]:
    """Denoise `latents`, standard normal (n, c, h, w), one prompt each; yields after every step.

    guidance_scale: classifier-free guidance (Ho and Salimans 2022) against the empty prompt; the batch is then
        [unconditional, conditional]; at 1 there is only the conditional half.
    seed: for schedulers that add noise on the way; DDIM adds none.
    begin: `latents` are x_t at this t of the schedule already (`noise_once`), for schedulers that keep x_t at unit
        variance (DDIM, PNDM); the steps above it are left out.
    Raises ChoiceError as `schedule`, NotFiniteError at the first step whose latents are no numbers.
    """
    sampler = schedule(model, scheduler, steps)
    guided = guidance_scale > 1
    states = model.encode_prompts([""] * len(prompts) + list(prompts) if guided else list(prompts))
    timesteps = list(sampler.timesteps)
    if begin is None:
        latents = latents * sampler.init_noise_sigma
    else:
        timesteps = [timestep for timestep in timesteps if timestep <= begin]
    extra: dict[str, Any] = {}
    if "generator" in inspect.signature(sampler.step).parameters:
        extra["generator"] = torch.Generator("cpu").manual_seed(seed)
    for index, timestep in enumerate(timesteps):
        with torch.no_grad():  # not around the yield, where it would switch gradients off for the caller
            batch = sampler.scale_model_input(torch.cat([latents] * 2) if guided else latents, timestep)
            output = model.unet(batch, timestep, encoder_hidden_states=states).sample
            if guided:
                unconditional, conditional = output.chunk(2)
                output = unconditional + guidance_scale * (conditional - unconditional)
            moved = sampler.step(output, timestep, latents, **extra)
            predicted = getattr(moved, "pred_original_sample", None)
            if predicted is None:
                predicted = predict_original(sampler, output, int(timestep), latents)
        total = len(timesteps)
        if not torch.isfinite(moved.prev_sample).all():
            place = f"the UNet's prediction at step {index + 1} of {total}, t = {round(float(timestep))}"
            raise NotFiniteError.of(model.spec.name, place)
        yield Step(index, total, round(float(timestep)), latents, moved.prev_sample, predicted)
        latents = moved.prev_sample


def predict_original(sampler: Any, output: torch.Tensor, timestep: int, latents: torch.Tensor) -> torch.Tensor:
    """x_0 from the UNet's output at x_t, for schedulers that keep x_t at unit variance (DDIM, PNDM).

    Song et al. 2020 (DDIM), equation 12, for epsilon; Salimans and Ho 2022 for v.
    """
    kept = sampler.alphas_cumprod[timestep].to(latents.device, torch.float32)
    signal, noise = kept.sqrt(), (1 - kept).sqrt()
    if sampler.config.prediction_type == "v_prediction":
        return (signal * latents - noise * output).to(latents.dtype)
    return ((latents - noise * output) / signal).to(latents.dtype)


def noise_once(model: DiffusionModel, latents: torch.Tensor, timestep: int, seeds: Sequence[int]) -> torch.Tensor:
    """x_t of finished latents (n, c, h, w): sqrt(a_t) z_0 + sqrt(1 - a_t) noise, one seed per image.

    The same seed gives other noise than `first_latents`, on purpose.
    """
    drawn = [
        torch.randn(latents.shape[1:], generator=torch.Generator("cpu").manual_seed(seed + NOISE_STREAM))
        for seed in seeds
    ]
    noise = torch.stack(drawn).to(latents.device, latents.dtype)
    times = torch.full((len(drawn),), timestep, device=latents.device)
    return model.scheduler("ddim").add_noise(latents, noise, times)


def record_once(
    model: DiffusionModel,
    latents: torch.Tensor,
    states: torch.Tensor,
    timestep: int,
    seeds: Sequence[int],
    positions: Sequence[int],
    heads: bool = False,
    into: Recording | None = None,
) -> tuple[Recording, torch.Tensor]:
    """Noise finished latents once and record one conditional pass of the UNet, without guidance.

    latents: (n, c, h, w), z_0. states: (n, tokens, width) of the prompts. positions: indices of the tokens to keep.
    into: a recording to continue.
    Returns the recording of n images and the predicted x_0 (n, c, h, w).
    """
    return record_at(model, noise_once(model, latents, timestep, seeds), states, timestep, positions, heads, into)


@torch.no_grad()
def record_at(
    model: DiffusionModel,
    noisy: torch.Tensor,
    states: torch.Tensor,
    timestep: int,
    positions: Sequence[int],
    heads: bool = False,
    into: Recording | None = None,
) -> tuple[Recording, torch.Tensor]:
    """As `record_once`, of latents (n, c, h, w) that are x_t already."""
    with record(model.unet, positions, len(noisy), heads, into, model.spec.name) as recording:
        output = model.unet(noisy, timestep, encoder_hidden_states=states).sample
    return recording, predict_original(model.scheduler("ddim"), output, timestep, noisy)
