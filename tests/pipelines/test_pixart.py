"""PixArt-alpha and -Sigma, their published configurations at small width, through loader and pipelines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention

from inspector.analysis import features
from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models.protocols import REST, DiffusionModel
from inspector.pipelines import attention, clusters, segmentation
from inspector.results import GENERATION, INVERSION, ClustersRequest, Edit, SegmentationRequest
from inspector.trace import recorders
from tests.pipelines.families import PROMPT, of_diffusers, picture_of, usual

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
NAMES = ("pixart-alpha", "pixart-alpha-512", "pixart-sigma")
LAYERS = tuple(f"transformer_blocks.{number}.attn2" for number in range(7))


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_picture_is_the_pipelines_to_the_bit(
    name: str, opened: Callable[[str], DiffusionModel], folders: Callable[[str], Path]
) -> None:
    model, prompt = opened(name), "A Horse on the GRASS "
    pipeline = of_diffusers(folders(name))
    as_read = {"clean_caption": False, "use_resolution_binning": False}
    for scale in (model.sampling.guidance_scale, 1.0):
        request = usual(model, prompt=prompt, guidance_scale=scale, arms=(GENERATION,))
        result = attention.run(request)
        assert np.array_equal(result.images[GENERATION], picture_of(pipeline, request, **as_read)), scale
    assert result.layers == LAYERS
    assert result.resolutions == (4,)
    assert result.images[GENERATION].std() > 1
    whole = result.select(arm=GENERATION, step=0, layer=LAYERS[0])
    assert [token.text for token in result.tokens][:3] == ["<rest>", "A", "Horse"]
    assert np.allclose(whole[1:].sum(0), 1, atol=5e-3)  # padding is attended to by none
    assert np.abs(whole[0]).max() < 5e-3


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_the_softmax_that_the_module_itself_forms(name: str, opened: Callable[[str], DiffusionModel]) -> None:
    """Against the probabilities of diffusers' plain attention, mask included, from the module's own inputs."""
    model = opened(name)
    latents, conditions = torch.randn(2, 4, 8, 12), model.encode_prompts([PROMPT, "a green car"])
    seen: dict[str, Any] = {}
    module: Attention = model.network.get_submodule(LAYERS[-1])  # type: ignore[assignment]
    handle = module.register_forward_hook(
        lambda _m, args, kwargs, output: seen.update(kwargs, args=args, output=output), with_kwargs=True
    )
    with recorders.record(model.network, [REST, *range(6)], images=2, heads=True) as recording:
        model.predict(latents, 300, conditions)
    handle.remove()
    hidden, states = seen["args"][0], seen["encoder_hidden_states"]
    query, key, value = (
        module.head_to_batch_dim(part) for part in (module.to_q(hidden), module.to_k(states), module.to_v(states))
    )
    mask = module.prepare_attention_mask(seen["attention_mask"], states.shape[1], 2)
    explicit = module.get_attention_scores(query, key, mask)  # (n * head, h * w, token)
    made = module.to_out[0](module.batch_to_head_dim(explicit @ value))
    assert torch.allclose(made, seen["output"], atol=1e-5)  # so these are what the module attended with
    explicit = explicit.unflatten(0, (2, -1)).transpose(-1, -2)
    projected = recorders._Projected(
        LAYERS[-1], module, module.to_q(hidden), module.to_k(states), seen["attention_mask"]
    )
    formed = recorders._softmax(
        module,
        recorders._by_head(projected.query, module.heads),
        recorders._by_head(projected.key, module.heads),
        projected.mask,
    )
    assert torch.allclose(formed, explicit, atol=1e-5)
    kept = torch.from_numpy(recording.head_maps[LAYERS[-1]][0].astype(np.float32)).flatten(-2)
    assert recording.head_maps[LAYERS[-1]][0].shape == (2, 2, 7, 4, 6)
    assert torch.allclose(kept[:, :, 1:], explicit[:, :, :6], atol=1e-3)  # kept in half precision
    assert torch.allclose(kept[:, :, 0], 1 - explicit[:, :, :6].sum(2), atol=1e-3)
    assert explicit[:, :, 0].std() > 0.005
    size = recorders.recording_bytes(model.network, (8, 12), 7, 1, images=2)
    assert sum(calls[0].nbytes for calls in recording.maps.values()) == size


def test_a_longer_padding_changes_no_map(opened: Callable[[str], DiffusionModel]) -> None:
    """What is masked is as if it was not there: the same states without their padding give the same prediction."""
    model = opened("pixart-sigma")
    latents, told = torch.randn(1, 4, 8, 8), model.encode_prompts([PROMPT])
    count = len(model.tokenize(PROMPT).tokens) - 1
    assert told.mask is not None
    assert int(told.mask.sum()) == count
    bare = told.with_states(told.states[:, :count])
    assert torch.allclose(model.predict(latents, 300, told), model.predict(latents, 300, bare), atol=1e-5)


def test_every_pipeline_runs_or_refuses_in_one_sentence(
    opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened("pixart-alpha-512")
    calls: list[int] = []
    handle = model.network.register_forward_pre_hook(lambda *_: calls.append(1))
    given = usual(model, image=drawn, size=None)
    with pytest.raises(ChoiceError, match=r"scheduler is 'flow', which .* does not work with; choose one of ddim"):
        attention.run(replace(given, scheduler="flow"))
    refused = r"has no UNet but a transformer, .*; choose a Stable Diffusion model with a UNet\.$"
    for asked in ({"edit": Edit("a car on the grass")}, {"probes": ("car",)}):
        with pytest.raises(UnsupportedModelError, match=refused):
            attention.run(usual(model, **asked))
    with pytest.raises(UnsupportedModelError, match="has no joint attention"):
        attention.run(usual(model, reading="output"))
    request = SegmentationRequest(image=drawn, classes="horse, grass", method="diffseg", diffusion=model.spec.name)
    with pytest.raises(UnsupportedModelError, match=refused):
        segmentation.run(request)
    assert not calls
    result = attention.run(replace(given, arms=("noise once", INVERSION, "denoised again"), queries=True))
    assert np.isfinite(result.reconstruction["psnr"])
    assert result.queries == {}
    assert segmentation.run(replace(request, method="attention")).labels.shape == drawn.shape[:2]
    handle.remove()


@pytest.mark.parametrize("preset", ["A", "B", "C"])
def test_features_are_those_of_the_last_six_blocks(
    preset: str, opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened("pixart-alpha-512")
    found = clusters.run(ClustersRequest(image=drawn, k=3, preset=preset, model=model.spec.name, restarts=2))
    assert found.layers == tuple(f"transformer_blocks.{number}" for number in range(1, 7))
    assert found.grid_labels.shape == (4, 4)
    latents, told = torch.randn(1, 4, 8, 12), model.encode_prompts([PROMPT])
    seen: dict[str, torch.Tensor] = {}
    block = model.network.get_submodule("transformer_blocks.6")
    handle = block.register_forward_hook(lambda _m, args, output: seen.update(before=args[0], after=output))
    model.predict(latents, 100, told)
    handle.remove()
    taps = features.find_taps(model.network, preset)
    grid = features.record(model, latents, [100], told, taps)["transformer_blocks.6"]
    assert grid.shape == (1, 24, 4, 6)
    tokens = seen["before" if preset == "C" else "after"]
    assert torch.equal(grid[0, :, 1, 2], tokens[0, 1 * 6 + 2])
