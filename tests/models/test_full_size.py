"""The full-size models without their weights: published configurations built on the meta device."""

import open_clip
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from inspector.errors import UnsupportedModelError
from inspector.models import catalog
from inspector.models.clip_adapter import OpenClipAdapter, refuse_unsupported
from inspector.models.configuration_parts import CLIP_L, SD15_UNET, SD15_VAE
from inspector.models.diffusion import SCENES_UNET, build_autoencoder, build_unet
from inspector.models.families.stable_diffusion import StableDiffusionAdapter
from inspector.models.heads.full_odise import FullOdise
from inspector.models.heads.full_san import PUBLISHED_SAN, FullSan
from inspector.pipelines import full_heads, full_san


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    with torch.device("meta"):
        return UNet2DConditionModel(**SD15_UNET)


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    with torch.device("meta"):
        return AutoencoderKL(**SD15_VAE)


@pytest.fixture(scope="module")
def text() -> CLIPTextModel:
    with torch.device("meta"):
        return CLIPTextModel(CLIPTextConfig(**CLIP_L))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_unet_is_stable_diffusions(unet: UNet2DConditionModel) -> None:
    shapes = {name: tuple(value.shape) for name, value in unet.state_dict().items()}
    assert len(shapes) == 686
    assert parameters(unet) == 859_520_964
    assert shapes["conv_in.weight"] == (320, 4, 3, 3)
    assert shapes["down_blocks.2.attentions.1.proj_in.weight"] == (1280, 1280, 1, 1)
    assert shapes["up_blocks.1.resnets.2.conv_shortcut.weight"] == (1280, 1920, 1, 1)
    assert shapes["mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight"] == (10240, 1280)


def test_its_sixteen_cross_attentions_are_where_the_published_file_has_them(unet: UNet2DConditionModel) -> None:
    expected = {}
    for level, width in enumerate((320, 640, 1280)):
        for block in range(2):
            expected[f"down_blocks.{level}.attentions.{block}"] = width
    for level, width in ((1, 1280), (2, 640), (3, 320)):
        for block in range(3):
            expected[f"up_blocks.{level}.attentions.{block}"] = width
    expected["mid_block.attentions.0"] = 1280
    found = {
        name.partition(".transformer_blocks.0.attn2.")[0]: tuple(value.shape)
        for name, value in unet.state_dict().items()
        if name.endswith("attn2.to_k.weight")
    }
    assert found == {name: (width, 768) for name, width in expected.items()}


def test_the_autoencoder_is_stable_diffusions(vae: AutoencoderKL) -> None:
    shapes = {name: tuple(value.shape) for name, value in vae.state_dict().items()}
    assert len(shapes) == 248
    assert parameters(vae) == 83_653_863
    assert shapes["encoder.down_blocks.3.resnets.1.conv2.weight"] == (512, 512, 3, 3)
    assert shapes["quant_conv.weight"] == (8, 8, 1, 1)
    assert shapes["decoder.conv_out.weight"] == (3, 128, 3, 3)


def test_the_text_encoder_is_stable_diffusions(text: CLIPTextModel) -> None:
    shapes = {name.removeprefix("text_model."): tuple(value.shape) for name, value in text.state_dict().items()}
    assert len(shapes) == 196
    assert parameters(text) == 123_060_480
    assert shapes["embeddings.token_embedding.weight"] == (49408, 768)
    assert shapes["encoder.layers.11.mlp.fc1.weight"] == (3072, 768)


def test_the_catalog_counts_all_three_parts(
    unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel
) -> None:
    total = parameters(unet) + parameters(vae) + parameters(text)
    assert catalog.spec("stable-diffusion-1.5").parameters == total
    assert catalog.spec("stable-diffusion-1.4").parameters == total
    assert catalog.spec("stable-diffusion-1.5").memory_gb(2) == pytest.approx(2 * total / 1e9 + 2)


def test_the_adapter_takes_the_full_size_parts(
    unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel
) -> None:
    adapter = StableDiffusionAdapter(catalog.spec("stable-diffusion-1.5"), unet, vae, text, None, {}, "")
    assert (adapter.image_size, adapter.latent_factor, adapter.prompt_length, adapter.multiple) == (512, 8, 77, 64)


def test_the_scenes_models_have_the_published_names(unet: UNet2DConditionModel, vae: AutoencoderKL) -> None:
    small = build_unet(SCENES_UNET)
    assert list(small.state_dict()) == list(unet.state_dict())
    assert [type(module) for module in small.modules()] == [type(module) for module in unet.modules()]
    assert list(build_autoencoder().state_dict()) == list(vae.state_dict())


@pytest.mark.parametrize("name", ["openai-vit-b-16", "laion-vit-b-16"])
def test_vit_b_16_is_the_published_one(name: str) -> None:
    spec = catalog.spec(name)
    config = open_clip.get_model_config(spec.architecture)
    assert config.get("quick_gelu", False) == (name == "openai-vit-b-16")
    with torch.device("meta"):
        model = open_clip.CLIP(**config)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert len(shapes) == 302
    assert parameters(model) == spec.parameters == 149_620_737
    assert shapes["visual.positional_embedding"] == (197, 768)
    assert shapes["visual.transformer.resblocks.11.attn.in_proj_weight"] == (2304, 768)
    assert shapes["visual.proj"] == (768, 512)
    assert shapes["token_embedding.weight"] == (49408, 512)


def test_vit_l_14_is_the_published_one_and_the_one_of_odise_and_the_larger_san() -> None:
    spec = catalog.spec("openai-vit-l-14-336")
    with torch.device("meta"):
        model = open_clip.CLIP(**open_clip.get_model_config(spec.architecture))
        odise, san = FullOdise(), FullSan(PUBLISHED_SAN[1024])
    assert parameters(model) == spec.parameters == 427_944_193
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert len(shapes) == 446
    assert shapes["visual.positional_embedding"] == (577, 1024)
    assert shapes["visual.transformer.resblocks.23.attn.in_proj_weight"] == (3072, 1024)
    model.logit_scale = nn.Parameter(torch.tensor(4.6052))
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    adapter = OpenClipAdapter(spec, model, None, statistics, "")
    assert (adapter.patch_size, adapter.image_size, adapter.heads, adapter.embed) == (14, 336, 16, 768)
    full_san.check_fits(san, adapter)
    layers = adapter.layers(torch.empty(1, 3, 448, 448, device="meta"), san.positions)
    masks, biases = san(torch.empty(1, 3, 640, 640, device="meta"), layers.tokens, layers.grid)
    assert (masks.shape, biases.shape) == ((1, 100, 40, 40), (1, 16, 100, 32 * 32))
    assert adapter.steered(layers.tokens[18], 18, biases, sees_class=False).shape == (1, 100, 768)
    assert odise.sizes.clip_embed == adapter.embed
    with pytest.raises(UnsupportedModelError, match="openai-vit-l-14-336 has embeddings of width 768, 16 heads"):
        full_san.check_fits(FullSan(), adapter)


def test_stable_diffusion_is_the_one_of_odise(
    unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel
) -> None:
    diffusion = StableDiffusionAdapter(catalog.spec("stable-diffusion-1.5"), unet, vae, text, None, {}, "")
    with torch.device("meta"):
        clip = open_clip.CLIP(**open_clip.get_model_config("ViT-L-14-336-quickgelu"))
        head = FullOdise()
    clip.logit_scale = nn.Parameter(torch.tensor(4.6052))
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    adapter = OpenClipAdapter(catalog.spec("openai-vit-l-14-336"), clip, None, statistics, "")
    full_heads.check_fits(head, adapter, diffusion)


def test_the_adapter_reads_vit_b_16() -> None:
    """The adapter's own numbers at full width; only the logit scale needs a value."""
    with torch.device("meta"):
        model = open_clip.CLIP(**open_clip.get_model_config("ViT-B-16"))
    model.logit_scale = nn.Parameter(torch.tensor(4.6052))
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    adapter = OpenClipAdapter(catalog.spec("laion-vit-b-16"), model, None, statistics, "")
    assert (adapter.patch_size, adapter.image_size, adapter.heads) == (16, 224, 12)
    assert adapter.logit_scale == pytest.approx(100, abs=0.01)
    trunk = adapter.trunk(torch.empty(1, 3, 320, 448, device="meta"))
    assert (trunk.grid, tuple(trunk.tokens.shape)) == ((20, 28), (1, 561, 768))
    output = adapter.last_block(trunk.tokens)
    assert adapter.head(output, trunk, "mean").shape == (1, 512)
    assert adapter.dense(output, trunk).shape == (1, 560, 512)


def test_open_clips_plain_vision_transformers_are_read_and_the_others_refused_by_name() -> None:
    spec = catalog.spec("openai-vit-b-16")
    for name in ("ViT-B-32", "ViT-L-14-quickgelu", "ViT-H-14", "ViT-L-14-CLIPA"):
        refuse_unsupported(spec, open_clip.get_model_config(name))
    refused = {
        "RN50": "ResNet",
        "coca_ViT-B-32": "CoCa.* and attention pooling",
        "ViT-B-16-SigLIP": "timm image tower.*sigmoid",
        "EVA02-B-16": "timm image tower",
        "roberta-ViT-B-32": "Hugging Face text tower",
    }
    for name, reason in refused.items():
        with pytest.raises(UnsupportedModelError, match=reason):
            refuse_unsupported(spec, open_clip.get_model_config(name))
