"""The attention pipeline on the embedded model, against diffusers' own pipeline on the same folder."""

import diffusers
import numpy as np
import pytest
import torch

from inspector.pipelines import attention
from inspector.results import ARMS, AttentionRequest
from inspector.settings import ASSETS

FOLDER = ASSETS / "models" / "scenes-diffusion"
PROMPT = "a horse on the grass"

pytestmark = pytest.mark.skipif(not (FOLDER / "model_index.json").is_file(), reason="no embedded weights yet")


def test_the_recorded_image_is_stable_diffusion_pipelines_own_to_the_bit() -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=4, seed=3, size=128))
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        FOLDER, dtype=torch.float32, use_safetensors=True, safety_checker=None, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config)
    drawn = pipeline(
        PROMPT,
        height=128,
        width=128,
        num_inference_steps=4,
        guidance_scale=7.5,
        generator=torch.Generator("cpu").manual_seed(3),
        output_type="np",
    ).images[0]
    assert np.array_equal(result.images[ARMS[0]], (drawn * 255).round().astype(np.uint8))


def test_real_tokens_and_every_arm() -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=2, size=128))
    assert [token.text for token in result.tokens[1:-1]] == PROMPT.split()
    assert result.token_indices("horse") == (2,)
    for arm in ARMS:
        sums = result.select(arm=arm, step=-1, layer=result.layers[0]).sum(0)
        assert (sums <= 1.01).all()
