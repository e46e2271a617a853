"""Every family of diffusion models at small width, opened from a folder: what its tests share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from inspector.models import catalog, load_diffusion, loading
from inspector.models.protocols import DiffusionModel
from inspector.results import AttentionRequest
from tests.models.small_families import small_folder

PROMPT, SIDE, SEED = "a horse on the grass", 64, 11


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a published configuration -> its folder, written once."""
    found: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in found:
            found[name] = small_folder(name, tmp_path_factory.mktemp("families"))
        return found[name]

    return folder


@pytest.fixture
def opened(folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], DiffusionModel]:
    """Name -> its model."""
    monkeypatch.setenv("INSPECTOR_DEVICE", "cpu")
    loading._loaded.clear()
    return lambda name: load_diffusion(catalog.register_local(folders(name)))


@pytest.fixture
def drawn(request: pytest.FixtureRequest) -> np.ndarray:
    """A picture of noise, of the test module's own SIDE where it has one."""
    side = getattr(request.module, "SIDE", SIDE)
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def of_diffusers(folder: Path, **options: Any) -> Any:
    """diffusers' own pipeline, as it opens the folder by itself."""
    pipeline = DiffusionPipeline.from_pretrained(folder, use_safetensors=True, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def picture_of(pipeline: Any, request: AttentionRequest, **more: Any) -> np.ndarray:
    """uint8 (h, w, 3): what diffusers' pipeline makes of a request. more: of its call."""
    made = pipeline(
        prompt=request.prompt,
        height=request.size,
        width=request.size,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        output_type="np",
        **more,
    ).images
    picture: np.ndarray = (made[0] * 255).round().astype(np.uint8)
    return picture


def usual(model: DiffusionModel, **changes: Any) -> AttentionRequest:
    """What is usual for a model, but of two steps and a small picture."""
    values = {**model.sampling.values, "steps": 2, "size": SIDE, "seed": SEED, "model": model.spec.name}
    return AttentionRequest(**{"prompt": PROMPT, **values, **changes})
