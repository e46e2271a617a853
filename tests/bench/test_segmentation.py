"""What segmentation costs: which methods are run how often, whose parameters are counted, and README as measured."""

import json
from collections import Counter
from pathlib import Path

import pytest
import torch

from inspector.bench import segmentation
from inspector.models import full_size, load_clip, load_diffusion
from inspector.models.catalog import register_local
from inspector.models.loading import unload
from inspector.results import SEGMENTATION_METHODS, TRAINED_METHODS
from tests.models.conftest import small_clip_config

HEADS = segmentation.MEASURED.parent / "heads.json"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list:
    """Requests that were run, in place of running them; a run takes a second more than the one before."""
    requests: list = []
    monkeypatch.setattr(segmentation.segmentation, "run", requests.append)
    monkeypatch.setattr(segmentation, "peak_mb", lambda run, device: (run(), 12.0)[1])
    monkeypatch.setattr(segmentation, "timed", lambda run, device: (run(), float(len(requests)))[1])
    return requests


def test_every_method_once_for_its_memory_and_then_in_turns(asked: list) -> None:
    result = segmentation.measure(2)
    methods = SEGMENTATION_METHODS + TRAINED_METHODS
    assert [request.method for request in asked] == list(methods) * 3
    assert {(request.clip, request.diffusion) for request in asked} == {("scenes-clip-plain", "scenes-diffusion-plain")}
    assert result["methods"]["gradcam"]["seconds"]["runs"] == [len(methods) + 1.0, 2 * len(methods) + 1.0]
    assert {row["peak_mb"] for row in result["methods"].values()} == {12.0}


def test_parameters_are_of_all_that_a_method_runs(asked: list) -> None:
    rows = segmentation.measure(1)["methods"]
    clip, diffusion = load_clip("scenes-clip-plain").parameters, load_diffusion("scenes-diffusion-plain").parameters
    assert rows["maskclip"]["parameters"] == clip
    assert rows["attention"]["parameters"] == diffusion
    assert rows["diffcut"]["parameters"] == clip + diffusion
    trained = {row["row"]: row["parameters"] for row in json.loads(HEADS.read_text("utf-8"))["rows"]}
    assert rows["odise"]["parameters"] == clip + diffusion + trained["odise"]
    assert rows["lseg"]["parameters"] == clip + trained["lseg"]


def test_full_size_models_open_as_any_folder_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With layers of the published kinds made thin."""
    thin = {"block_out_channels": (8, 8, 16, 16), "norm_num_groups": 4, "layers_per_block": 1}
    monkeypatch.setattr(full_size, "SD15_UNET", {**full_size.SD15_UNET, **thin, "cross_attention_dim": 16})
    monkeypatch.setattr(full_size, "SD15_VAE", {**full_size.SD15_VAE, **thin})
    config = small_clip_config(49408)
    config["text_cfg"]["context_length"] = 77
    monkeypatch.setattr(full_size.open_clip, "get_model_config", lambda name: config)
    names = {kind: register_local(folder) for kind, folder in full_size.write_full_size(tmp_path).items()}
    clip, diffusion = load_clip(names["clip"]), load_diffusion(names["diffusion"])
    try:
        assert diffusion.image_size == 512
        assert torch.isfinite(clip.text(["a horse"])).all()
        assert diffusion.encode_prompts(["a horse"]).states.shape[-1] == 16
    finally:
        for name in names.values():
            unload(name)


def test_full_size_asks_the_methods_that_need_no_training(asked: list, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"clip": "scenes-clip", "diffusion": "scenes-diffusion"}
    monkeypatch.setattr(full_size, "write_full_size", lambda folder: pair)
    monkeypatch.setattr(segmentation, "register_local", lambda folder: folder)
    result = segmentation.measure(1, full_size=True)
    assert Counter(request.method for request in asked) == dict.fromkeys(SEGMENTATION_METHODS, 2)
    assert result["size"] == segmentation.FULL


def result_of(size: str, methods: dict[str, float], repeats: int = 3) -> dict:
    spread = {
        name: {"median": value, "min": value / 2, "max": value * 2, "runs": [value] * repeats}
        for name, value in methods.items()
    }
    rows = {name: {"seconds": spread[name], "peak_mb": 1234.5, "parameters": 2_500_000} for name in methods}
    about = {"repeats": repeats, "size": size, "device": "CPU", "dtype": "float32", "side": 256, "classes": 4}
    return {**about, "methods": rows}


def test_keeping_one_size_leaves_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{segmentation.START}\nold\n{segmentation.STOP}\nafter\n")
    monkeypatch.setattr(segmentation, "README", page)
    monkeypatch.setattr(segmentation, "MEASURED", tmp_path / "cost.json")
    segmentation.keep(result_of(segmentation.FULL, {"maskclip": 2.0}, repeats=1))
    segmentation.keep(result_of(segmentation.EMBEDDED, {"maskclip": 0.5, "san": 1.0}))
    text = page.read_text()
    assert (text.splitlines()[0], text.splitlines()[-1]) == ("before", "after")
    assert "| `maskclip` | 0.50 (0.25 to 1.00) | 1,234 | 2.5 | 2.00 | 1,234 | 2.5 |" in text
    assert "| `san` | 1.00 (0.50 to 2.00) | 1,234 | 2.5 | – | – | – |" in text


def test_readme_tells_what_was_measured() -> None:
    text = segmentation.README.read_text("utf-8")
    known = json.loads(segmentation.MEASURED.read_text("utf-8"))
    assert segmentation.render(known) in text
    assert {segmentation.EMBEDDED} <= set(known) <= set(segmentation.MODELS)
