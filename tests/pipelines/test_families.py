"""Every family with a UNet, its published configuration at small width, through the real loader and all pipelines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention
from PIL import Image

from inspector.errors import ChoiceError, InspectorError, UnsupportedModelError
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import attention, clusters, segmentation
from inspector.results import GENERATION, INVERSION, AttentionRequest, ClustersRequest, SegmentationRequest
from inspector.trace import recorders
from inspector.trace.self_attention import self_attention_layers
from tests.pipelines.families import PROMPT, SIDE, of_diffusers, picture_of, usual

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
INPAINTING = ("stable-diffusion-inpainting", "stable-diffusion-2-inpainting", "sdxl-inpainting")
PLAIN = ("stable-diffusion-2.0", "stable-diffusion-2.1", "sd-turbo", "lcm-dreamshaper", "sdxl", "sdxl-turbo")
UNETS = (*PLAIN, *INPAINTING)
# Of cross-attention: 4 of 2 blocks, 6 of 10, with 2 in the middle blocks' 10.
LAYERS = dict.fromkeys(("sdxl", "sdxl-turbo", "sdxl-inpainting"), 70)


def published(folder: Path, request: AttentionRequest) -> np.ndarray:
    """The picture of diffusers' own pipeline, as it opens the folder by itself; where it inpaints all is masked."""
    white = Image.fromarray(np.full((SIDE, SIDE, 3), 255, np.uint8))
    masked = {"image": white, "mask_image": white, "strength": 1.0} if folder.name in INPAINTING else {}
    return picture_of(of_diffusers(folder, safety_checker=None), request, **masked)


def own_scheduler(model: DiffusionModel) -> str:
    """The name of the scheduler that the folder itself has."""
    own = {"stable-diffusion-inpainting": "pndm", "stable-diffusion-2-inpainting": "pndm"}
    own |= {"sdxl": "euler", "sdxl-inpainting": "euler"}
    return own.get(Path(model.spec.source).name, model.sampling.scheduler)


@pytest.mark.parametrize("name", UNETS)
def test_the_recorded_picture_is_the_pipelines_to_the_bit(
    name: str, opened: Callable[[str], DiffusionModel], folders: Callable[[str], Path]
) -> None:
    model = opened(name)
    scales = (model.sampling.guidance_scale, 1.0) if model.sampling.guidance != "none" else (1.0,)
    for scale in scales:
        request = usual(model, guidance_scale=scale, scheduler=own_scheduler(model), arms=(GENERATION,))
        result = attention.run(request)
        assert np.array_equal(result.images[GENERATION], published(folders(name), request)), scale
    assert len(result.layers) == LAYERS.get(name, 16)
    assert result.images[GENERATION].std() > 1


@pytest.mark.parametrize("name", UNETS)
def test_maps_are_the_softmax_that_the_module_itself_forms(name: str, opened: Callable[[str], DiffusionModel]) -> None:
    """Against the probabilities of diffusers' plain attention, from the module's own inputs, in float32."""
    model = opened(name)
    latents, conditions = torch.randn(1, 4, 8, 8), model.encode_prompts([PROMPT])
    layer = recorders.cross_attention_layers(model.unet)[-1]
    seen: list[Any] = []
    module: Attention = model.unet.get_submodule(layer)  # type: ignore[assignment]
    handle = module.register_forward_pre_hook(lambda _m, args, kwargs: seen.append((args, kwargs)), with_kwargs=True)
    with recorders.record(model.unet, range(8), heads=True) as recording:
        model.predict(latents, 300, conditions)
    handle.remove()
    (args, kwargs), states = seen[0], conditions.states
    hidden = args[0] if args else kwargs["hidden_states"]
    query, key = (module.head_to_batch_dim(part) for part in (module.to_q(hidden), module.to_k(states)))
    explicit = module.get_attention_scores(query, key).transpose(1, 2)  # (head, token, h * w)
    formed = recorders.attention_maps(module, module.to_q(hidden), module.to_k(states), range(8))[0]
    assert torch.allclose(formed, explicit[:, :8], atol=1e-5)
    kept = torch.from_numpy(recording.head_maps[layer][0][0].astype(np.float32)).flatten(-2)
    assert torch.allclose(kept, explicit[:, :8], atol=1e-3)  # kept in half precision
    assert explicit.std(0).max() > 0.01  # and not all alike


@pytest.mark.parametrize("name", UNETS)
def test_every_pipeline_runs_or_refuses_in_one_sentence(
    name: str, opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened(name)
    request = usual(model, image=drawn, size=None, arms=("noise once", INVERSION))
    if model.sampling.inverts:
        result = attention.run(request)
        assert np.isfinite(result.reconstruction["psnr"])
    else:
        with pytest.raises(UnsupportedModelError, match=r"^DDIM inversion is not defined for .*; leave out .*\.$"):
            attention.run(request)
        result = attention.run(replace(request, arms=("noise once", "without noise", "denoised again")))
    assert set(result.sizes) == set(recorders.cross_attention_layers(model.unet))
    for preset in "ABC":
        found = clusters.run(ClustersRequest(image=drawn, k=3, preset=preset, model=model.spec.name, restarts=2))
        assert set(found.layers) <= {module for module, _ in model.unet.named_modules()}
    for method in ("attention", "diffsegmenter", "diffseg", "diffcut", "vpd-attention"):
        asked = SegmentationRequest(image=drawn, classes="horse, grass", method=method, diffusion=model.spec.name)
        assert segmentation.run(asked).labels.shape == drawn.shape[:2]
    assert self_attention_layers(model.unet)


@pytest.fixture
def drawn() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("sd-turbo", {"guidance_scale": 7.5}, r"guidance_scale is 7\.5, and .* without guidance; use 1, and 1 step of"),
        (
            "lcm-dreamshaper",
            {"scheduler": "ddim"},
            r"scheduler is 'ddim', which .* does not work with; choose one of lcm",
        ),
        ("lcm-dreamshaper", {"steps": 51}, r"steps is 51; with the scheduler lcm use at most 50\.$"),
    ],
)
def test_values_that_are_wrong_for_a_model_are_said_before_it_runs(
    name: str, changes: dict[str, Any], words: str, opened: Callable[[str], DiffusionModel]
) -> None:
    model = opened(name)
    calls: list[int] = []
    handle = model.network.register_forward_pre_hook(lambda *_: calls.append(1))
    with pytest.raises(ChoiceError, match=words):
        attention.run(usual(model, **changes))
    handle.remove()
    assert not calls


@pytest.mark.parametrize("name", INPAINTING)
def test_of_a_given_picture_nothing_is_masked_and_of_a_generated_one_all(
    name: str, opened: Callable[[str], DiffusionModel], drawn: np.ndarray
) -> None:
    model = opened(name)
    seen: list[torch.Tensor] = []
    handle = model.network.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    arms = ("noise once", "denoised again")
    told = attention.run(usual(model, image=drawn, arms=arms)).provenance.warning
    assert told.endswith("it was told that nothing of the given picture is masked.")
    clusters.run(ClustersRequest(image=drawn, k=3, model=model.spec.name, restarts=2))
    for method in ("attention", "diffseg", "vpd-attention"):
        asked = SegmentationRequest(image=drawn, classes="horse, grass", method=method, diffusion=model.spec.name)
        asked = replace(asked, side=SIDE)
        assert "nothing of the given picture is masked" in segmentation.run(asked).provenance.warning
    given = model.encode_images(drawn[None])
    assert all(not values[:, 4].any() and torch.equal(values[:, 5:], given.expand_as(values[:, 5:])) for values in seen)
    seen.clear()
    told = attention.run(usual(model, arms=(GENERATION, *arms))).provenance.warning
    assert told.endswith("it was told that all of the generated picture is masked.")
    handle.remove()
    grey = model.vae.encode(torch.zeros(1, 3, SIDE, SIDE)).latent_dist
    grey_most = (grey.mean.abs() + 6 * grey.std) * model.vae.config.scaling_factor  # type: ignore[union-attr]
    for values in seen:
        assert (values[:, 4] == 1).all()
        assert (values[:, 5:].abs() <= grey_most).all()
        assert torch.equal(values[:1, 5:], seen[0][:1, 5:])  # the same in all arms


def test_a_pass_without_a_word_of_the_picture_has_grey_masked(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened(INPAINTING[0])
    latents, told = torch.randn(2, 4, 8, 8), model.encode_prompts([PROMPT, ""])
    assert torch.equal(model.predict(latents, 300, told), model.predict(latents, 300, model.unshown(told, (8, 8))))
    shown = model.shown(told, latents[:1])
    assert not torch.equal(model.predict(latents, 300, told), model.predict(latents, 300, shown))
    plain = opened("stable-diffusion-2.0")
    told = plain.encode_prompts([PROMPT])
    assert plain.shown(told, latents) is plain.unshown(told, (8, 8)) is told


def test_names_of_the_catalog_are_refused_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "load_diffusion", lambda *_: pytest.fail("loaded"))
    with pytest.raises(InspectorError, match="SD-Turbo was made to be used without guidance"):
        attention.run(AttentionRequest(PROMPT, model="sd-turbo"))


def test_more_steps_than_a_model_was_distilled_for_are_told_beside_the_result(
    opened: Callable[[str], DiffusionModel],
) -> None:
    model = opened("sd-turbo")
    assert not attention.run(usual(model, steps=1, arms=(GENERATION,))).provenance.warning
    told = attention.run(usual(model, steps=5, arms=(GENERATION,))).provenance.warning
    assert "distilled for at most 4 steps, and 5 were made" in told
