"""What VPD reads: outputs of up blocks, attention to each token of the context, a gradient to it."""

import numpy as np
import pytest
import torch

from inspector.models.protocols import Conditions
from inspector.trace.class_tokens import output_taps, read_class_tokens
from inspector.trace.hooks import capture
from inspector.trace.trajectories import record_at
from tests.toys import WIDTH, ToyDiffusion


@pytest.fixture(scope="module")
def toy() -> ToyDiffusion:
    """One toy for the module."""
    return ToyDiffusion()


def asked(classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of two pictures, and a context of some classes for each."""
    torch.manual_seed(3)
    return torch.randn(2, 4, 16, 24), torch.randn(2, classes, WIDTH)


def test_the_blocks_are_those_of_the_publication(toy: ToyDiffusion) -> None:
    # Outputs 1, 4 and 7 of twelve, the second of three a level, and the last (VPD's register_hier_output).
    assert [(tap.layer, tap.channels, tap.stride) for tap in output_taps(toy)] == [
        ("up_blocks.0.resnets.1", 16, 64), ("up_blocks.1.attentions.1", 16, 32), ("up_blocks.2.attentions.1", 16, 16),
        ("up_blocks.3.attentions.2", 8, 8),
    ]  # fmt: skip


def test_features_are_what_the_blocks_give(toy: ToyDiffusion) -> None:
    latents, context = asked()
    found = read_class_tokens(toy, latents, 1, Conditions(context)).features
    layers = [tap.layer for tap in output_taps(toy)]
    with capture(toy.unet, layers) as captured:
        toy.unet(latents, 1, encoder_hidden_states=context)
    assert list(found) == [f"unet.{layer}" for layer in layers]
    assert all(torch.equal(found[f"unet.{layer}"], captured[layer]) for layer in layers)
    for tap in output_taps(toy):
        assert found[tap.name].shape == (2, tap.channels, 128 // tap.stride, -(-192 // tap.stride))


def test_attention_is_the_mean_of_the_recorded_layers_of_each_size(toy: ToyDiffusion) -> None:
    latents, context = asked()
    found = read_class_tokens(toy, latents, 1, Conditions(context)).attention
    recording, _ = record_at(toy, latents, Conditions(context), 1, range(3))
    for maps, size in zip(found, ((8, 12), (4, 6)), strict=True):
        layers = [calls[0].astype(np.float32) for calls in recording.maps.values() if calls[0].shape[-2:] == size]
        assert len(layers) == 5  # two on the way down, three on the way up
        np.testing.assert_allclose(maps.detach().numpy(), np.mean(layers, 0), atol=1e-3)  # kept in half precision
        assert torch.allclose(maps.sum(1), torch.ones(2, *size), atol=1e-5)


def test_a_gradient_reaches_the_context_and_hooks_are_gone(toy: ToyDiffusion) -> None:
    latents, context = asked()
    for part in ("features", "attention"):
        context = context.detach().requires_grad_()
        read = read_class_tokens(toy, latents, 1, Conditions(context))
        values = read.features["unet.up_blocks.3.attentions.2"] if part == "features" else read.attention[0]
        values.square().sum().backward()
        assert context.grad is not None
        assert context.grad.abs().sum() > 0
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in toy.unet.modules())


def test_no_graph_is_kept_where_none_is_recorded(toy: ToyDiffusion) -> None:
    latents, context = asked()
    with torch.no_grad():
        read = read_class_tokens(toy, latents, 1, Conditions(context.requires_grad_()))
    assert not any(values.requires_grad for values in (*read.features.values(), *read.attention))
