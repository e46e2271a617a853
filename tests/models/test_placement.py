"""Device, dtype and room, with machines made up for the purpose."""

from pathlib import Path

import pytest
import torch

from inspector.errors import ChoiceError, ModelMemoryError
from inspector.models import catalog, placement
from inspector.settings import settings


def set_device(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setenv("INSPECTOR_DEVICE", device)
    settings.cache_clear()


def test_the_first_device_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    set_device(monkeypatch, "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert placement.chosen_device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert placement.chosen_device() == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "meta", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    set_device(monkeypatch, device)
    with pytest.raises(ChoiceError, match=f"INSPECTOR_DEVICE is '{device}'.*use cpu"):
        placement.chosen_device()


def test_half_precision_on_a_gpu_only() -> None:
    assert placement.chosen_dtype(torch.device("cuda")) == torch.float16
    assert placement.chosen_dtype(torch.device("cpu")) == torch.float32


def test_the_estimate_counts_bytes_per_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = catalog.spec("stable-diffusion-1.5")  # 1.066 billion parameters, 2 GB beside them
    monkeypatch.setattr(placement, "free_gb", lambda device: 5.0)
    placement.check_memory(spec, torch.device("cpu"), torch.float16)  # 2.13 + 2
    with pytest.raises(ModelMemoryError, match=r"about 6.3 GB of memory and 5.0 GB are free on cpu.*scenes-diffusion"):
        placement.check_memory(spec, torch.device("cpu"), torch.float32)


def test_a_containers_limit_counts_and_dropped_file_pages_do_not(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 400\n")
    assert placement._container_bytes(tmp_path, 99) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert placement._container_bytes(tmp_path, 99) == 99
    assert placement._container_bytes(tmp_path / "none", 99) == 99


@pytest.mark.parametrize(("can", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_flow_models_are_bfloat16_where_the_card_can(
    can: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: can)
    flux, plain = catalog.spec("flux-dev"), catalog.spec("sdxl")
    assert placement.chosen_dtype(torch.device("cuda"), flux) == expected
    assert placement.chosen_dtype(torch.device("cuda"), plain) == torch.float16
    assert placement.chosen_dtype(torch.device("cpu"), flux) == torch.float32
    monkeypatch.setenv("INSPECTOR_DTYPE", "float16")
    settings.cache_clear()
    assert placement.chosen_dtype(torch.device("cuda"), flux) == torch.float16
