"""Each arm of the attention pipeline against what it is said to be, by the trace's own functions."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from inspector.errors import ChoiceError
from inspector.pipelines import arms, attention
from inspector.results import (
    AGAIN,
    DECODED,
    GENERATION,
    INVERSION,
    LATENT,
    MEAN_OF_SEEDS,
    NOISE_ONCE,
    NOISELESS,
    SPREAD_OF_SEEDS,
    AttentionRequest,
    AttentionResult,
    Progress,
)
from inspector.trace import trajectories
from inspector.trace.arms import decoded_again, invert, noiseless
from tests.toys import ToyDiffusion

PROMPT = "a horse on the grass"
SEED, STEPS, GUIDANCE, SIDE = 5, 3, 7.5, 64
POSITIONS = range(9)
ALL = (LATENT, DECODED, NOISE_ONCE, MEAN_OF_SEEDS, SPREAD_OF_SEEDS, INVERSION, NOISELESS, AGAIN)
TIMESTEPS = (600, 334, 40)


@pytest.fixture(autouse=True)
def model(attending: ToyDiffusion) -> ToyDiffusion:
    return attending


@pytest.fixture(scope="module")
def compared(toy: ToyDiffusion) -> Iterator[AttentionResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "load_diffusion", lambda name, report=None: toy)
        yield attention.run(asked(arms=ALL, seeds=3, noise_timesteps=TIMESTEPS))


def asked(**fields: object) -> AttentionRequest:
    return AttentionRequest(**{"prompt": PROMPT, "steps": STEPS, "seed": SEED, "size": SIDE} | fields)


@pytest.fixture(scope="module")
def finished(toy: ToyDiffusion) -> torch.Tensor:
    """z_0 as denoising leaves it."""
    start = trajectories.first_latents(toy, SEED, SIDE, SIDE)
    return list(trajectories.denoise(toy, start, [PROMPT], STEPS, GUIDANCE))[-1].denoised


@pytest.fixture(scope="module")
def encoded(toy: ToyDiffusion, finished: torch.Tensor) -> torch.Tensor:
    """z_0 of the 8-bit picture."""
    return toy.encode_images(toy.decode(finished))


def once(toy: ToyDiffusion, clean: torch.Tensor, timestep: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """layer -> (token, h, w) of one conditional pass with noise added once."""
    recording, _ = trajectories.record_once(toy, clean, toy.encode_prompts([PROMPT]), timestep, [seed], POSITIONS)
    return {layer: maps[0] for layer, maps in recording.stacked().items()}


def check(result: AttentionResult, arm: str, step: int, expected: dict[str, np.ndarray]) -> None:
    for layer, maps in expected.items():
        np.testing.assert_array_equal(result.maps[arm][layer][step], maps)


def differs(result: AttentionResult, arm: str, step: int, other: dict[str, np.ndarray]) -> bool:
    return any(not np.array_equal(result.maps[arm][layer][step], maps) for layer, maps in other.items())


def test_arms_come_in_their_order_with_single_noises_beside_the_first(compared: AttentionResult) -> None:
    seeds = (NOISE_ONCE, "noise once, seed 6", "noise once, seed 7")
    assert compared.arms == (
        GENERATION, LATENT, DECODED, *seeds, MEAN_OF_SEEDS, SPREAD_OF_SEEDS, INVERSION, NOISELESS, AGAIN
    )  # fmt: skip
    noised = {arm: compared.steps[arm] for arm in compared.arms if arm not in (GENERATION, INVERSION, AGAIN)}
    assert set(noised.values()) == {TIMESTEPS}
    assert compared.steps[GENERATION] == compared.steps[INVERSION] == (667, 334, 1)
    assert compared.steps[AGAIN] == (334, 1)
    assert set(compared.previews) == set(compared.arms) - {MEAN_OF_SEEDS, SPREAD_OF_SEEDS}


def test_noised_arms_differ_in_their_z0_alone(
    toy: ToyDiffusion, compared: AttentionResult, finished: torch.Tensor, encoded: torch.Tensor
) -> None:
    clean = {LATENT: finished, DECODED: decoded_again(toy, finished), NOISE_ONCE: encoded}
    for arm, latents in clean.items():
        for step, timestep in enumerate(TIMESTEPS):
            check(compared, arm, step, once(toy, latents, timestep))
    assert differs(compared, LATENT, 0, once(toy, clean[DECODED], TIMESTEPS[0]))
    assert differs(compared, DECODED, 0, once(toy, encoded, TIMESTEPS[0]))


def test_each_noise_is_its_own_seeds(toy: ToyDiffusion, compared: AttentionResult, encoded: torch.Tensor) -> None:
    for seed in (6, 7):
        for step, timestep in enumerate(TIMESTEPS):
            check(compared, f"noise once, seed {seed}", step, once(toy, encoded, timestep, seed))
    assert differs(compared, NOISE_ONCE, 0, once(toy, encoded, TIMESTEPS[0], 6))


def test_mean_and_spread_are_over_the_noises(compared: AttentionResult) -> None:
    names = [arm for arm in compared.arms if arm.startswith(NOISE_ONCE)]
    for layer in compared.layers:
        noises = np.stack([compared.maps[arm][layer] for arm in names]).astype(np.float32)
        np.testing.assert_array_equal(compared.maps[MEAN_OF_SEEDS][layer], noises.mean(0).astype(np.float16))
        np.testing.assert_array_equal(compared.maps[SPREAD_OF_SEEDS][layer], noises.std(0, ddof=1).astype(np.float16))


def test_without_noise_has_the_t_alone(toy: ToyDiffusion, compared: AttentionResult, encoded: torch.Tensor) -> None:
    states = toy.encode_prompts([PROMPT])
    for step, timestep in enumerate(TIMESTEPS):
        latents = noiseless(toy, encoded, timestep)
        recording, _ = trajectories.record_at(toy, latents, states, timestep, POSITIONS)
        check(compared, NOISELESS, step, {layer: maps[0] for layer, maps in recording.stacked().items()})


def test_inversion_is_recorded_at_the_t_of_its_latents(
    toy: ToyDiffusion, compared: AttentionResult, encoded: torch.Tensor
) -> None:
    """Maps of the inversion's own passes, whose x is that of the step below, are others."""
    states = toy.encode_prompts([PROMPT])
    found = {step.timestep: step.latents for step in invert(toy, encoded, states, STEPS)}
    for step, timestep in enumerate(compared.steps[INVERSION]):
        recording, _ = trajectories.record_at(toy, found[timestep], states, timestep, POSITIONS)
        check(compared, INVERSION, step, {layer: maps[0] for layer, maps in recording.stacked().items()})
    below, _ = trajectories.record_at(toy, found[334], states, 667, POSITIONS)
    assert differs(compared, INVERSION, 0, {layer: maps[0] for layer, maps in below.stacked().items()})


def test_the_error_of_inversion_stands_beside_it(
    toy: ToyDiffusion, compared: AttentionResult, encoded: torch.Tensor
) -> None:
    last = list(invert(toy, encoded, toy.encode_prompts([PROMPT]), STEPS))[-1].latents
    back = list(trajectories.denoise(toy, last, [PROMPT], STEPS, 1.0))[-1].denoised
    expected = ((back - encoded).square().mean().sqrt() / encoded.std()).item()
    assert compared.reconstruction["rms"] == pytest.approx(expected, rel=1e-4)
    pictures = (toy.decode(latents).astype(float) for latents in (encoded, back))
    error = np.square(next(pictures) - next(pictures)).mean()
    assert compared.reconstruction["psnr"] == pytest.approx(10 * np.log10(255**2 / error), rel=1e-4)


def test_denoised_again_keeps_the_conditional_half(
    toy: ToyDiffusion, compared: AttentionResult, encoded: torch.Tensor
) -> None:
    noisy = trajectories.noise_once(toy, encoded, 334, [SEED])
    states = toy.encode_prompts([PROMPT])
    steps = list(trajectories.denoise(toy, noisy, [PROMPT], STEPS, GUIDANCE, begin=334))
    for index, step in enumerate(steps):
        recording, _ = trajectories.record_at(toy, step.latents, states, step.timestep, POSITIONS)
        for layer, maps in recording.stacked().items():
            np.testing.assert_allclose(compared.maps[AGAIN][layer][index], maps[0], atol=2e-3)  # two pictures a batch
    unconditional, _ = trajectories.record_at(toy, noisy, toy.encode_prompts([""]), 334, POSITIONS)
    assert (
        max(np.abs(compared.maps[AGAIN][layer][0] - maps[0]).max() for layer, maps in unconditional.stacked().items())
        > 0.05
    )
    np.testing.assert_array_equal(compared.images[AGAIN], toy.decode(steps[-1].denoised)[0])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' Euler on numpy 2
@pytest.mark.parametrize("scheduler", ["ddim", "pndm", "euler"])
def test_every_t_is_matched_step_by_step(scheduler: str) -> None:
    result = attention.run(asked(scheduler=scheduler, noise_timesteps="every"))
    assert result.steps[NOISE_ONCE] == result.steps[GENERATION]


def test_progress_counts_every_pass() -> None:
    *items, _ = attention.stream(asked(arms=ALL, seeds=2, noise_timesteps="300, 200"))
    counted = [item for item in items if isinstance(item, Progress)][1:]
    assert {item.total for item in counted} == {STEPS + 2 + 2 + 2 * 2 + 2 * STEPS + 2 + 1}
    assert [item.moment for item in counted if item.moment] == [(1, 3, 667), (2, 3, 334), (3, 3, 1)]
    done = [item.step for item in counted]
    assert done == sorted(done)
    assert done[-1] == counted[-1].total
    assert {"Adding noise once, seed 6, t = 200", "Inverting, t = 667", "Decoded noised, t = 300"} <= {
        item.message for item in counted
    }


def test_the_memory_that_is_asked_for_counts_every_arm(model: ToyDiffusion) -> None:
    request = asked(arms=ALL, seeds=3, noise_timesteps=TIMESTEPS)
    assert arms.plan(request, model).kept() == {arm: len(steps) for arm, steps in attention.run(request).steps.items()}


def test_a_given_picture_has_the_arms_that_it_can_have() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    result = attention.run(AttentionRequest(PROMPT, picture, steps=2, arms="inversion, noise once, denoised again"))
    assert result.arms == (NOISE_ONCE, INVERSION, AGAIN)
    assert result.images[INVERSION].shape == picture.shape
    for arm in (GENERATION, LATENT, DECODED):
        with pytest.raises(ChoiceError, match=f"no arm '{arm}'"):
            AttentionRequest(PROMPT, picture, arms=(arm,))


def test_bad_arms_seeds_and_timesteps_are_one_sentence() -> None:
    with pytest.raises(ChoiceError, match="arm is 'inverted'; use one of generation"):
        asked(arms="inverted")
    with pytest.raises(ChoiceError, match="'mean of seeds' is over several noises and seeds is 1; use 2 or more"):
        asked(arms=(MEAN_OF_SEEDS,))
    with pytest.raises(ChoiceError, match="noise_timesteps has 'soon'; give numbers from 0 to 999, or \"every\" alone"):
        asked(noise_timesteps="100, soon")
    with pytest.raises(ChoiceError, match="noise_timesteps has '999999"):
        asked(noise_timesteps="9" * 5000)
    with pytest.raises(ChoiceError, match="noise_timesteps is 1000"):
        asked(noise_timesteps=(1000,))
    with pytest.raises(ChoiceError, match="101 t are asked for; at most 100"):
        asked(noise_timesteps=tuple(range(101)))
    with pytest.raises(ChoiceError, match="seeds is 17"):
        asked(seeds=17)
    with pytest.raises(ChoiceError, match="seed of the last noise is 2147483648"):
        asked(seed=2**31 - 1, seeds=2)


def test_several_seeds_ask_for_their_mean_and_spread() -> None:
    assert asked(seeds=2).chosen_arms == (GENERATION, NOISE_ONCE, MEAN_OF_SEEDS, SPREAD_OF_SEEDS)
    assert asked(arms="inversion", seeds=2).recorded_arms == (GENERATION, INVERSION)
    assert asked(noise_timesteps=(1, 300, 1)).noise_timesteps == (300, 1)
