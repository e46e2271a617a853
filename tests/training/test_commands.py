"""The three training commands, a few steps each: what they write is what the loaders load."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inspector import world
from inspector.models import load_clip, load_diffusion
from inspector.models.catalog import register_local
from inspector.training import autoencoder, clip, diffusion, probes


@pytest.fixture
def short(monkeypatch):
    """Presets of 2 steps on 16 scenes, probes on two; returns a function that sets another length."""

    def length(steps: int) -> None:
        for module in (clip, autoencoder, diffusion):
            options = module.PRESETS["cpu"]
            schedule = replace(options["schedule"], steps=steps, batch=4, probe_every=2)
            short = {"scenes": 16, "coarse_steps": 1, "schedule": schedule}  # one step of each phase
            monkeypatch.setitem(module.PRESETS, "cpu", {**options, **short})

    monkeypatch.setattr(probes, "SCENES", 2)
    monkeypatch.setattr(probes, "TIMESTEPS", (100,))
    monkeypatch.setattr(diffusion, "SAMPLE_STEPS", 2)
    length(2)
    return length


@pytest.mark.slow
def test_the_commands_write_models_that_load_and_resume_without_a_checkpoint(short, tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "models"
    for module in (clip, autoencoder, diffusion):
        assert module.train("cpu", runs=runs, out=out)

    clip_model = load_clip(register_local(out / "scenes-clip"))
    image = world.scene(500_000, 128).image
    trunk = clip_model.trunk(clip_model.pixels(image))
    assert trunk.grid == (16, 16)
    assert np.isfinite(clip_model.text(["a photo of a horse."]).numpy()).all()
    model = load_diffusion(register_local(out / "scenes-diffusion"))
    latents = model.encode_images(image[None])
    assert model.decode(latents).shape == (1, 128, 128, 3)
    assert model.vae.config.scaling_factor != 1.0

    told = [json.loads(line) for line in (runs / "diffusion" / "log.jsonl").read_text().splitlines()]
    assert 0 <= told[-1]["probe"]["attention_ap"] <= 1
    told = [json.loads(line) for line in (runs / "clip" / "log.jsonl").read_text().splitlines()]
    assert set(told[-1]["probe"]) == {"pointing_class", "pointing_mean", "maskclip_miou"}

    card = json.loads((out / "scenes-diffusion" / "card.json").read_text())
    assert card["world"]["fingerprint"] == world.fingerprint()
    assert set(card["parts"]) == {"autoencoder", "unet"}
    assert card["parts"]["unet"]["steps"] == 2

    for path in out.rglob("*.json"):
        assert str(tmp_path) not in path.read_text(), f"{path.name} tells the folder it was made in"

    short(3)  # one more step, with the checkpoints gone
    for module in (clip, autoencoder, diffusion):
        assert module.train("cpu", resume=True, runs=tmp_path / "others", out=out)
    assert json.loads((out / "scenes-clip" / "card.json").read_text())["parts"]["clip"]["steps"] == 3


def test_training_seeds_are_held(tmp_path):
    from inspector.errors import ChoiceError
    from inspector.training.data import scene_store

    with pytest.raises(ChoiceError, match="training seeds"):
        scene_store(tmp_path, 10, 64, first=world.TRAINING_SEEDS.stop - 5)
