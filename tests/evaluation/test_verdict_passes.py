"""The passes of the arms: which latents, which noise, which t and which half of the batch each one saw."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from inspector.analysis import features
from inspector.errors import ChoiceError
from inspector.evaluation import verdict_passes as passes
from inspector.results import AGAIN, DECODED, INVERSION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, NOISELESS
from inspector.trace import arms, trajectories
from tests.toys import ToyDiffusion

PROMPTS = ["a horse on the grass", "a red boat"]
POSITIONS = range(7)
TIMESTEPS = (1, 501)
SEEDS = [10, 90]


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedules of t = 1, 251, 501, 751, and 1, 501 for denoising again."""
    monkeypatch.setattr(passes, "STEPS", 4)
    monkeypatch.setattr(passes, "INVERSION_STEPS", 4)
    monkeypatch.setattr(passes, "AGAIN_STEPS", 2)


@pytest.fixture(scope="module")
def latents() -> torch.Tensor:
    return torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(3))


def seen(model: ToyDiffusion, noisy: torch.Tensor, timestep: int) -> tuple[dict[str, np.ndarray], torch.Tensor]:
    """Maps and features of one conditional pass, picture by picture, as analyses take them one at a time."""
    maps: dict[str, list[np.ndarray]] = {}
    grids = []
    for x, prompt in zip(noisy, PROMPTS, strict=True):
        states = model.encode_prompts([prompt])
        recording, _ = trajectories.record_at(model, x[None], states, timestep, POSITIONS)
        for layer, calls in recording.maps.items():
            maps.setdefault(layer, []).append(calls[0][0])
        taps = features.find_taps(model.unet, passes.PRESET)
        blocks = features.record(model, x[None], [timestep], states, taps)
        grids.append(features.combine(list(blocks.values()), passes.PRESET)[0])
    return {layer: np.stack(found) for layer, found in maps.items()}, torch.stack(grids)


def assert_saw(model: ToyDiffusion, one: Any, noisy: torch.Tensor, timestep: int) -> None:
    """A pass, or maps and features, is that of x_t at t."""
    maps, grids = (one.maps, one.features) if isinstance(one, passes.Pass) else one
    own, own_grids = seen(model, noisy, timestep)
    assert maps.keys() == own.keys()
    for layer, values in maps.items():
        assert np.allclose(values, own[layer], atol=1e-3), layer
    assert torch.allclose(grids, own_grids, atol=1e-3)


def test_seen_tells_passes_apart(model: ToyDiffusion, latents: torch.Tensor) -> None:
    """The measure of these tests notices a neighbouring step, another prompt and other noise."""
    states = model.encode_prompts(PROMPTS)
    noisy = trajectories.noise_once(model, latents, 501, SEEDS)
    assert_saw(model, passes.watch(model, noisy, states, 501, POSITIONS), noisy, 501)
    others = [
        passes.watch(model, noisy, states, 251, POSITIONS),
        passes.watch(model, noisy, model.encode_prompts(["", ""]), 501, POSITIONS),
        passes.watch(model, trajectories.noise_once(model, latents, 501, [11, 91]), states, 501, POSITIONS),
    ]
    for other in others:
        with pytest.raises(AssertionError):
            assert_saw(model, other, noisy, 501)


def test_generation_is_seen_at_its_own_steps_with_its_prompt(model: ToyDiffusion) -> None:
    run = passes.generation(model, PROMPTS, SEEDS, POSITIONS, TIMESTEPS)
    assert run.timesteps == (751, 501, 251, 1)
    assert run.features.keys() == {501, 1}
    start = torch.cat([trajectories.first_latents(model, seed, 128, 128) for seed in SEEDS])
    steps = list(trajectories.denoise(model, start, PROMPTS, 4, passes.GUIDANCE))
    assert torch.equal(run.latents, steps[-1].denoised)
    for step in steps:
        if step.timestep in TIMESTEPS:
            assert_saw(model, (run.at(step.timestep), run.features[step.timestep]), step.latents, step.timestep)


def test_every_noise_is_of_its_arm_its_picture_and_its_repeat(model: ToyDiffusion, latents: torch.Tensor) -> None:
    states = model.encode_prompts(PROMPTS)
    found = list(passes.noised(model, "any", latents, states, 501, SEEDS, 2, POSITIONS))
    assert [(one.arm, one.timestep, one.repeat) for one in found] == [
        ("any", 501, 0),
        ("any", 501, 1),
        (MEAN_OF_SEEDS, 501, None),
    ]
    for one, seeds in zip(found, ([10, 90], [11, 91]), strict=False):
        assert_saw(model, one, trajectories.noise_once(model, latents, 501, seeds), 501)
    for layer, values in found[-1].maps.items():
        assert np.allclose(values, (found[0].maps[layer].astype(float) + found[1].maps[layer]) / 2, atol=1e-4)
    mean = found[0].features + found[1].features
    assert torch.allclose(found[-1].features, mean / mean.norm(dim=1, keepdim=True), atol=1e-5)


def test_no_two_pictures_share_a_noise() -> None:
    first, second = passes.own_seeds([500_000, 500_001])
    assert second - first >= passes.MOST_SEEDS
    assert passes.own_seeds([999_999])[0] + passes.MOST_SEEDS < 2**31  # a request takes it, and the stream lies above


def by_cell(found: Iterator[passes.Pass]) -> dict[tuple[str, int, int | None], passes.Pass]:
    every = list(found)
    known = {(one.arm, one.timestep, one.repeat): one for one in every}
    assert len(known) == len(every)
    return known


def test_arms_of_given_pictures(model: ToyDiffusion, latents: torch.Tensor) -> None:
    states = model.encode_prompts(PROMPTS)
    at = passes.inverted(model, latents, states, TIMESTEPS)
    assert tuple(at) == TIMESTEPS
    found = by_cell(passes.given_passes(model, latents, PROMPTS, at, SEEDS, 2, POSITIONS))
    assert len(found) == passes.given_total(2, 2)
    whole = {step.timestep: step.latents for step in arms.invert(model, latents, states, 4)}
    for t in TIMESTEPS:
        once = trajectories.noise_once(model, latents, t, [11, 91])
        assert_saw(model, found[NOISE_ONCE, t, 1], once, t)
        assert_saw(model, found[NOISELESS, t, None], arms.noiseless(model, latents, t), t)
        assert_saw(model, found[INVERSION, t, None], whole[t], t)
        noisy = trajectories.noise_once(model, latents, t, SEEDS)
        again = list(trajectories.denoise(model, noisy, PROMPTS, 2, passes.GUIDANCE, begin=t))
        assert (again[0].timestep, again[-1].timestep) == (t, 1)
        assert_saw(model, found[AGAIN, t, None], again[-1].latents, 1)


def test_arms_of_generated_pictures(model: ToyDiffusion, latents: torch.Tensor) -> None:
    """What z_0 went through differs from arm to arm, their noise does not."""
    found = by_cell(passes.generated_passes(model, latents, PROMPTS, TIMESTEPS, SEEDS, 1, POSITIONS))
    assert len(found) == passes.generated_total(2, 1)
    rounded = model.encode_images(model.decode(latents))
    decoded = arms.decoded_again(model, latents)
    starts = {LATENT: latents, DECODED: decoded, NOISE_ONCE: rounded}
    for arm, start in starts.items():
        assert_saw(model, found[arm, 501, 0], trajectories.noise_once(model, start, 501, SEEDS), 501)
    assert_saw(model, found[NOISELESS, 501, None], arms.noiseless(model, rounded, 501), 501)
    inverted = {step.timestep: step.latents for step in arms.invert(model, rounded, model.encode_prompts(PROMPTS), 4)}
    assert_saw(model, found[INVERSION, 501, None], inverted[501], 501)


def test_reconstruction_goes_back_the_way_inversion_came(model: ToyDiffusion, latents: torch.Tensor) -> None:
    at = passes.inverted(model, latents, model.encode_prompts(PROMPTS), TIMESTEPS)
    *_, last = trajectories.denoise(model, at[501], PROMPTS, 4, 1.0, begin=501)
    assert torch.equal(passes.reconstructed(model, at, PROMPTS), last.denoised)


def test_timesteps_are_those_of_every_schedule_once(model: ToyDiffusion) -> None:
    assert passes.check_timesteps(model, [501, 1]) == (1, 501)
    with pytest.raises(ChoiceError, match=r"t = 251 is no step of every schedule .* choose among 1, 501"):
        passes.check_timesteps(model, [1, 251])  # generation and inversion have it, denoising again has not
    with pytest.raises(ChoiceError, match="once"):
        passes.check_timesteps(model, [1, 501, 501])
    with pytest.raises(ChoiceError, match="empty"):
        passes.check_timesteps(model, [])


def test_the_usual_timesteps_are_in_the_usual_schedules(monkeypatch: pytest.MonkeyPatch, model: ToyDiffusion) -> None:
    from inspector.evaluation.verdict import TIMESTEPS as USUAL

    monkeypatch.undo()
    assert passes.check_timesteps(model, USUAL) == USUAL == (1, 101, 301, 501, 701)
