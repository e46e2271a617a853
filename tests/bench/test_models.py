"""What models cost at full size: each family is built in memory, here at small width; what does not fit is said."""

from pathlib import Path

import pytest
import torch

from inspector.bench import models
from inspector.models import full_size_diffusion, placement
from inspector.models.configurations import PUBLISHED
from inspector.settings import settings
from tests.models.small_families import narrow

NAMES = ("sd-turbo", "lcm-dreamshaper", "sdxl", "stable-diffusion-3-medium", "flux-schnell")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published configurations narrowed, but for CLIP's vocabulary and length, which are its tokenizer's."""
    monkeypatch.setenv("INSPECTOR_DEVICE", "cpu")
    settings.cache_clear()
    for name in NAMES:
        configuration = narrow(PUBLISHED[name], 49408, 30)
        for part, config in configuration.parts.items():
            if "max_position_embeddings" in config:
                configuration = configuration.with_part(part, max_position_embeddings=77)
        monkeypatch.setitem(full_size_diffusion.PUBLISHED, name, configuration)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' Euler on numpy 2
@pytest.mark.parametrize("name", NAMES)
def test_every_family_is_built_and_gives_its_first_maps(name: str, small: None, tmp_path: Path) -> None:
    spec = full_size_diffusion.spec_of(name)
    model = full_size_diffusion.build_full_size(spec, torch.device("cpu"), torch.float32, tmp_path)
    assert model.parameters == spec.parameters
    assert torch.get_default_dtype() == torch.float32
    kept = models.first_maps(model, 64)
    assert kept is not None
    assert set(kept.maps) == set(kept.layers)
    assert [len(calls) for calls in kept.maps.values()] == [1] * len(kept.layers)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_rows_tell_seconds_and_our_share_or_why_a_model_is_left_out(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = models.measure(1, models=["sd-turbo"])["models"]
    assert row["side"] == 64
    assert row["seconds"] > 0
    assert 0 <= row["ours_mb"] <= row["peak_mb"]
    monkeypatch.setattr(placement, "free_gb", lambda device: 0.0)
    result = models.measure(1, models=["sdxl"])
    assert result["models"][0]["left_out"].endswith("0 GB are free")
    assert "left out" in models.table(result)
