"""What z_0 went through and how x_t was made of it, by hand and against diffusers."""

import pytest
import torch

from inspector.models import load_diffusion
from inspector.trace import arms, trajectories
from tests.toys import ToyDiffusion

PROMPT = "a horse on the grass"


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def test_decoded_again_clips_and_rounds_nothing(model: ToyDiffusion) -> None:
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.1
    scale = model.vae.config.scaling_factor
    pixels = model.vae.decode(latents / scale).sample
    assert torch.equal(arms.decoded_again(model, latents), model.vae.encode(pixels).latent_dist.mode() * scale)
    eight_bits = ((pixels.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
    rounded = model.vae.encode(eight_bits).latent_dist.mode() * scale
    assert torch.allclose(model.encode_images(model.decode(latents)), rounded, atol=1e-4)
    assert not torch.allclose(arms.decoded_again(model, latents), rounded, atol=1e-2)


def test_noiseless_is_the_mean_over_noise(model: ToyDiffusion) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    noisy = trajectories.noise_once(model, latents.expand(4000, -1, -1, -1), 300, range(4000))
    assert torch.allclose(noisy.mean(0), arms.noiseless(model, latents, 300)[0], atol=0.06)
    kept = model.scheduler("ddim").alphas_cumprod[300].sqrt()
    assert torch.allclose(arms.noiseless(model, latents, 300), kept * latents)


def test_inversion_by_hand(model: ToyDiffusion) -> None:
    """Each step asks at x of the step below for the noise at t, and moves to t: its x carries the t that is told."""
    latents, states = torch.randn(1, 4, 8, 8), model.encode_prompts([PROMPT])
    kept = model.scheduler("ddim").alphas_cumprod
    found = list(arms.invert(model, latents, states, steps=4))
    assert [step.timestep for step in found] == [1, 251, 501, 751] == list(arms.inversion_timesteps(model, 4))
    below, lower = kept[0], latents
    for step in found:
        with torch.no_grad():
            noise = model.unet(lower, step.timestep, encoder_hidden_states=states.states).sample
        clean = (lower - (1 - below).sqrt() * noise) / below.sqrt()
        expected = kept[step.timestep].sqrt() * clean + (1 - kept[step.timestep]).sqrt() * noise
        assert torch.allclose(step.latents, expected, atol=1e-4)
        below, lower = kept[step.timestep], step.latents


def test_inversion_leads_to_a_start_that_denoises_to_the_picture() -> None:
    """And the x of one t below does not."""
    model = load_diffusion()
    states = model.encode_prompts([PROMPT])
    start = trajectories.first_latents(model, 7, 128, 128)

    def denoised(latents: torch.Tensor) -> torch.Tensor:
        return list(trajectories.denoise(model, latents, [PROMPT], 50, 1.0))[-1].denoised

    final = denoised(start)
    inverted = list(arms.invert(model, final, states, 50))
    apart = [(denoised(step.latents) - final).std() / final.std() for step in inverted[-2:]]
    assert apart[1] < 0.15 < apart[0]


def test_inversion_has_the_models_own_betas_and_no_clipping() -> None:
    model = load_diffusion()
    forward, backward = model.scheduler("ddim"), model.inverse_scheduler()
    assert torch.equal(forward.alphas_cumprod, backward.alphas_cumprod)
    assert not backward.config.clip_sample
    assert backward.initial_alpha_cumprod == forward.final_alpha_cumprod
    forward.set_timesteps(20)
    assert arms.inversion_timesteps(model, 20) == tuple(reversed(forward.timesteps.tolist()))


def test_denoising_begins_where_it_is_told(model: ToyDiffusion) -> None:
    """The steps from t on are those of the whole run."""
    latents = trajectories.first_latents(model, 3, 64, 64)
    whole = list(trajectories.denoise(model, latents, [PROMPT], 5, 3.0))
    later = list(trajectories.denoise(model, whole[2].latents, [PROMPT], 5, 3.0, begin=401))
    assert [step.timestep for step in later] == [401, 201, 1]
    assert [step.index for step in later] == [0, 1, 2]
    assert {step.total for step in later} == {3}
    assert torch.equal(later[-1].denoised, whole[-1].denoised)
