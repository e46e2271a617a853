"""UNet features on a small random Stable Diffusion: the right modules, the same bits, early stop, geometry."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from inspector.analysis import features
from inspector.errors import ChoiceError, UnsupportedModelError
from tests.toys import ToyDiffusion

LDM_6_TO_11 = tuple(f"up_blocks.{block}.attentions.{index}" for block in (2, 3) for index in range(3))


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(7))


def hooks(module: nn.Module) -> Iterator[object]:
    for part in module.modules():
        yield from (*part._forward_hooks.values(), *part._forward_pre_hooks.values())


def test_presets_name_the_modules_of_the_reference(model):
    assert features.find_taps(model.unet, "A") == features.Taps(LDM_6_TO_11)
    names = [f"up_blocks.3.{kind}.{index}" for index in range(3) for kind in ("resnets", "attentions")]
    assert features.find_taps(model.unet, "B") == features.Taps(tuple(names))
    names = [f"up_blocks.{block}.resnets.{index}" for block in (2, 3) for index in range(3)]
    assert features.find_taps(model.unet, "C") == features.Taps(tuple(names), inputs=True)
    with pytest.raises(ChoiceError, match="A, B, C"):
        features.find_taps(model.unet, "D")


def test_a_network_without_up_blocks_is_refused_in_a_sentence():
    with pytest.raises(UnsupportedModelError, match="choose a Stable Diffusion model"):
        features.find_taps(nn.Sequential(nn.Linear(2, 2)), "A")


@pytest.mark.parametrize("preset", ["A", "B", "C"])
def test_early_stop_leaves_every_bit_and_skips_the_rest(model, latents, preset):
    taps = features.find_taps(model.unet, preset)
    states = model.encode_prompts(["a horse"])
    finished: list[bool] = []
    whole: dict[str, torch.Tensor] = {}

    def keep(name: str, value: Any) -> None:
        whole[name] = (value[0] if isinstance(value, tuple) else value).clone()

    with ExitStack() as stack, torch.no_grad():
        stack.enter_context(model.unet.conv_out.register_forward_hook(lambda *_: finished.append(True)))
        for name in taps.layers:
            module = model.unet.get_submodule(name)
            if taps.inputs:
                handle = module.register_forward_pre_hook(lambda _, args, name=name: keep(name, args))
            else:
                handle = module.register_forward_hook(lambda _, args, output, name=name: keep(name, output))
            stack.enter_context(handle)
        model.unet(latents, torch.tensor([80]), encoder_hidden_states=states.states)
    assert finished == [True]

    with model.unet.conv_out.register_forward_hook(lambda *_: finished.append(True)):
        recorded = features.record(model, latents, [80], states, taps)
    assert finished == [True]
    assert tuple(recorded) == taps.layers
    assert all(torch.equal(recorded[name], whole[name]) for name in taps.layers)
    assert not list(hooks(model.unet))


def test_skip_connections_are_part_of_what_enters_a_block(model, latents):
    states = model.encode_prompts([""])
    recorded = features.record(model, latents, [10], states, features.find_taps(model.unet, "C"))
    widths = {name: value.shape[1] for name, value in recorded.items()}
    assert widths["up_blocks.3.resnets.0"] == 16 + 8  # from below, and the skip of down_blocks.0
    assert widths["up_blocks.3.resnets.2"] == 8 + 8


def test_hooks_are_gone_after_a_crash(model, latents):
    with pytest.raises(RuntimeError):
        features.record(model, latents[:, :3], [10], model.encode_prompts([""]), features.Taps(LDM_6_TO_11))
    assert not list(hooks(model.unet))


def test_several_timesteps_in_one_batch_equal_one_by_one(model, latents):
    states = model.encode_prompts(["a horse"])
    together = features.preset_features(model, latents, states, [10, 400], seed=3)
    for index, timestep in enumerate([10, 400]):
        alone = features.preset_features(model, latents, states, [timestep], seed=3)
        assert torch.allclose(together[index], alone[0], atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_features_depend_on_seed_prompt_and_preset_and_nothing_else(model, latents):
    def get(prompt: str = "", seed: int = 0, preset: str = "A") -> torch.Tensor:
        return features.preset_features(model, latents, model.encode_prompts([prompt]), [300], seed, preset)

    base = get()
    torch.manual_seed(99)
    assert torch.equal(base, get())
    assert not torch.equal(base, get(seed=1))
    assert not torch.equal(base, get(prompt="a horse"))
    assert base.shape == (1, 3 * 16 + 3 * 8, 16, 24)  # at the latents' size, also where they are not square
    assert get(preset="B").shape == (1, 8, 16, 24)
    for preset in "ABC":
        assert torch.allclose(get(preset=preset).norm(dim=1), torch.ones(1, 16, 24), atol=1e-5)


def test_joined_blocks_have_the_mean_of_the_blocks_cosines():
    """Four positions in a row; the second block is 100 times longer, and must not count for more."""
    first = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, -1.0]]).reshape(1, 2, 1, 4)
    second = 100 * torch.tensor([[1.0, 1.0, 0.0, 1.0]]).reshape(1, 1, 1, 4)
    second = torch.cat([second, torch.tensor([[0.0, 0.0, 5.0, 0.0]]).reshape(1, 1, 1, 4)], dim=1)
    joined = features.combine([first, second], "A")[0, :, 0]
    cosines = joined.T @ joined
    assert cosines[0].tolist() == pytest.approx([1, (0 + 1) / 2, (0.5**0.5 + 0) / 2, (0.5**0.5 + 1) / 2], abs=1e-6)


def test_preset_b_is_the_direction_of_the_plain_mean():
    one, other = torch.tensor([3.0, 0.0]).reshape(1, 2, 1, 1), torch.tensor([1.0, 4.0]).reshape(1, 2, 1, 1)
    assert features.combine([one, other], "B").flatten().tolist() == pytest.approx([0.5**0.5, 0.5**0.5])


def test_small_blocks_are_enlarged_to_the_largest_without_a_shift():
    ramp = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 2, 4)
    flat = torch.ones(1, 1, 2, 4)
    large = torch.ones(1, 2, 4, 8)
    joined = features.combine([torch.cat([ramp, flat], dim=1), large], "C")[0] * 2**0.5
    slope = (joined[0] / joined[1])[0].numpy()
    assert joined.shape == (4, 4, 8)
    assert slope == pytest.approx(np.array([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]), abs=1e-5)


def test_cka_knows_no_rotation_and_no_scale() -> None:
    first = torch.randn(6, 8, 8, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1))).Q
    turned = 3 * torch.einsum("cd,dhw->chw", rotation, first) + 1
    assert features.linear_cka(first, turned) == pytest.approx(1, abs=1e-5)


def test_cka_by_hand() -> None:
    """Of one channel each it is the squared correlation; of channels that share one of two, a half of root two."""
    ramp = torch.arange(4.0).reshape(1, 2, 2)
    across = torch.tensor([1.0, -1.0, -1.0, 1.0]).reshape(1, 2, 2)
    down = torch.tensor([1.0, 1.0, -1.0, -1.0]).reshape(1, 2, 2)
    assert features.linear_cka(ramp, down) == pytest.approx(np.corrcoef(ramp.ravel(), down.ravel())[0, 1] ** 2)
    assert features.linear_cka(across, down) == pytest.approx(0, abs=1e-6)
    assert features.linear_cka(torch.cat([across, down]), down) == pytest.approx(0.5**0.5)
    assert math.isnan(features.linear_cka(ramp, torch.ones(1, 2, 2)))
