"""Stable Diffusion 3, 3.5 and FLUX.1, their published configurations at small width, through loader and pipelines."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.loading import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import attention, clusters, segmentation
from inspector.results import (
    GENERATION,
    INVERSION,
    AttentionRequest,
    AttentionResult,
    ClustersRequest,
    Edit,
    SegmentationRequest,
)
from inspector.trace.joint import joint_layers
from inspector.views import attention as views
from inspector.views.attention_atlas import of_attention
from tests.pipelines.families import PROMPT, SIDE, of_diffusers, picture_of, usual

NAMES = ("stable-diffusion-3-medium", "stable-diffusion-3.5-medium", "flux-dev", "flux-schnell")


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_picture_is_the_pipelines_to_the_bit(
    name: str, opened: Callable[[str], DiffusionModel], folders: Callable[[str], Path]
) -> None:
    model = opened(name)
    pipeline = of_diffusers(folders(name))
    scales = (model.sampling.guidance_scale, 1.0) if model.sampling.guidance != "none" else (1.0,)
    for scale in scales:
        request = usual(model, guidance_scale=scale, arms=(GENERATION,))
        result = attention.run(request)
        assert np.array_equal(result.images[GENERATION], picture_of(pipeline, request)), scale
    assert result.layers == joint_layers(model.network)
    assert result.resolutions == (4,)
    assert result.images[GENERATION].std() > 1


@pytest.fixture
def result(opened: Callable[[str], DiffusionModel]) -> AttentionResult:
    model = opened("stable-diffusion-3-medium")
    return attention.run(usual(model, queries=True, self_attention=True, heads=True))


def test_a_word_has_tokens_of_clip_and_of_t5_and_the_rest_of_a_row_stands_first(result: AttentionResult) -> None:
    text = [token.text for token in result.tokens]
    horses = result.token_indices("horse")
    assert [text[place] for place in horses] == ["horse", "horse"]
    whole = result.select(arm=GENERATION, step=0, layer="transformer_blocks.0.attn")
    assert np.allclose(whole.sum(0), 1, atol=5e-3)  # all that a place attends to
    atlas = of_attention(result)
    told = str((atlas.axes, atlas.facts))
    assert views.REST in told
    assert views.START not in told
    assert views.start(result) == views.REST == views.name(result, 0)
    assert views.positions(result, views.REST) == (0,)
    assert result.queries == result.self_attention == {}


def test_the_output_space_is_another_map_of_the_same_picture(result: AttentionResult) -> None:
    other = attention.run(replace(result.request, reading="output"))
    assert np.array_equal(other.images[GENERATION], result.images[GENERATION])
    assert other.layers == result.layers[:-1]  # the last one drops the text
    maps = other.select(arm=GENERATION, step=0, layer="transformer_blocks.0.attn")
    assert np.allclose(maps.sum(0), 1, atol=5e-3)
    assert not np.allclose(maps, result.select(arm=GENERATION, step=0, layer="transformer_blocks.0.attn"), atol=0.05)


@pytest.mark.parametrize("name", ["stable-diffusion-3-medium", "flux-dev"])
def test_every_pipeline_runs_or_refuses_in_one_sentence(
    name: str, opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened(name)
    calls: list[int] = []
    handle = model.network.register_forward_pre_hook(lambda *_: calls.append(1))
    given = usual(model, image=drawn)
    with pytest.raises(UnsupportedModelError, match=r"^DDIM inversion is not defined for .*; leave out .*\.$"):
        attention.run(replace(given, arms=(INVERSION,)))
    refused = rf"^{name} \(local folder\) has no UNet but a transformer, .*; choose a Stable Diffusion model with .*\.$"
    for asked in ({"edit": Edit("a car on the grass")}, {"probes": ("car",)}):
        with pytest.raises(UnsupportedModelError, match=refused):
            attention.run(usual(model, **asked))
    with pytest.raises(UnsupportedModelError, match=refused):
        clusters.run(ClustersRequest(image=drawn, k=3, model=model.spec.name))
    for method in ("diffsegmenter", "diffseg", "diffcut", "vpd-attention"):
        asked = SegmentationRequest(image=drawn, classes="horse, grass", method=method, diffusion=model.spec.name)
        with pytest.raises(UnsupportedModelError, match=refused):
            segmentation.run(asked)
    with pytest.raises(ChoiceError, match=r"scheduler is 'ddim', which .* does not work with; choose one of flow"):
        attention.run(replace(given, scheduler="ddim"))
    assert not calls
    found = attention.run(replace(given, arms=("noise once", "without noise", "denoised again"), noise_timestep=600))
    assert set(found.sizes.values()) == {(4, 4)}
    asked = SegmentationRequest(image=drawn, classes="horse, grass", method="attention", diffusion=model.spec.name)
    asked = replace(asked, side=SIDE)
    assert segmentation.run(asked).labels.shape == drawn.shape[:2]
    handle.remove()
    assert calls


def test_what_was_assumed_of_a_folder_is_told_and_a_name_is_taken_at_its_word(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INSPECTOR_DEVICE", "cpu")
    whole = folders("stable-diffusion-3-medium")
    for name in ("mine", "mine-turbo"):
        shutil.copytree(whole, tmp_path / name)
    model = load_diffusion(catalog.register_local(tmp_path / "mine"))
    told = attention.run(usual(model, arms=(GENERATION,))).provenance.warning
    assert told.startswith("Nothing in the files of mine (local folder) tells whether it was distilled; ")
    assert "Stable Diffusion 3's: guidance 7, 28 steps." in told
    turbo = load_diffusion(catalog.register_local(tmp_path / "mine-turbo"))
    assert not attention.run(usual(turbo, arms=(GENERATION,))).provenance.warning
    with pytest.raises(ChoiceError, match=r"guidance_scale is 7, and .* without guidance; use 1, and 4 steps of flow"):
        attention.run(usual(turbo, guidance_scale=7.0))


def test_the_output_space_of_a_unet_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"has no joint attention, .*; leave out the reading 'output', or"):
        attention.run(AttentionRequest(PROMPT, reading="output", steps=1))


def test_stable_diffusion_3_without_t5_reads_clip_alone(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INSPECTOR_DEVICE", "cpu")
    folder = Path(shutil.copytree(folders("stable-diffusion-3-medium"), tmp_path / "without"))
    for name in ("text_encoder_3", "tokenizer_3"):
        shutil.rmtree(folder / name)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"text_encoder_3": [None, None], "tokenizer_3": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    model = load_diffusion(catalog.register_local(folder))
    read = model.tokenize(PROMPT)
    assert max(token.index for token in read.tokens) < 16
    pipeline = DiffusionPipeline.from_pretrained(folder, text_encoder_3=None, tokenizer_3=None, use_safetensors=True)
    states, *_ = pipeline.encode_prompt(PROMPT, PROMPT, PROMPT, "cpu", do_classifier_free_guidance=False)
    assert torch.equal(model.encode_prompts([PROMPT]).states, states)
