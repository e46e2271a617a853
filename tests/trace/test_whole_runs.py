"""Whole runs, text tower included, against diffusers' own pipeline, to the bit; on a GPU too where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inspector.models import load_diffusion
from inspector.models.catalog import ModelSpec
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.families.stable_diffusion import StableDiffusionAdapter
from inspector.settings import ASSETS
from inspector.trace import recorders, recordings, trajectories

PROMPTS = ["a horse on the grass", "the green car"]
ON_A_GPU = pytest.mark.skipif(
    not torch.cuda.is_available() or not (ASSETS / "models" / "scenes-diffusion").is_dir(), reason="no CUDA device"
)


@pytest.fixture(scope="module")
def model(diffusion_folder: Path) -> StableDiffusionAdapter:
    spec = ModelSpec("small", "diffusion", "Small", "local", str(diffusion_folder), "")
    return open_diffusion_folder(diffusion_folder, spec, torch.device("cpu"), torch.float32, "")


@contextmanager
def rounding_by_batch(model: Any) -> Iterator[None]:
    """Each text's states differ by the size of its batch, as those of large towers do, whose kernels depend on it."""
    handle = model.text_encoder.register_forward_hook(differ)
    try:
        yield
    finally:
        handle.remove()


def differ(_: Any, __: Any, output: Any) -> Any:
    output.last_hidden_state = output.last_hidden_state * (1 + 1e-6 * len(output.last_hidden_state))
    return output


def theirs(model: Any, prompts: list[str], side: int, guidance: float, scheduler: str = "ddim") -> Any:
    """What StableDiffusionPipeline makes of seed 11 in 4 steps."""
    generator = torch.Generator("cpu").manual_seed(11)
    run = {"height": side, "width": side, "num_inference_steps": 4, "guidance_scale": guidance, "generator": generator}
    return model.pipeline(scheduler)(prompts, **run, output_type="latent").images


def ours(model: Any, prompts: list[str], side: int, guidance: float, scheduler: str = "ddim") -> torch.Tensor:
    latents = trajectories.first_latents(model, 11, side, side, len(prompts))
    return list(trajectories.denoise(model, latents, prompts, 4, guidance, scheduler, 11))[-1].denoised


@pytest.mark.parametrize("guidance", [7.5, 1.0])
@pytest.mark.parametrize("count", [1, 2])
def test_texts_are_encoded_in_the_pipelines_batches(model: StableDiffusionAdapter, count: int, guidance: float) -> None:
    with rounding_by_batch(model):
        expected = theirs(model, PROMPTS[:count], 64, guidance)
        assert torch.equal(ours(model, PROMPTS[:count], 64, guidance), expected)
    assert not torch.equal(ours(model, PROMPTS[:count], 64, guidance), expected)  # the hook does change something


@ON_A_GPU
@pytest.mark.parametrize("scheduler", ["ddim", "pndm"])
@pytest.mark.parametrize("guidance", [7.5, 1.0])
def test_on_a_gpu_latents_equal_the_pipelines(guidance: float, scheduler: str) -> None:
    model = load_diffusion()
    assert model.device.type == "cuda"
    expected = theirs(model, PROMPTS[:1], 256, guidance, scheduler)
    assert torch.equal(ours(model, PROMPTS[:1], 256, guidance, scheduler), expected)


@ON_A_GPU
def test_on_a_gpu_recording_changes_neither_latents_nor_pictures() -> None:
    model = load_diffusion()
    plain = ours(model, PROMPTS[:1], 256, 7.5)
    with recorders.record(model.unet, range(6), heads=True) as recording:
        recorded = ours(model, PROMPTS[:1], 256, 7.5)
    assert torch.equal(plain, recorded)
    assert np.array_equal(model.decode(plain), model.decode(recorded))
    assert recording.waiting > 0


@ON_A_GPU
def test_on_a_gpu_maps_that_waited_equal_maps_moved_at_once() -> None:
    model, found = load_diffusion(), []
    for held in (0, recordings.HELD):
        recording = recordings.Recording(held)
        with recorders.record(model.unet, range(6), heads=True, into=recording):
            ours(model, PROMPTS[:1], 256, 7.5)
        assert (recording.waiting > 0) == (held > 0)
        found.append(
            recording.stacked() | {f"{name} by head": maps for name, maps in recording.stacked(heads=True).items()}
        )
    assert found[0].keys() == found[1].keys()
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
