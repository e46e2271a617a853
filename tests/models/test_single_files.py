"""Single files of Stable Diffusion: the same weights as the pipeline's folder that they were saved from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from inspector.cli import main
from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.checksums import file_fingerprint
from inspector.models.configuration_parts import CLIP_L, SD15_UNET, SD15_VAE
from inspector.models.configurations import SD21, SDXL
from inspector.models.files import pipeline_variant, read_json
from inspector.models.loading import load_diffusion
from inspector.models.opening import open_part
from inspector.models.single_files import OPEN_CLIP, XL_FIRST, XL_SECOND, family_of
from inspector.models.single_opening import as_folder
from tests.models.single import open_clip_names, openai_names, unet_names, vae_names

WIDTH = 32  # of text encoders
Make = Callable[..., Path]


def text_encoder(kind: Any, activation: str, width: int = WIDTH) -> Any:
    sizes = {"hidden_size": width, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 1}
    return kind(CLIPTextConfig(**{**CLIP_L, **sizes, "projection_dim": width, "hidden_act": activation}))


def unet_of(published: Any, widths: tuple[int, ...], **more: Any) -> UNet2DConditionModel:
    heads = {"attention_head_dim": 1} if isinstance(published["attention_head_dim"], tuple) else {}
    return UNet2DConditionModel(
        **{**published, "block_out_channels": widths, "cross_attention_dim": WIDTH, **heads, **more}
    )


@pytest.fixture(scope="module")
def parts() -> dict[str, dict[str, Any]]:
    """Family -> its parts at small width with random weights."""
    torch.manual_seed(0)
    vae = AutoencoderKL(**{**SD15_VAE, "block_out_channels": (32,) * 4})
    widths, size = (32, 64, 64, 64), {"projection_class_embeddings_input_dim": 6 * 256 + 64}
    first, second = text_encoder(CLIPTextModel, "quick_gelu"), text_encoder(CLIPTextModelWithProjection, "gelu", 64)
    return {
        "sd1": {"unet": unet_of(SD15_UNET, widths), "vae": vae, "text_encoder": first},
        "sd2": {
            "unet": unet_of(SD21.parts["unet"], widths),
            "vae": vae,
            "text_encoder": text_encoder(CLIPTextModel, "gelu"),
        },
        "xl": {
            "unet": unet_of(SDXL.parts["unet"], (32, 64, 64), **size),
            "vae": vae,
            "text_encoder": first,
            "text_encoder_2": second,
        },
    }


@pytest.fixture
def make(parts: dict[str, dict[str, Any]], tmp_path: Path) -> Make:
    """Writes a single file: make("sd2", "a name.safetensors", without="first_stage_model", more={...})."""

    def made(family: str, name: str = "a model ü.safetensors", without: str = "-", more: Any = None) -> Path:
        own = parts[family]
        state = {**unet_names(own["unet"]), **vae_names(own["vae"]), **(more or {})}
        if family == "sd1":
            state |= openai_names(own["text_encoder"])
        elif family == "sd2":
            state |= open_clip_names(own["text_encoder"], OPEN_CLIP)
        else:
            state |= openai_names(own["text_encoder"], XL_FIRST)
            state |= open_clip_names(own["text_encoder_2"], XL_SECOND)
        kept = {name: value.contiguous() for name, value in state.items() if without not in name}
        save_file({name: value.clone() for name, value in kept.items()}, tmp_path / name)
        return tmp_path / name

    return made


@pytest.mark.parametrize("family", ["sd1", "sd2", "xl"])
def test_every_part_has_the_weights_it_was_saved_with(parts: Any, make: Make, family: str) -> None:
    file = make(family)
    with as_folder(file) as folder:
        for part, saved in parts[family].items():
            opened = open_part(type(saved), folder / part, torch.float32)
            own, expected = opened.state_dict(), saved.state_dict()
            assert own.keys() == expected.keys()
            assert all(torch.equal(value, expected[name]) for name, value in own.items())
        if family == "sd2":
            assert read_json(folder / "tokenizer" / "tokenizer_config.json")["pad_token"] == "!"
        assert pipeline_variant(folder) == ""
    assert not folder.exists()


def test_a_single_file_answers_as_its_parts_do(parts: Any, make: Make) -> None:
    file, own = make("sd1"), parts["sd1"]
    name = catalog.choose(str(file), "diffusion")
    spec = catalog.spec(name)
    assert name == "local:a model ü.safetensors"
    model = load_diffusion(name)
    assert model.revision == file_fingerprint(file)
    assert (model.image_size, model.prompt_length) == (512, 77)
    assert spec.parameters == pytest.approx(model.parameters, rel=1e-3)
    states = model.encode_prompts(["a photo of an astronaut"]).states
    ids = torch.tensor([model.tokenize("a photo of an astronaut").ids])
    assert ids[0, :3].tolist() == [49406, 320, 1125]  # CLIP's own numbers of "a" and "photo"
    with torch.no_grad():
        torch.testing.assert_close(states, own["text_encoder"](ids).last_hidden_state, rtol=0, atol=1e-5)
        latents = torch.randn(1, 4, 8, 8)
        expected = own["unet"](latents, 500, states).sample
        torch.testing.assert_close(model.unet(latents, 500, states).sample, expected, rtol=0, atol=1e-5)
    assert np.isfinite(model.decode(latents)).all()
    assert model.scheduler("ddim").config.prediction_type == "epsilon"


@pytest.mark.parametrize(
    ("name", "predicts", "side"),
    [
        ("v2-1_768-ema-pruned.safetensors", "v_prediction", 768),
        ("512-base-ema.safetensors", "epsilon", 512),
        ("sd_turbo.safetensors", "epsilon", 512),
    ],
)
def test_what_a_file_of_2_predicts_is_told_by_its_name(make: Make, name: str, predicts: str, side: int) -> None:
    model = load_diffusion(catalog.choose(str(make("sd2", name)), "diffusion"))
    assert model.scheduler("ddim").config.prediction_type == predicts
    assert model.image_size == side
    assert (model.scheduler("ddim").config.timestep_spacing == "trailing") == ("turbo" in name)


def test_averaged_weights_beside_are_not_counted(make: Make) -> None:
    alone = catalog.spec(catalog.register_local(make("sd1"))).parameters
    more = {"model_ema.diffusion_modelinput_blocks00weight": torch.zeros(1000)}
    assert catalog.spec(catalog.register_local(make("sd1", "ema.safetensors", more=more))).parameters == alone


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("first_stage_model.", "holds no autoencoder"),
        ("cond_stage_model.", "holds a UNet without a text encoder"),
        ("middle_block.1.transformer_blocks.0.attn2.to_q", "lacks the weights mid_block.*attn2.to_q.weight"),
        ("encoder.layers.1.mlp.fc1.bias", "lacks the weights .*layers.1.mlp.fc1.bias"),
        ("decoder.conv_out", "lacks the weights .*decoder.conv_out.bias"),
        ("input_blocks.4.0.out_layers.3", "lacks weights of Stable Diffusion 1.x"),
    ],
)
def test_what_a_file_lacks_is_named(make: Make, without: str, said: str) -> None:
    with pytest.raises(ModelFilesError, match=said) as caught:
        load_diffusion(catalog.choose(str(make("sd1", without=without)), "diffusion"))
    assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_short_is_named(make: Make) -> None:
    file = make("sd1")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelFilesError, match=r"a model ü.safetensors is damaged or incomplete"):
        catalog.choose(str(file), "diffusion")


def test_weights_of_other_shapes_do_not_fit(make: Make) -> None:
    file = make("sd1")
    state = load_file(file)
    state["first_stage_model.decoder.conv_out.weight"] = torch.zeros(3, 5, 3, 3)
    save_file(state, file)
    with pytest.raises(ModelFilesError, match=r"does not fit its family's configuration"):
        load_diffusion(catalog.choose(str(file), "diffusion"))


def widened(make: Make, family: str, channels: int) -> Path:
    """A file whose UNet takes so many channels."""
    first = "model.diffusion_model.input_blocks.0.0.weight"
    file = make(family, "inpainting.safetensors")
    state = load_file(file)
    save_file({**state, first: torch.zeros(state[first].shape[0], channels, 3, 3)}, file)
    return file


@pytest.mark.parametrize("family", ["sd1", "sd2", "xl"])
def test_an_inpainting_model_opens(make: Make, family: str) -> None:
    model = load_diffusion(catalog.choose(str(widened(make, family, 9)), "diffusion"))
    assert model.scheduler("ddim").config.prediction_type == "epsilon"
    assert model.sampling.guidance_scale == (8.0 if family == "xl" else 7.5)
    latents = torch.randn(1, 4, 8, 8)
    assert model.shown(model.encode_prompts([""]), latents).beside.shape == (1, 5, 8, 8)
    if family != "xl":  # the parts of this small one do not fit each other
        assert model.predict(latents, 300, model.encode_prompts([""])).shape == latents.shape


def test_a_model_that_edits_by_instruction_is_refused(make: Make) -> None:
    with pytest.raises(UnsupportedModelError, match="conditioned on more than a text"):
        load_diffusion(catalog.choose(str(widened(make, "sd1", 8)), "diffusion"))


@pytest.mark.slow
def test_the_command_line_takes_a_single_file(make: Make, tmp_path: Path) -> None:
    asked = ["attention", "--prompt", "a horse", "--steps", "1", "--size", "64", "--json", str(tmp_path / "told.json")]
    assert main([*asked, "--diffusion", str(make("sd1"))]) == 0


def test_a_file_of_xl_opens(make: Make) -> None:
    model = load_diffusion(catalog.choose(str(make("xl")), "diffusion"))
    assert model.image_size == 1024
    assert model.encode_prompts(["a horse"]).states.shape == (1, 77, WIDTH + 64)


def test_the_family_is_told_by_the_header(make: Make) -> None:
    assert family_of(make("xl")).title == "Stable Diffusion XL"
    assert family_of(make("sd2")).title == "Stable Diffusion 2.x"
