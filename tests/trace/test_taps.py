"""Which blocks are tapped, that their inputs are what is read, and that a captioner's shift reaches them."""

import numpy as np
import pytest
import torch

from inspector.trace.taps import autoencoder_features, autoencoder_taps, tap_shapes, unet_features, unet_taps
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def toy() -> ToyDiffusion:
    """One toy for the module."""
    return ToyDiffusion()


def test_the_blocks_are_those_of_the_publication(toy: ToyDiffusion) -> None:
    # ODISE's table with two residual blocks a level in the autoencoder; the toy has one, and two in its decoder.
    assert [(tap.layer, tap.stride) for tap in autoencoder_taps(toy)] == [
        ("encoder.down_blocks.2.resnets.0", 4), ("encoder.down_blocks.3.resnets.0", 8),
        ("decoder.up_blocks.0.resnets.1", 8), ("decoder.up_blocks.1.resnets.1", 4),
    ]  # fmt: skip
    assert [(tap.layer, tap.stride) for tap in unet_taps(toy)] == [
        (f"up_blocks.{index}.resnets.2", stride) for index, stride in enumerate((64, 32, 16, 8))
    ]


def test_features_have_the_shapes_that_taps_say(toy: ToyDiffusion) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    latents, found = autoencoder_features(toy, images, autoencoder_taps(toy))
    found |= unet_features(toy, latents, 0, toy.encode_prompts(["", "a car"]), unet_taps(toy))
    shapes = tap_shapes((*autoencoder_taps(toy), *unet_taps(toy)))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        name: (2, channels, 128 // stride, 128 // stride) for name, (channels, stride) in shapes.items()
    }
    assert torch.equal(latents, toy.encode_images(images))


def test_a_unets_tap_is_what_enters_with_the_skip_connection(toy: ToyDiffusion) -> None:
    seen = {}
    block = toy.unet.up_blocks[3].resnets[2]
    handle = block.register_forward_pre_hook(lambda module, args: seen.update(input=args[0].clone()))
    states = toy.encode_prompts(["a car"])
    latents = torch.randn(1, 4, 16, 16)
    toy.unet(latents, 100, encoder_hidden_states=states.states)
    handle.remove()
    found = unet_features(toy, latents, 100, states, unet_taps(toy))["unet.up_blocks.3.resnets.2"]
    assert torch.equal(found, seen["input"])


def test_a_shift_of_zero_changes_nothing_and_another_does_and_then_it_is_gone(toy: ToyDiffusion) -> None:
    states, latents = toy.encode_prompts([""]), torch.randn(1, 4, 16, 16)
    width = toy.unet.time_embedding.linear_2.out_features
    plain = unet_features(toy, latents, 0, states, unet_taps(toy))
    last = "unet.up_blocks.3.resnets.2"
    assert torch.equal(unet_features(toy, latents, 0, states, unet_taps(toy), torch.zeros(1, width))[last], plain[last])
    shifted = unet_features(toy, latents, 0, states, unet_taps(toy), torch.ones(1, width))
    assert not torch.allclose(shifted[last], plain[last])
    assert torch.equal(unet_features(toy, latents, 0, states, unet_taps(toy))[last], plain[last])


def test_a_gradient_reaches_context_and_shift(toy: ToyDiffusion) -> None:
    conditions = toy.encode_prompts([""])
    states = conditions.states.requires_grad_()
    shift = torch.zeros(1, toy.unet.time_embedding.linear_2.out_features, requires_grad=True)
    found = unet_features(toy, torch.randn(1, 4, 16, 16), 0, conditions, unet_taps(toy), shift)
    found["unet.up_blocks.3.resnets.2"].square().sum().backward()
    assert states.grad is not None
    assert states.grad.abs().sum() > 0
    assert shift.grad is not None
    assert shift.grad.abs().sum() > 0
