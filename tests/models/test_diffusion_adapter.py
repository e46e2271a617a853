"""The diffusion adapter against diffusers' own pipeline, and its prompt spans by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from inspector.errors import ChoiceError, ImageError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.families import latent
from inspector.models.families.stable_diffusion import StableDiffusionAdapter
from inspector.models.loading import load_diffusion
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import DENOISERS


@pytest.fixture
def model(diffusion_folder: Path) -> StableDiffusionAdapter:
    adapter = load_diffusion(catalog.register_local(diffusion_folder))
    assert isinstance(adapter, StableDiffusionAdapter)
    return adapter


@pytest.fixture
def pipeline(diffusion_folder: Path) -> StableDiffusionPipeline:
    pipeline = StableDiffusionPipeline.from_pretrained(diffusion_folder, use_safetensors=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def words(read: TokenizedPrompt) -> list[str]:
    return [read.prompt[token.start : token.stop] for token in read.tokens[1:-1]]


def test_sizes_come_from_the_parts(model: StableDiffusionAdapter) -> None:
    assert (model.image_size, model.latent_factor, model.prompt_length, model.multiple) == (64, 8, 16, 64)


def test_spans_index_the_prompt_as_it_was_typed(model: StableDiffusionAdapter) -> None:
    read = model.tokenize("  The HORSE,\n on\tthe  grass ")
    assert "".join(words(read)) == "TheHORSE,onthegrass"
    horse = [token for token in read.tokens if token.text.lower() == "horse"]
    assert [(token.start, token.stop) for token in horse] == [(6, 11)]
    assert [token.index for token in read.tokens] == list(range(len(read.tokens)))
    assert read.tokens[0].start == read.tokens[0].stop
    assert read.tokens[-1].start == read.tokens[-1].stop
    assert read.truncated == ""


def test_every_token_of_a_word_of_many_bytes_has_a_span(model: StableDiffusionAdapter) -> None:
    prompt = "é 🙂 house"
    read = model.tokenize(prompt)
    assert all(token.stop > token.start for token in read.tokens[1:-1])
    assert set(words(read)) >= {"é", "🙂", "house"}


def test_ids_are_the_pipelines_own(model: StableDiffusionAdapter, pipeline: StableDiffusionPipeline) -> None:
    for prompt in ("a photo of the Horse", "", "car " * 30):
        expected = pipeline.tokenizer(prompt, padding="max_length", truncation=True, max_length=16)["input_ids"]
        assert list(model.tokenize(prompt).ids) == expected


def test_typed_control_tokens_are_not_control_tokens(model: StableDiffusionAdapter) -> None:
    read = model.tokenize("car <|endoftext|> horse <|STARTOFTEXT|>")
    assert words(read) == ["car", "horse"]
    assert read.ids == model.tokenize("car horse").ids
    assert read.prompt.startswith("car <|endoftext|>")


def test_what_did_not_fit_is_reported(model: StableDiffusionAdapter) -> None:
    read = model.tokenize("car " * 14 + "green horse")
    assert len(read.ids) == len(read.tokens) == 16
    assert read.truncated == "green horse"


def test_prompts_are_encoded_as_the_pipeline_does(
    model: StableDiffusionAdapter, pipeline: StableDiffusionPipeline
) -> None:
    expected, _ = pipeline.encode_prompt("a photo of the horse", "cpu", 1, False)
    assert torch.allclose(model.encode_prompts(["a photo of the horse", ""]).states[:1], expected, atol=1e-6)


def test_prompts_are_encoded_in_parts(model: StableDiffusionAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["horse", "a photo of the house", "car", "", "cars"]
    together = model.encode_prompts(words).states
    monkeypatch.setattr(latent, "TEXTS", 2)
    assert torch.allclose(model.encode_prompts(words).states, together, atol=1e-6)


def test_a_whole_run_equals_the_pipelines_image(
    model: StableDiffusionAdapter, pipeline: StableDiffusionPipeline
) -> None:
    start = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    expected = pipeline(
        "the car", num_inference_steps=3, guidance_scale=4.0, latents=start, output_type="np", height=64, width=64
    ).images
    scheduler = model.scheduler("ddim")
    scheduler.set_timesteps(3)
    states, latents = model.encode_prompts(["", "the car"]).states, start
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            without, with_text = model.unet(torch.cat([latents] * 2), timestep, states).sample.chunk(2)
            latents = scheduler.step(without + 4.0 * (with_text - without), timestep, latents).prev_sample
    assert np.array_equal(model.decode(latents), (expected * 255).round().astype(np.uint8))


def test_images_are_encoded_as_scaled_modes(model: StableDiffusionAdapter) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 128, 3), dtype=np.uint8)
    latents = model.encode_images(images)
    assert latents.shape == (2, 4, 8, 16)
    with torch.no_grad():
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
        mean = model.vae.encode(pixels).latent_dist.mean
    assert torch.allclose(latents, 0.5 * mean, atol=1e-6)  # the folder's scaling_factor is 0.5
    assert model.decode(latents).shape == images.shape
    assert torch.equal(latents, model.encode_images(images))


def test_sizes_the_unet_cannot_halve_are_refused(model: StableDiffusionAdapter) -> None:
    with pytest.raises(ImageError, match=r"100 x 64 pixels.*multiples of 64"):
        model.encode_images(np.zeros((1, 64, 100, 3), np.uint8))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
@pytest.mark.parametrize("name", DENOISERS)
def test_every_scheduler_keeps_the_models_betas(model: StableDiffusionAdapter, name: str) -> None:
    scheduler = model.scheduler(name)
    assert scheduler.config.beta_schedule == "scaled_linear"
    assert scheduler.betas[-1].item() == pytest.approx(0.012)
    assert scheduler is not model.scheduler(name)
    scheduler.set_timesteps(5)
    latents = torch.ones(1, 4, 8, 8)
    for timestep in scheduler.timesteps:
        latents = scheduler.step(torch.zeros_like(latents), timestep, latents).prev_sample
    assert torch.isfinite(latents).all()


def test_ddim_never_clips_whatever_the_folder_says(diffusion_folder: Path, tmp_path: Path) -> None:
    # Stable Diffusion 1.5's own file is PNDM's and says nothing of clipping, and DDIM's default is to clip.
    shutil.copytree(diffusion_folder, tmp_path / "pndm")
    file = tmp_path / "pndm" / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text())
    del config["clip_sample"]
    file.write_text(json.dumps({**config, "_class_name": "PNDMScheduler", "skip_prk_steps": True}))
    model = load_diffusion(catalog.register_local(tmp_path / "pndm"))
    assert model.scheduler("ddim").config.clip_sample is False
    assert model.scheduler("ddim").config.steps_offset == 1


def test_an_unknown_scheduler_lists_the_known(model: StableDiffusionAdapter) -> None:
    with pytest.raises(ChoiceError, match=r"no scheduler 'magic'; choose one of ddim, pndm, euler, dpm\+\+, euler-a\."):
        model.scheduler("magic")


def test_tokenizer_files_of_the_old_form_are_read(diffusion_folder: Path, tmp_path: Path) -> None:
    """Stable Diffusion's own folders hold vocab.json and merges.txt, and no tokenizer.json."""
    shutil.copytree(diffusion_folder, tmp_path / "old")
    tokenizer = tmp_path / "old" / "tokenizer"
    whole = json.loads((tokenizer / "tokenizer.json").read_text())["model"]
    (tokenizer / "vocab.json").write_text(json.dumps(whole["vocab"]))
    lines = [merge if isinstance(merge, str) else " ".join(merge) for merge in whole["merges"]]
    (tokenizer / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
    (tokenizer / "tokenizer.json").unlink()
    old = load_diffusion(catalog.register_local(tmp_path / "old"))
    new = load_diffusion(catalog.register_local(diffusion_folder))
    for prompt in ("a photo of the green horse, 3 cars", "Straße 🙂"):
        assert old.tokenize(prompt) == new.tokenize(prompt)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_part_has_the_one_dtype_asked_for(diffusion_folder: Path, dtype: torch.dtype) -> None:
    spec = catalog.spec(catalog.register_local(diffusion_folder))
    model = open_diffusion_folder(diffusion_folder, spec, torch.device("cpu"), dtype, "")
    assert {model.unet.dtype, model.vae.dtype, model.text_encoder.dtype, model.dtype} == {dtype}
    assert model.encode_prompts(["car"]).states.dtype == dtype
    latents = model.encode_images(np.zeros((1, 64, 64, 3), np.uint8))
    assert latents.dtype == dtype
    assert model.decode(latents).shape == (1, 64, 64, 3)


def test_other_pipelines_are_refused_by_name(diffusion_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(diffusion_folder, tmp_path / "xl")
    index = json.loads((tmp_path / "xl" / "model_index.json").read_text())
    (tmp_path / "xl" / "model_index.json").write_text(json.dumps({**index, "_class_name": "KandinskyPipeline"}))
    with pytest.raises(UnsupportedModelError, match="holds a KandinskyPipeline; only StableDiffusionPipeline"):
        load_diffusion(catalog.register_local(tmp_path / "xl"))
