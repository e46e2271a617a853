"""Published configurations without their weights: parts counted on the meta device against the published figures."""

import pytest
import torch

from inspector.models import catalog
from inspector.models.configurations import PUBLISHED, SDXL
from inspector.models.sampling import sampling_of
from inspector.models.written import build_part, count_parameters
from inspector.trace.recorders import cross_attention_layers

# Figures that the makers or diffusers' own documentation give of the networks, and that any loader counts.
NETWORKS = {
    "stable-diffusion-2.1": ("unet", 865_910_724),
    "lcm-dreamshaper": ("unet", 859_520_964 + 256 * 320),  # Stable Diffusion 1.5's and the guidance's projection
    "sdxl": ("unet", 2_567_463_684),
    "stable-diffusion-inpainting": ("unet", 859_535_364),
    "stable-diffusion-2-inpainting": ("unet", 865_925_124),
    "sdxl-inpainting": ("unet", 2_567_463_684 + 5 * 320 * 9),  # and five channels more
    "stable-diffusion-3.5-medium": ("transformer", 2_243_171_520),
    "pixart-alpha": ("transformer", 611_349_152),
    "pixart-sigma": ("transformer", 610_856_096),
    "flux2-klein": ("transformer", 3_875_544_576),
    "flux-dev": ("transformer", 11_901_408_320),
    "flux-schnell": ("transformer", 11_891_178_560),
}
JOINT_VAE = 83_819_683  # of 16 channels, without the two convolutions around the latents
TEXTS = {"flux2-klein": 4_022_468_096, "stable-diffusion-2.1": 340_387_840, "sdxl": 123_060_480 + 694_659_840}
VAE = 83_653_863
VAES = {"pixart-alpha": VAE, "pixart-sigma": VAE, "flux2-klein": 84_046_115}


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_have_the_published_counts_and_the_catalog_their_sum(name: str) -> None:
    counted, (part, expected) = count_parameters(PUBLISHED[name]), NETWORKS[name]
    assert counted[part] == expected
    assert counted["vae"] == VAES.get(name, VAE if part == "unet" else JOINT_VAE)
    if name in TEXTS:
        assert sum(count for text, count in counted.items() if text.startswith("text")) == TEXTS[name]
    assert catalog.spec(name, "diffusion").parameters == sum(counted.values())


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name in catalog.CATALOG])
def test_what_the_catalog_says_of_sampling_is_what_the_files_tell(name: str) -> None:
    configuration = PUBLISHED[name]
    network = configuration.parts.get("unet") or configuration.parts["transformer"]
    told = sampling_of(configuration.pipeline, configuration.scheduler, network, configuration.index)
    assert (catalog.spec(name).sampling or told) == told


def test_t5_and_the_larger_transformers_have_the_published_counts() -> None:
    with torch.device("meta"):
        t5 = build_part(PUBLISHED["flux-dev"], "text_encoder_2")
        counts = {
            name: sum(weight.numel() for weight in build_part(PUBLISHED[name], "transformer").parameters())
            for name in ("stable-diffusion-3-medium", "stable-diffusion-3.5-large")
        }
    assert sum(weight.numel() for weight in t5.parameters()) == 4_762_310_656
    assert counts == {"stable-diffusion-3-medium": 2_028_328_000, "stable-diffusion-3.5-large": 8_056_627_520}


def test_turbos_share_their_models_parts() -> None:
    for turbo, whole in (("sd-turbo", "stable-diffusion-2.1"), ("sdxl-turbo", "sdxl")):
        assert catalog.spec(turbo).parameters == catalog.spec(whole).parameters


def test_sdxls_keys_are_where_the_published_file_has_them() -> None:
    with torch.device("meta"):
        unet = build_part(SDXL, "unet")
    shapes = {name: tuple(value.shape) for name, value in unet.state_dict().items()}
    assert len(shapes) == 1680
    assert shapes["add_embedding.linear_1.weight"] == (1280, 2816)
    assert shapes["down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_k.weight"] == (1280, 2048)
    assert shapes["up_blocks.1.attentions.2.transformer_blocks.1.attn2.to_k.weight"] == (640, 2048)
    assert not any(name.startswith("down_blocks.0.attentions") for name in shapes)
    layers = cross_attention_layers(unet)
    assert len(layers) == 70
    assert len([name for name in layers if name.startswith("mid_block")]) == 10
