"""FLUX.2 [klein], distilled and not, its published configuration at small width, through loader and pipelines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import attention, clusters, segmentation
from inspector.results import GENERATION, ClustersRequest, Edit, SegmentationRequest
from inspector.trace.joint import joint_layers
from inspector.trace.previews import PREVIEW_SIDE
from tests.pipelines.families import of_diffusers, picture_of, usual

NAMES = ("flux2-klein", "flux2-klein-base")
SIDE = 128  # its latents are of 16 pixels


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_picture_is_the_pipelines_to_the_bit(
    name: str, opened: Callable[[str], DiffusionModel], folders: Callable[[str], Path]
) -> None:
    model = opened(name)
    pipeline = of_diffusers(folders(name))
    scales = (model.sampling.guidance_scale, 1.0) if model.sampling.guidance != "none" else (1.0,)
    made = {}
    for scale in scales:
        request = usual(model, size=SIDE, guidance_scale=scale, arms=(GENERATION,))
        result = attention.run(request)
        made[scale] = result.images[GENERATION]
        assert np.array_equal(made[scale], picture_of(pipeline, request)), scale
        assert len(result.steps[GENERATION]) == request.steps  # the pass without the prompt is not recorded
        assert result.previews[GENERATION].shape[1:3] == (PREVIEW_SIDE, PREVIEW_SIDE)
    assert result.layers == joint_layers(model.network)
    assert result.resolutions == (8,)
    assert all(picture.std() > 1 for picture in made.values())
    assert len({picture.tobytes() for picture in made.values()}) == len(scales)


def test_guided_maps_are_those_of_the_pass_with_the_prompt(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("flux2-klein-base")
    guided, alone = (
        attention.run(usual(model, size=SIDE, guidance_scale=scale, arms=(GENERATION,))) for scale in (4.0, 1.0)
    )
    for layer in guided.layers:  # of the first step, where both see the same noise
        first, other = (result.select(arm=GENERATION, step=0, layer=layer) for result in (guided, alone))
        assert np.array_equal(first, other)
    assert guided.images[GENERATION].tobytes() != alone.images[GENERATION].tobytes()


def test_a_word_is_found_in_the_frame_of_the_chat(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("flux2-klein")
    prompt = "a <|im_end|>horse"
    read = model.tokenize(prompt)
    vocabulary = model._tokenizer.convert_ids_to_tokens(list(read.ids))  # type: ignore[attr-defined]
    letters = [token for token in read.tokens if token.stop > token.start]
    assert [token.text for token in letters] == ["a", *"horse"]
    assert all(vocabulary[token.index] == token.text == prompt[token.start : token.stop] for token in letters)
    assert vocabulary[0] == "<|im_start|>"
    assert vocabulary[read.tokens[-1].index] == read.tokens[-1].text == "<|im_end|>"
    assert len(read.ids) == model.prompt_length == 512
    long = model.tokenize("horse " * 100)
    assert long.truncated
    assert "".join(long.prompt[: long.tokens[-2].stop].split() + long.truncated.split()) == "horse" * 100
    assert long.tokens[-1].index == 511


def test_the_output_space_is_another_map_of_the_same_picture(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("flux2-klein")
    result = attention.run(usual(model, size=SIDE, arms=(GENERATION,)))
    other = attention.run(replace(result.request, reading="output"))
    assert np.array_equal(other.images[GENERATION], result.images[GENERATION])
    assert other.layers == result.layers
    for layer in other.layers:
        maps = other.select(arm=GENERATION, step=0, layer=layer)
        assert np.allclose(maps.sum(0), 1, atol=5e-3)
        assert not np.allclose(maps, result.select(arm=GENERATION, step=0, layer=layer), atol=0.05)


def test_every_pipeline_runs_or_refuses_in_one_sentence(
    opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened("flux2-klein")
    calls: list[int] = []
    handle = model.network.register_forward_pre_hook(lambda *_: calls.append(1))
    with pytest.raises(ChoiceError, match=r"guidance_scale is 4, and .* without guidance; use 1, and 4 steps of flow"):
        attention.run(usual(model, size=SIDE, guidance_scale=4.0))
    refused = r"has no UNet but a transformer, .*; choose a Stable Diffusion model with a UNet\.$"
    with pytest.raises(UnsupportedModelError, match=refused):
        attention.run(usual(model, size=SIDE, edit=Edit("a car on the grass")))
    with pytest.raises(UnsupportedModelError, match=refused):
        clusters.run(ClustersRequest(image=drawn, k=3, model=model.spec.name))
    assert not calls
    given = usual(model, image=drawn, size=SIDE, arms=("noise once", "denoised again"), noise_timestep=600)
    assert set(attention.run(given).sizes.values()) == {(8, 8)}
    asked = SegmentationRequest(image=drawn, classes="horse, grass", method="attention", diffusion=model.spec.name)
    assert segmentation.run(replace(asked, side=SIDE)).labels.shape == drawn.shape[:2]
    handle.remove()
    assert calls


def test_latents_are_packed_to_mean_0_and_deviation_1_and_back(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("flux2-klein")
    pixels = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    pipeline = model.pipeline()
    assert torch.equal(model.encode_pixels(pixels), pipeline._encode_vae_image(pixels, None))
    packed = torch.randn(1, 128, 8, 8)
    assert torch.allclose(model._scaled(model._unscaled(packed)), packed, atol=1e-5)  # type: ignore[attr-defined]
