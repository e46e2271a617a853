"""Denoising runs: a text-to-image loop that yields every step, and noise added once to finished latents.

Latents are scaled ones (n, c, h, w), in the model's dtype on its device. Random numbers are drawn on the
CPU, so a seed means the same on every device. For the same prompt, seed, scheduler, steps and guidance the
loop does StableDiffusionPipeline's operations, of the same shapes and in the same order, text tower included,
so that its latents are the pipeline's to the bit. tests/trace holds that on the CPU in float32, and where there
is a GPU on it, in float16. What pipelines take beside those (guidance rescale, clip skip, negative prompts) is
not offered.
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from inspector.errors import ChoiceError, NotFiniteError
from inspector.models.protocols import Conditions, DiffusionModel, join
from inspector.trace.forming import unrecorded
from inspector.trace.joint import ATTENTION, is_transformer
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
    shape = (count, model.latent_channels, height // model.latent_factor, width // model.latent_factor)
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=model.dtype).to(model.device)


def generator_after(latents: torch.Tensor, seed: int) -> torch.Generator:
    """A pipeline's one generator after `first_latents` of this shape were drawn from it."""
    generator = torch.Generator("cpu").manual_seed(seed)
    torch.randn(latents.shape, generator=generator, dtype=latents.dtype)
    return generator


def schedule(model: DiffusionModel, scheduler: str, steps: int, size: tuple[int, int] | None = None) -> Any:
    """The model's scheduler of a name, set to so many steps of latents of (h, w), None for the model's own square.

    Raises ChoiceError, before anything is computed, where it cannot make so many of the model's noise levels.
    """
    sampler = model.scheduler(scheduler)
    levels, most = int(sampler.config.num_train_timesteps), model.sampling.most
    highest = levels - 1 if hasattr(sampler, "alphas_cumprod") else levels  # of a flow: pure noise
    fits = steps <= (most or levels)
    try:
        if fits:
            model.set_steps(sampler, steps, size or (model.image_size // model.latent_factor,) * 2)
            fits = 0 <= float(sampler.timesteps.min()) <= float(sampler.timesteps.max()) <= highest
    except ValueError:  # more steps than levels
        fits = False
    if not fits:
        raise ChoiceError(f"steps is {steps}; with the scheduler {scheduler} use at most {most or levels - 1}.")
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
    shown: torch.Tensor | None = None,
) -> Iterator[Step]:
    """Denoise `latents`, standard normal (n, c, h, w), one prompt each; yields after every step.

    guidance_scale: classifier-free guidance (Ho and Salimans 2022) against the empty prompt; the batch is then
        [unconditional, conditional]; at 1 there is only the conditional half.
    seed: for schedulers that add noise on the way; DDIM adds none.
    begin: `latents` are x_t at this t of the schedule already (`noise_once`), for schedulers that keep x_t at unit
        variance (DDIM, PNDM); the steps above it are left out.
    shown: z_0 (n, c, h, w) of given pictures, for `DiffusionModel.shown`; None where pictures are generated.
    Raises ChoiceError as `schedule`, NotFiniteError at the first step whose latents are no numbers.
    """
    sampler = schedule(model, scheduler, steps, (latents.shape[-2], latents.shape[-1]))
    guided = guidance_scale > 1 and model.sampling.guidance == "free"
    conditions = model.encode_prompts(list(prompts))
    if model.sampling.guidance == "distilled":
        conditions = conditions.guided(max(guidance_scale, 1.0))
    if guided:  # encoded apart, as the pipeline does: kernels are chosen by the size of a batch, and round differently
        conditions = join([model.unconditional(len(prompts)), conditions])
    generator = generator_after(latents, seed)
    if shown is None:
        conditions = model.unshown(conditions, (latents.shape[-2], latents.shape[-1]), generator)
    else:
        conditions = model.shown(conditions, shown)
    moments = list(zip(sampler.timesteps, sampler.timesteps.tolist(), strict=True))  # read once: each reading waits
    if begin is None:
        latents = latents * getattr(sampler, "init_noise_sigma", 1.0)
    else:
        moments = [moment for moment in moments if moment[1] <= begin]
    extra: dict[str, Any] = {}
    if "generator" in inspect.signature(sampler.step).parameters:
        extra["generator"] = generator
    for index, (timestep, time) in enumerate(moments):
        with torch.no_grad():  # not around the yield, where it would switch gradients off for the caller
            batch = torch.cat([latents] * 2) if guided else latents
            if hasattr(sampler, "scale_model_input"):
                batch = sampler.scale_model_input(batch, timestep)
            if guided and model.sampling.apart:
                output = _apart(model, latents, timestep, conditions)
            else:
                output = model.predict(batch, timestep, conditions)
            if guided:
                unconditional, conditional = output.chunk(2)
                output = unconditional + guidance_scale * (conditional - unconditional)
            moved = sampler.step(output, timestep, latents, **extra)
            found = (getattr(moved, name, None) for name in ("pred_original_sample", "denoised"))  # denoised: LCM's
            predicted = next((one for one in found if one is not None), None)
            if predicted is None:
                predicted = predict_original(sampler, output, time, latents)
        total = len(moments)
        if not torch.isfinite(moved.prev_sample).all():
            moment = f"at step {index + 1} of {total}, t = {round(time)}"
            layer = model.broken_layer(partial(model.predict, batch, timestep, conditions))
            place = f"layer {layer} of the {_network(model)}" if layer else f"the {_network(model)}'s prediction"
            raise NotFiniteError.of(model.spec.name, f"{place} {moment}")
        yield Step(index, total, round(time), latents, moved.prev_sample, predicted)
        latents = moved.prev_sample


def _apart(model: DiffusionModel, latents: torch.Tensor, timestep: Any, conditions: Conditions) -> torch.Tensor:
    """What is predicted for [unconditional, conditional] in a pass each, of which the second is recorded."""
    count = len(latents)
    with unrecorded():
        unconditional = model.predict(latents, timestep, conditions[:count])
    return torch.cat([unconditional, model.predict(latents, timestep, conditions[count:])])


def _network(model: DiffusionModel) -> str:
    return "transformer" if is_transformer(model.network) else "UNet"


def predict_original(sampler: Any, output: torch.Tensor, timestep: float, latents: torch.Tensor) -> torch.Tensor:
    """x_0 from the network's output at x_t, for schedulers that keep x_t at unit variance (DDIM, PNDM), and for flows.

    Song et al. 2020 (DDIM), equation 12, for epsilon; Salimans and Ho 2022 for v; Liu et al. 2023 for a flow, whose
    noise is the share t / 1,000 of x_t.
    """
    if not hasattr(sampler, "alphas_cumprod"):
        share = timestep / sampler.config.num_train_timesteps
        return (latents.float() - share * output.float()).to(latents.dtype)
    kept = sampler.alphas_cumprod[int(timestep)].to(latents.device, torch.float32)
    signal, noise = kept.sqrt(), (1 - kept).sqrt()
    if sampler.config.prediction_type == "v_prediction":
        return (signal * latents - noise * output).to(latents.dtype)
    return ((latents - noise * output) / signal).to(latents.dtype)


def add_noise(model: DiffusionModel, latents: torch.Tensor, noise: torch.Tensor, timestep: int) -> torch.Tensor:
    """x_t of z_0 (n, c, h, w): sqrt(a_t) z_0 + sqrt(1 - a_t) noise; of a flow (1 - t / 1,000) z_0 + t / 1,000 noise."""
    sampler = model.scheduler(model.sampling.noising)
    if not hasattr(sampler, "alphas_cumprod"):
        share = timestep / sampler.config.num_train_timesteps
        return (1 - share) * latents + share * noise
    return sampler.add_noise(latents, noise, torch.full((len(latents),), timestep, device=latents.device))


def noise_once(model: DiffusionModel, latents: torch.Tensor, timestep: int, seeds: Sequence[int]) -> torch.Tensor:
    """As `add_noise`, of finished latents (n, c, h, w), one seed per image.

    The same seed gives other noise than `first_latents`, on purpose.
    """
    drawn = [
        torch.randn(latents.shape[1:], generator=torch.Generator("cpu").manual_seed(seed + NOISE_STREAM))
        for seed in seeds
    ]
    return add_noise(model, latents, torch.stack(drawn).to(latents.device, latents.dtype), timestep)


def record_once(
    model: DiffusionModel,
    latents: torch.Tensor,
    conditions: Conditions,
    timestep: int,
    seeds: Sequence[int],
    positions: Sequence[int],
    heads: bool = False,
    into: Recording | None = None,
) -> tuple[Recording, torch.Tensor]:
    """Noise finished latents once and record one conditional pass of the UNet, without guidance.

    latents: (n, c, h, w), z_0. conditions: of the n prompts. positions: indices of the tokens to keep.
    into: a recording to continue. A model that inpaints is told that nothing of the picture is masked.
    Returns the recording of n images and the predicted x_0 (n, c, h, w).
    """
    noisy, told = noise_once(model, latents, timestep, seeds), model.shown(conditions, latents)
    return record_at(model, noisy, told, timestep, positions, heads, into)


@torch.no_grad()
def record_at(
    model: DiffusionModel,
    noisy: torch.Tensor,
    conditions: Conditions,
    timestep: int,
    positions: Sequence[int],
    heads: bool = False,
    into: Recording | None = None,
    reading: str = ATTENTION,
) -> tuple[Recording, torch.Tensor]:
    """As `record_once`, of latents (n, c, h, w) that are x_t already, with all that the conditions tell.

    reading: as `recorders.record` takes it.
    """
    with record(model.network, positions, len(noisy), heads, into, model.spec.name, reading=reading) as recording:
        output = model.predict(noisy, timestep, conditions)
    return recording, predict_original(model.scheduler(model.sampling.noising), output, timestep, noisy)
