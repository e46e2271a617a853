"""The denoising loop against diffusers' own pipeline, and the noise that is added once."""

from collections.abc import Callable
from itertools import pairwise

import diffusers
import pytest
import torch

from inspector.errors import ChoiceError
from inspector.models.protocols import Conditions
from inspector.trace import recorders, trajectories
from tests.toys import ToyDiffusion

PROMPT = "a horse on the grass"


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def reference(model: ToyDiffusion, scheduler: str, steps: int, guidance: float, seed: int) -> torch.Tensor:
    """The latents of StableDiffusionPipeline itself."""
    pipeline = diffusers.StableDiffusionPipeline(
        model.vae, None, None, model.unet, model.scheduler(scheduler), None, None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        prompt_embeds=model.encode_prompts([PROMPT]).states,
        negative_prompt_embeds=model.encode_prompts([""]).states,
        height=64,
        width=128,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="latent",
    ).images


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' Euler on numpy 2
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(("scheduler", "guidance"), [("ddim", 7.5), ("ddim", 1.0), ("pndm", 3.0), ("euler", 7.5)])
def test_latents_equal_stable_diffusion_pipelines(
    model: ToyDiffusion, scheduler: str, guidance: float, recorded: bool
) -> None:
    expected = reference(model, scheduler, steps=4, guidance=guidance, seed=11)

    def ours() -> torch.Tensor:
        latents = trajectories.first_latents(model, 11, height=64, width=128)
        steps = trajectories.denoise(model, latents, [PROMPT], 4, guidance, scheduler, seed=11)
        return list(steps)[-1].denoised

    if recorded:
        with recorders.record(model.unet, [1]):
            assert torch.equal(ours(), expected)
    else:
        assert torch.equal(ours(), expected)


def test_steps_chain_and_fall(model: ToyDiffusion) -> None:
    latents = trajectories.first_latents(model, 0, 64, 64)
    steps = list(trajectories.denoise(model, latents, [PROMPT], steps=5))
    assert [step.index for step in steps] == list(range(5))
    assert {step.total for step in steps} == {5}
    assert [step.timestep for step in steps] == [801, 601, 401, 201, 1]
    assert torch.equal(steps[0].latents, latents)
    for earlier, later in pairwise(steps):
        assert torch.equal(earlier.denoised, later.latents)


def test_ddims_own_prediction_equals_the_formula(model: ToyDiffusion) -> None:
    """DDIM says what it predicts; PNDM does not, and the formula stands in."""
    sampler = model.scheduler("ddim")
    sampler.set_timesteps(5)
    latents, output = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    expected = sampler.step(output, 401, latents).pred_original_sample
    assert torch.allclose(trajectories.predict_original(sampler, output, 401, latents), expected, atol=1e-4)
    v_sampler = diffusers.DDIMScheduler.from_config(sampler.config, prediction_type="v_prediction")
    v_sampler.set_timesteps(5)
    expected = v_sampler.step(output, 401, latents).pred_original_sample
    assert torch.allclose(trajectories.predict_original(v_sampler, output, 401, latents), expected, atol=1e-4)


def test_a_loop_left_early_runs_no_further_step_and_keeps_gradients_on(model: ToyDiffusion) -> None:
    calls: list[int] = []
    handle = model.unet.register_forward_hook(lambda *_: calls.append(1))
    steps = trajectories.denoise(model, trajectories.first_latents(model, 0, 64, 64), [PROMPT], steps=9)
    next(steps)
    assert torch.is_grad_enabled()
    steps.close()
    handle.remove()
    assert len(calls) == 1


def test_noise_once_by_hand(model: ToyDiffusion) -> None:
    latents = torch.full((1, 4, 64, 64), 5.0)
    kept = model.scheduler().alphas_cumprod[300]
    noised = trajectories.noise_once(model, latents, 300, [0])
    noise = (noised - kept.sqrt() * latents) / (1 - kept).sqrt()
    assert noise.mean().item() == pytest.approx(0, abs=0.03)
    assert noise.std().item() == pytest.approx(1, abs=0.03)
    assert trajectories.noise_once(model, latents, 0, [0]).std().item() == pytest.approx(0.029, abs=0.001)


def test_noise_depends_on_the_seed_alone(model: ToyDiffusion) -> None:
    latents = torch.randn(3, 4, 8, 8)
    together = trajectories.noise_once(model, latents, 200, [4, 5, 4])
    alone = trajectories.noise_once(model, latents[1:2], 200, [5])
    assert torch.equal(together[1:2], alone)
    zeros = torch.zeros(2, 4, 8, 8)
    same = trajectories.noise_once(model, zeros, 200, [4, 4])
    other = trajectories.noise_once(model, zeros, 200, [4, 5])
    assert torch.equal(same[0], same[1])
    assert not torch.equal(other[0], other[1])


def test_noise_once_is_not_the_noise_a_generation_starts_from(model: ToyDiffusion) -> None:
    start = trajectories.first_latents(model, 7, 64, 64)
    noised = trajectories.noise_once(model, torch.zeros_like(start), 999, [7])
    correlation = torch.corrcoef(torch.stack([start.flatten(), noised.flatten()]))[0, 1]
    assert abs(correlation.item()) < 0.2


def test_recording_many_images_at_once_equals_one_by_one(model: ToyDiffusion) -> None:
    latents, states = torch.randn(2, 4, 8, 8), model.encode_prompts(["a horse", "the sea"])
    both, predicted = trajectories.record_once(model, latents, states, 100, [1, 2], [1, 2, 3])
    one, alone = trajectories.record_once(model, latents[1:], states[1:], 100, [2], [1, 2, 3])
    assert both.timesteps == [100]
    assert torch.allclose(predicted[1:], alone, atol=1e-5)
    for layer, maps in one.stacked().items():
        assert maps.shape[:2] == (1, 3)
        assert abs(maps.astype(float) - both.stacked(image=1)[layer]).max() < 2e-3


def test_the_predicted_image_is_the_formulas(model: ToyDiffusion) -> None:
    latents, states = torch.randn(1, 4, 8, 8), model.encode_prompts([PROMPT])
    _, predicted = trajectories.record_once(model, latents, states, 250, [3], [0])
    noised = trajectories.noise_once(model, latents, 250, [3])
    output = with_unet(model, noised, states)(250)
    kept = model.scheduler().alphas_cumprod[250]
    assert torch.allclose(predicted, (noised - (1 - kept).sqrt() * output) / kept.sqrt(), atol=1e-5)


def with_unet(model: ToyDiffusion, noised: torch.Tensor, states: Conditions) -> Callable[[int], torch.Tensor]:
    return lambda timestep: model.unet(noised, timestep, encoder_hidden_states=states.states).sample


@pytest.mark.parametrize("scheduler", ["ddim", "pndm"])
def test_a_schedule_has_the_steps_that_were_asked_for_or_says_how_many_it_can(
    model: ToyDiffusion, scheduler: str
) -> None:
    for steps in (1, 2, 50, 500, 998, 999):
        sampler = trajectories.schedule(model, scheduler, steps)
        assert 0 <= sampler.timesteps.min() <= sampler.timesteps.max() <= 999
        assert len(sampler.timesteps) >= steps
    for steps in (1001, 5000):
        with pytest.raises(ChoiceError, match=rf"^steps is {steps}; with the scheduler {scheduler} use at most 999\.$"):
            trajectories.schedule(model, scheduler, steps)
