"""The attention pipeline on the embedded model, against diffusers' own pipeline on the same folder."""

import diffusers
import numpy as np
import pytest
import torch

from inspector.pipelines import attention
from inspector.results import GENERATION, NOISE_ONCE, AttentionRequest, spelling
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
    assert np.array_equal(result.images[GENERATION], (drawn * 255).round().astype(np.uint8))


def test_real_tokens_and_every_arm() -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=2, size=128))
    assert [token.text for token in result.tokens[1:-1]] == PROMPT.split()
    assert result.token_indices("horse") == (2,)
    for arm in (GENERATION, NOISE_ONCE):
        sums = result.select(arm=arm, step=-1, layer=result.layers[0]).sum(0)
        assert (sums <= 1.01).all()


def test_each_occurrence_has_its_own_map_and_the_word_their_mean() -> None:
    result = attention.run(AttentionRequest("a sheep and another sheep", steps=1, size=128))
    first, second, both = (result.select(GENERATION, 0, "mean", word) for word in ("sheep#1", "sheep#2", "sheep"))
    assert result.token_indices("sheep") == result.token_indices("sheep#1") + result.token_indices("sheep#2")
    assert not np.allclose(first, second)
    assert np.allclose((first + second) / 2, both, atol=1e-6)


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("a 🐑 on grass", "🐑"),
        ("एक घोड़ा", "घोड़ा"),
        ("一匹白马", "马"),
        ("cafe\u0301 horse", "caf\u00e9"),
        ("the dog\u2019s", "dog's"),
        ("!!!", "!!!"),
    ],
)
def test_words_of_every_script_cover_their_tokens(prompt: str, word: str) -> None:
    result = attention.run(AttentionRequest(prompt, steps=1, size=128))
    covered = result.token_indices(word)
    assert covered
    (where,) = spelling.spans(prompt, word)
    for index in covered:
        token = result.tokens[index]
        assert where[0] <= token.start < token.stop <= where[1]
    others = [token for token in result.tokens if token.stop > token.start and token.index not in covered]
    assert not any(token.start < where[1] and token.stop > where[0] for token in others)
