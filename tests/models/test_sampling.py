"""What is usual for a model, as its files tell it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.models import catalog
from inspector.models.configuration_parts import BETAS, EULER, TURBO
from inspector.models.configurations import PUBLISHED
from inspector.models.sampling import LCM, PIXART, SD3, SD35_TURBO, XL, Sampling, sampling_of, sampling_of_folder

SD = "StableDiffusionPipeline"


@pytest.mark.parametrize(
    ("scheduler", "turbo"),
    [
        (TURBO, True),
        (EULER, False),
        ({**TURBO, "prediction_type": "v_prediction"}, False),  # trailing steps alone distil nothing
        ({**TURBO, "rescale_betas_zero_snr": True}, False),
        ({**TURBO, "_class_name": "DDIMScheduler"}, False),
    ],
)
def test_turbos_are_told_by_their_trailing_steps_of_noise(scheduler: dict[str, object], turbo: bool) -> None:
    assert (sampling_of(SD, scheduler, {}).guidance == "none") == turbo


def test_a_consistency_model_without_an_embedded_scale_has_no_guidance() -> None:
    scheduler = {**BETAS, "_class_name": "LCMScheduler", "original_inference_steps": 40}
    told = sampling_of(SD, scheduler, {"time_cond_proj_dim": None})
    assert (told.guidance, told.guidance_scale, told.scheduler, told.most, told.noising) == (
        "none",
        1,
        "lcm",
        40,
        "lcm",
    )
    assert sampling_of(SD, scheduler, {"time_cond_proj_dim": 256}).guidance_scale == LCM.guidance_scale


def test_flux_2_says_in_its_index_whether_it_was_distilled() -> None:
    klein = PUBLISHED["flux2-klein"]
    told = [sampling_of(klein.pipeline, klein.scheduler, {}, {"is_distilled": done}) for done in (True, False)]
    assert [(one.guidance, one.steps, one.apart) for one in told] == [("none", 4, False), ("free", 50, True)]


def test_pixarts_consistency_model_is_told_by_its_scheduler() -> None:
    network = PUBLISHED["pixart-alpha"].parts["transformer"]
    assert sampling_of("PixArtAlphaPipeline", PUBLISHED["pixart-alpha"].scheduler, network) == PIXART
    told = sampling_of("PixArtAlphaPipeline", {**BETAS, "_class_name": "LCMScheduler"}, network)
    assert (told.guidance, told.scheduler, told.steps) == ("none", "lcm", 4)


def test_a_registered_folder_has_its_own_values_and_a_damaged_one_none(tmp_path: Path) -> None:
    sdxl = PUBLISHED["sdxl"]
    for name, content in {
        "model_index.json": {"_class_name": sdxl.pipeline, "unet": ["diffusers", "UNet2DConditionModel"]},
        "scheduler/scheduler_config.json": sdxl.scheduler,
        "unet/config.json": sdxl.parts["unet"],
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    assert catalog.spec(catalog.register_local(tmp_path)).sampling == XL
    assert catalog.usual_values(catalog.register_local(tmp_path))["guidance_scale"] == 5.0
    (tmp_path / "unet" / "config.json").write_text("{")
    assert sampling_of_folder(tmp_path) is None
    assert catalog.usual_values(catalog.register_local(tmp_path)) == {}


@pytest.mark.parametrize(
    ("folder", "index", "network", "expected"),
    [
        ("stable-diffusion-3.5-large-turbo", {}, {}, SD35_TURBO),
        ("sd3.5_large", {}, {}, SD3),
        ("models--stabilityai--stable-diffusion-3.5-large-turbo/snapshots/abc", {}, {}, SD35_TURBO),
        ("mine", {"_name_or_path": "stabilityai/stable-diffusion-3.5-large-turbo"}, {}, SD35_TURBO),
        ("mine", {}, {"_name_or_path": "../checkpoints/SD3.5-Large-Turbo"}, SD35_TURBO),
        # What files say goes before the folder's name.
        ("faster-than-turbo", {"_name_or_path": "stabilityai/stable-diffusion-3.5-medium"}, {}, SD3),
        ("mine", {"_name_or_path": "/data/checkpoint-4000"}, {}, replace(SD3, assumed="Stable Diffusion 3")),
    ],
)
def test_a_turbo_of_stable_diffusion_3_is_told_by_names(
    folder: str, index: dict[str, str], network: dict[str, str], expected: Sampling, tmp_path: Path
) -> None:
    sd3, place = PUBLISHED["stable-diffusion-3.5-large"], tmp_path / folder
    for name, content in {
        "model_index.json": {"_class_name": sd3.pipeline, **index},
        "scheduler/scheduler_config.json": sd3.scheduler,
        "transformer/config.json": {**sd3.parts["transformer"], **network},
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(json.dumps(content))
    assert sampling_of_folder(place) == expected


def test_requests_begin_with_stable_diffusions_values() -> None:
    from inspector.results import AttentionRequest

    request = AttentionRequest("a horse")
    assert Sampling().values == {name: getattr(request, name) for name in Sampling().values}
