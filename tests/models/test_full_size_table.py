"""The table of models, forms and tabs: what it says of models of small width, of faults, and what it leaves behind."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants

from inspector.models import catalog, loading
from tests.models import full_size
from tests.models.full_size import main

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
CLIP = "openai-vit-b-16"


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def rows(at: Path, model: str, *asked: str, exits: int = 0) -> list[dict[str, Any]]:
    told = at / "rows.json"
    assert main(["--width", "small", "--model", model, *asked, "--json", str(told)]) == exits
    found: list[dict[str, Any]] = json.loads(told.read_text())
    return found


def works(found: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["form"], row["tab"]) for row in found if row["told"] == "works"]


def test_a_clip_works_in_every_form_but_as_weights_alone(
    tmp_path: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, cache = dict(catalog.CATALOG), constants.HF_HUB_CACHE
    found = rows(tmp_path, CLIP)
    forms = ("folder", "transformers", "cache", "hub")
    assert works(found) == [(form, tab) for form in forms for tab in ("saliency", "segmentation")]
    refused = [row for row in found if row["told"] != "works"]
    assert {row["told"] for row in refused} == {
        f"{CLIP}/open_clip_model.safetensors holds weights of a CLIP without its configuration; "
        "give the folder with open_clip_config.json."
    }
    assert [row["form"] for row in refused] == ["file", "file"]
    assert {row["width"] for row in found} == {"small"}
    for row in found:
        # 49,408 tokens of width 32 at 2 bytes are 3 MB, and as many come as the tokenizer's files.
        assert row["fetched"] > 6_000_000 if row["form"] == "hub" else row["fetched"] == 0, row
        assert (row["ran"] > 0) == (row["told"] == "works")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + len(found)
    assert all(
        line.split()[:4] == [CLIP, "small", row["form"], row["tab"]]
        for line, row in zip(printed[1:], found, strict=True)
    )
    assert list(scratch.iterdir()) == []
    assert (dict(catalog.CATALOG), constants.HF_HUB_CACHE, loading.loaded()) == (before, cache, ())


def test_a_model_that_the_catalog_does_not_name_is_read_from_a_path_and_not_by_its_hubs_name(tmp_path: Path) -> None:
    found = rows(tmp_path, "stable-diffusion-3-medium", "--tab", "attention", "segmentation", "clusters")
    assert works(found) == [(form, tab) for form in ("folder", "cache") for tab in ("attention", "segmentation")]
    told = {(row["form"], row["tab"]): row["told"] for row in found}
    assert "has no UNet but a transformer" in told["folder", "clusters"]
    assert told["file", "segmentation"].endswith("holds Stable Diffusion 3; give the pipeline's folder.")
    assert "fetch it by `hf download stabilityai/stable-diffusion-3-medium" in told["hub", "segmentation"]
    assert {row["fetched"] for row in found} == {0}


@pytest.mark.slow
def test_stable_diffusion_works_in_every_form_on_every_tab(tmp_path: Path) -> None:
    found = rows(tmp_path, "stable-diffusion-1.5")
    tabs = tuple(full_size.TABS["diffusion"])
    assert works(found) == [(form, tab) for form in ("folder", "file", "cache", "hub") for tab in tabs]
    assert {row["form"] for row in found if row["fetched"]} == {"hub"}


def test_what_nobody_foresaw_is_a_row_and_the_exit_status(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(name: str, image: np.ndarray) -> None:
        raise RuntimeError(f"a made-up\nfault of {name}")

    monkeypatch.setitem(full_size.TABS["clip"], "saliency", breaks)
    found = rows(tmp_path, CLIP, "--form", "folder", exits=1)
    assert found[0]["told"] == f"FAULT: RuntimeError: a made-up fault of local:{CLIP}"
    assert works(found) == [("folder", "segmentation")]  # the others go on
    assert "FAULT: RuntimeError: a made-up fault" in capsys.readouterr().out
    assert list(scratch.iterdir()) == []


def test_interrupted_it_leaves_nothing_behind(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupts(name: str, image: np.ndarray) -> None:
        assert list(scratch.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setitem(full_size.TABS["clip"], "segmentation", interrupts)
    found = rows(tmp_path, CLIP, "--form", "folder", exits=130)
    assert works(found) == [("folder", "saliency")]
    assert list(scratch.iterdir()) == []
    assert constants.is_offline_mode()


def test_what_is_too_large_for_the_machine_is_small_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(full_size.placement, "free_gb", lambda device: 1.0)
    assert main(["--model", CLIP, "--form", "folder", "--tab", "saliency"]) == 0
    told = capsys.readouterr().out.splitlines()[1]
    assert told.split()[:3] == [CLIP, "small", "folder"]
    assert told.endswith("works (full width needs 1.4 GB of memory and 1.0 are free)")
