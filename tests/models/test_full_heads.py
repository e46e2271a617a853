"""The full-size heads: how large they are, and that they compute what the published weights do.

The references of `published.py` know no module of this project and none of transformers'.
"""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers.models.mask2former.modeling_mask2former import Mask2FormerPixelDecoder, Mask2FormerTransformerModule

from inspector.models.configuration_parts import SD15_UNET, SD15_VAE
from inspector.models.heads.full_odise import FullOdise, OdiseSizes, pixel_config
from inspector.models.heads.full_san import PUBLISHED_SAN, FullSan
from inspector.models.imported import turn
from inspector.trace.taps import autoencoder_taps, tap_shapes, unet_taps
from tests.models import published
from tests.models.published import SMALL_ODISE, SMALL_SAN


def count(module: nn.Module) -> int:
    """All that is trained: every parameter, since what is frozen is no part of the module."""
    return sum(parameter.numel() for parameter in module.parameters())


def test_odise_has_as_many_parameters_as_published() -> None:
    """28.1 M trainable (README of NVlabs/ODISE): projections, Mask2Former, captioner and text classifier."""
    with torch.device("meta"):
        head = FullOdise()
    assert all(parameter.is_meta for parameter in head.parameters())
    parts = {name: count(part) for name, part in head.named_children()}
    assert parts == {
        "projections": 5_873_664,
        "pixel_decoder": 5_577_152,
        "decoder": 14_722_816,
        "classifier": 197_633,  # with the scale of the cosines, which the checkpoint keeps in the decoder
        "captioner": 1_695_744,
    }
    assert round(count(head) / 1e6, 2) == 28.07


def test_san_has_as_many_parameters_as_published() -> None:
    """8.4 M trainable (Xu et al., CVPR 2023, table 2): side network, background, and the positions of its CLIP."""
    with torch.device("meta"):
        head, large = FullSan(), FullSan(PUBLISHED_SAN[1024])
    assert (count(head.side), head.background.numel(), head.positions.numel()) == (8_219_058, 512, 197 * 768)
    assert round(count(head) / 1e6, 2) == 8.37
    assert large.positions.shape == (1 + (336 // 14) ** 2, 1024)


@pytest.fixture(scope="module")
def odise() -> tuple[dict[str, torch.Tensor], FullOdise]:
    state = published.checkpoint("odise", SMALL_ODISE)
    head = FullOdise(SMALL_ODISE)
    head.load_state_dict(turn("odise", state, SMALL_ODISE).state)
    return state, head.eval().requires_grad_(False)


def taps(sizes: OdiseSizes, shape: tuple[int, int], pictures: int = 2) -> dict[str, torch.Tensor]:
    """Random features of pictures of `shape` pixels."""
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(pictures, channels, shape[0] // stride, shape[1] // stride, generator=generator)
        for name, (channels, stride) in sizes.taps.items()
    }


def largest(a: torch.Tensor, b: torch.Tensor) -> float:
    """The largest difference as a share of the largest value."""
    assert a.shape == b.shape
    return float((a - b).abs().max() / b.abs().max())


def test_the_pyramid_is_resized_first_then_projected_and_summed(odise: Any) -> None:
    state, head = odise
    features, size = taps(SMALL_ODISE, (64, 128)), (64, 128)
    levels = head.pyramid(features, size)
    assert [tuple(level.shape[-2:]) for level in levels] == [(16, 32), (8, 16), (4, 8), (2, 4)]
    values = list(features.values())
    coarse = nn.functional.interpolate(values[2], size=(2, 4), mode="nearest")  # stride 64 is read at 32
    expected = published.projected(state, 2, coarse) + published.projected(state, 3, values[3])
    assert largest(levels[3], expected) < 1e-5
    assert (
        largest(levels[0], published.projected(state, 0, values[0]) + published.projected(state, 7, values[7])) < 1e-5
    )


def test_masks_and_logits_are_those_of_the_published_weights(odise: Any) -> None:
    state, head = odise
    levels = head.pyramid(taps(SMALL_ODISE, (64, 128)), (64, 128))
    text = torch.randn(3, SMALL_ODISE.clip_embed, generator=torch.Generator().manual_seed(5))
    proposals = head.decode(levels)
    maps = published.pixel_decoder(state, levels, SMALL_ODISE.deformable, SMALL_ODISE.heads)
    masks, queries = published.mask_decoder(state, maps, SMALL_ODISE.layers, SMALL_ODISE.heads)
    assert len(proposals.masks) == SMALL_ODISE.layers + 1
    assert largest(proposals.masks[-1], masks) < 1e-5
    logits = published.odise_logits(state, masks, queries, maps[0], text)
    assert largest(head.classifier(proposals.embeddings[-1], text), logits) < 1e-5


def test_it_is_transformers_own_decoder_to_the_bit(odise: Any) -> None:
    """The same weights in transformers' modules, put together as its own model puts them."""
    _, head = odise
    levels = head.pyramid(taps(SMALL_ODISE, (64, 64)), (64, 64))
    config = pixel_config(SMALL_ODISE)
    config.num_queries, config.decoder_layers = SMALL_ODISE.queries, SMALL_ODISE.layers + 1
    config.dim_feedforward = SMALL_ODISE.feedforward
    pixels = Mask2FormerPixelDecoder(config, [SMALL_ODISE.projected] * 4)
    decoder = Mask2FormerTransformerModule(SMALL_ODISE.width, config)
    pixels.load_state_dict(head.pixel_decoder.state_dict())
    decoder.load_state_dict(head.decoder.transformer.state_dict())
    decoder.requires_grad_(False)  # as ours; torch multiplies otherwise, by 3e-6, where a weight might want a gradient
    with torch.no_grad():
        out = pixels.eval()(levels, output_hidden_states=False, return_dict=True)
        masks = decoder.eval()(list(out.multi_scale_features), out.mask_features).masks_queries_logits
        ours = head.decode(levels).masks
    assert float((masks[-1] - ours[-1]).abs().max()) == 0.0


def test_sans_masks_and_biases_are_those_of_the_published_weights() -> None:
    state = published.checkpoint("san", SMALL_SAN)
    head = FullSan(SMALL_SAN)
    head.load_state_dict(turn("san", state, SMALL_SAN).state)
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randn(2, 3, 64, 64, generator=generator)
    tokens = [torch.randn(2, 1 + 4, SMALL_SAN.clip_width, generator=generator) for _ in range(4)]
    with torch.no_grad():
        masks, biases = head.eval()(pixels, tokens, (2, 2))
    patches = [tokens[layer][:, 1:] for layer in SMALL_SAN.fused]
    expected = published.side_network(state, SMALL_SAN, pixels, patches, (2, 2))
    assert masks.shape == (2, SMALL_SAN.queries, 4, 4)
    assert largest(masks, expected[0]) < 1e-5
    assert biases.shape == (2, SMALL_SAN.clip_heads, SMALL_SAN.queries, 4)
    assert largest(biases, expected[1]) < 1e-5


def test_the_published_taps_are_stable_diffusions_own() -> None:
    """Their names and channels on Stable Diffusion 1.5's configuration."""
    with torch.device("meta"):
        model: Any = SimpleNamespace(
            unet=UNet2DConditionModel(**SD15_UNET), vae=AutoencoderKL(**SD15_VAE), latent_factor=8
        )
    found = tap_shapes((*autoencoder_taps(model), *unet_taps(model)))
    assert dict(found) == dict(OdiseSizes().taps)
