"""Every family of diffusion models at small width, opened from a folder: what its tests share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def usual(model: DiffusionModel, **changes: Any) -> AttentionRequest:
    """What is usual for a model, but of two steps and a small picture."""
    values = {**model.sampling.values, "steps": 2, "size": SIDE, "seed": SEED, "model": model.spec.name}
    return AttentionRequest(**{"prompt": PROMPT, **values, **changes})
