"""Builders and writers: what training makes is what both libraries, and our loader, open."""

from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from diffusers import StableDiffusionPipeline
from open_clip.transformer import QuickGELU
from safetensors.torch import load_file

from inspector.models.clip import SCENES_CLIP, build_clip
from inspector.models.diffusion import (
    SCENES_AUTOENCODER,
    SCENES_UNET,
    build_autoencoder,
    build_scheduler,
    build_unet,
    convert_text_tower,
    save_diffusion,
)
from inspector.models.tokenizer import open_tokenizer

from .conftest import small_clip_config


def hidden_states(model: open_clip.CLIP, ids: torch.Tensor) -> torch.Tensor:
    """What open_clip's text tower computes before it pools and projects."""
    tokens = model.token_embedding(ids) + model.positional_embedding
    return model.ln_final(model.transformer(tokens, attn_mask=model.attn_mask))


@pytest.mark.parametrize("quick_gelu", [False, True])
def test_the_converted_text_tower_is_equal(quick_gelu: bool) -> None:
    torch.manual_seed(0)
    model = build_clip(small_clip_config(600, quick_gelu)).eval()
    for parameter in model.transformer.parameters():  # far from zero, where the two GELUs differ
        torch.nn.init.normal_(parameter, std=0.5)
    ids = torch.randint(0, 600, (3, 16))
    converted = convert_text_tower(model)
    with torch.no_grad():
        assert torch.allclose(converted(ids).last_hidden_state, hidden_states(model, ids), atol=1e-5)
    assert converted.config.eos_token_id == 599


def test_open_clip_itself_reads_the_folder(clip_folder: Path, tokenizer_folder: Path) -> None:
    name = f"local-dir:{clip_folder}"
    model = open_clip.create_model(name, require_pretrained=True)
    saved = load_file(clip_folder / "open_clip_model.safetensors")
    assert all(torch.equal(value, saved[key]) for key, value in model.state_dict().items())
    ids = open_clip.get_tokenizer(name)(["a photo of the car"])
    expected = open_tokenizer(tokenizer_folder)(["a photo of the car"])
    end = int(expected.argmax()) + 1
    assert torch.equal(ids[:, :end], expected[:, :end])


def test_quick_gelu_is_written_and_read(make_clip: Callable[..., Path]) -> None:
    for quick in (False, True):
        model = open_clip.create_model(f"local-dir:{make_clip(quick_gelu=quick)}", require_pretrained=True)
        assert isinstance(model.visual.transformer.resblocks[0].mlp.gelu, QuickGELU) == quick


def test_diffusers_itself_reads_the_folder_and_draws(diffusion_folder: Path) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(diffusion_folder, use_safetensors=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a photo of the car", num_inference_steps=1, height=64, width=64, output_type="np").images
    assert image.shape == (1, 64, 64, 3)
    assert pipeline.safety_checker is None


def test_the_scenes_folder_is_halved_and_sharded_under_ten_megabytes(tokenizer_folder: Path, tmp_path: Path) -> None:
    config = {**SCENES_CLIP, "text_cfg": {**SCENES_CLIP["text_cfg"]}}
    config["text_cfg"]["vocab_size"] = open_tokenizer(tokenizer_folder).vocab_size
    unet = build_unet()
    save_diffusion(tmp_path, unet, build_autoencoder(), build_clip(config), tokenizer_folder)
    assert unet.dtype == torch.float32  # the trained model itself is left alone
    weights = list(tmp_path.rglob("*.safetensors"))
    assert max(file.stat().st_size for file in weights) < 10_000_000
    assert {value.dtype for file in weights for value in load_file(file).values()} == {torch.float16}


def test_the_autoencoder_has_four_levels_and_factor_eight() -> None:
    vae = build_autoencoder(SCENES_AUTOENCODER)
    with torch.no_grad():
        latents = vae.encode(torch.zeros(1, 3, 64, 32)).latent_dist.mode()
    assert latents.shape == (1, 4, 8, 4)
    assert len(vae.encoder.down_blocks) == 4


def test_the_unet_reads_what_the_text_tower_writes() -> None:
    assert SCENES_UNET["cross_attention_dim"] == SCENES_CLIP["text_cfg"]["width"]


def test_the_scheduler_has_stable_diffusions_betas() -> None:
    scheduler = build_scheduler()
    betas = scheduler.betas
    assert len(betas) == 1000
    assert betas[0].item() == pytest.approx(0.00085)
    assert betas[-1].item() == pytest.approx(0.012)
    assert betas[500].item() ** 0.5 == pytest.approx(0.00085**0.5 + (0.012**0.5 - 0.00085**0.5) * 500 / 999)
    assert not scheduler.config.clip_sample
