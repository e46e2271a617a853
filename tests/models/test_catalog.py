"""The catalog: names, folders, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from inspector.errors import ModelFilesError, UnknownModelError, UnsupportedModelError
from inspector.models import catalog
from inspector.settings import settings


def test_the_names_promised_are_there() -> None:
    clip = ("scenes-clip", "scenes-clip-plain", "openai-vit-b-16", "openai-vit-l-14-336", "laion-vit-b-16")
    assert catalog.names("clip") == clip
    diffusion = ("scenes-diffusion", "scenes-diffusion-plain", "stable-diffusion-1.5", "stable-diffusion-1.4")
    later = ("stable-diffusion-2.1", "sd-turbo", "lcm-dreamshaper", "sdxl", "sdxl-turbo")
    painting = ("stable-diffusion-inpainting", "stable-diffusion-2-inpainting", "sdxl-inpainting")
    joint = ("stable-diffusion-3.5-medium", "flux-dev", "flux-schnell", "flux2-klein", "pixart-alpha", "pixart-sigma")
    assert catalog.names("diffusion") == (*diffusion, *later, *painting, *joint)
    assert all(catalog.spec(name, kind) for pair in catalog.PAIRS.values() for kind, name in pair.items())
    assert all(name == spec.name for name, spec in catalog.CATALOG.items())


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, inspector.models, inspector.models.catalog; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(UnknownModelError, match="no model named 'sd3'; choose one of scenes-clip, scenes-diffusion"):
        catalog.spec("sd3")


def test_a_name_of_the_other_kind_lists_this_kind_only() -> None:
    with pytest.raises(UnknownModelError, match="no clip model named 'scenes-diffusion'") as error:
        catalog.spec("scenes-diffusion", "clip")
    assert "stable" not in str(error.value)


def test_a_path_is_no_name_until_it_is_registered(clip_folder: Path) -> None:
    with pytest.raises(UnknownModelError):
        catalog.spec(str(clip_folder))
    name = catalog.register_local(clip_folder)
    assert catalog.spec(name).source == str(clip_folder)
    assert name in catalog.names("clip")
    assert name not in catalog.names("diffusion")


def test_the_command_line_takes_a_name_or_a_folder(clip_folder: Path, diffusion_folder: Path) -> None:
    assert catalog.choose("laion-vit-b-16", "clip") == "laion-vit-b-16"
    name = catalog.choose(str(clip_folder), "clip")
    assert catalog.choose(name, "clip") == name
    with pytest.raises(UnsupportedModelError, match=r"holds a diffusion model; give it by --diffusion, and a CLIP"):
        catalog.choose(str(diffusion_folder), "clip")
    with pytest.raises(UnknownModelError, match=r"no diffusion model named './nowhere'"):
        catalog.choose("./nowhere", "diffusion")


def test_folders_of_one_name_get_two(tmp_path: Path) -> None:
    for parent in ("one", "two"):
        (tmp_path / parent / "same").mkdir(parents=True)
        (tmp_path / parent / "same" / "model_index.json").write_text("{}")
    first = catalog.register_local(tmp_path / "one" / "same")
    assert catalog.register_local(tmp_path / "two" / "same") == f"{first}-2"
    assert catalog.register_local(tmp_path / "one" / "same") == first


def test_a_local_folders_weights_are_counted_once_per_part(clip_folder: Path, diffusion_folder: Path) -> None:
    from inspector.models.loading import load_clip

    name = catalog.register_local(clip_folder)
    model = load_clip(name).model  # type: ignore[attr-defined]
    assert catalog.spec(name).parameters == sum(value.numel() for value in model.state_dict().values())


def test_a_missing_folder_and_an_empty_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="is no folder and no model; choose one of scenes-clip"):
        catalog.register_local(tmp_path / "nowhere")
    with pytest.raises(ModelFilesError, match=r"is empty; give a folder that holds a model"):
        catalog.register_local(tmp_path)
    (tmp_path / "readme.txt").touch()
    with pytest.raises(ModelFilesError, match=r"neither open_clip_config.json .*, model_index.json .* that has one of"):
        catalog.register_local(tmp_path)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_HUB", "0")
    settings.cache_clear()


@pytest.mark.usefixtures("no_hub")
def test_a_host_may_offer_no_hub_models(clip_folder: Path) -> None:
    own = ("scenes-clip", "scenes-diffusion", "scenes-clip-plain", "scenes-diffusion-plain", "scenes-sam")
    assert catalog.names() == own
    with pytest.raises(
        UnknownModelError,
        match=rf"^stable-diffusion-1.5 is not offered on this host; choose one of {', '.join(own)}\.$",
    ):
        catalog.spec("stable-diffusion-1.5")
    name = catalog.choose(str(clip_folder), "clip")
    assert catalog.names("clip") == ("scenes-clip", "scenes-clip-plain", name)
    with pytest.raises(
        UnknownModelError,
        match=r"^clipseg is not offered on this host; choose one of scenes-sam\.$",
    ):
        catalog.spec("clipseg", "segmenter")


@pytest.mark.usefixtures("no_hub")
def test_what_is_not_offered_is_not_loaded_though_it_is_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.models import loading

    monkeypatch.setattr(loading.fetching, "prepare", lambda *_: pytest.fail("fetched"))
    with pytest.raises(UnknownModelError, match=r"laion-vit-b-16 is not offered on this host; choose one of scenes-cl"):
        loading.load_clip("laion-vit-b-16")
