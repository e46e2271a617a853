"""Stored verdicts: which curves a page draws of them, and that each example is an address of its map."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from inspector.ui import attention, links
from inspector.views.atlases import atlas_of
from inspector.views.verdict import stored
from tests.views import samples
from tests.views.verdicts import kept

MODEL = "scenes-diffusion"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"verdict-{MODEL}.json").write_text(json.dumps(kept()))
    return tmp_path


def test_a_model_that_was_not_measured_has_none(folder: Path) -> None:
    assert stored("local:mine", folder) is None
    assert stored(f"../{folder.name}/verdict-{MODEL}", folder) is None
    assert atlas_of(samples.attention()).facts["compared"]["generation"] == "generation"


def test_curves_are_by_measure_layer_and_arm_from_the_least_t_on(folder: Path) -> None:
    found = stored(MODEL, folder)
    assert found is not None
    assert (found["count"], found["seeds"]) == ({"given": 2, "generated": 1}, 3)
    points = {(one["of"], one["measure"], one["layer"], one["arm"]): one["points"] for one in found["curves"]}
    assert points["given", "ap", "mean", "noise once"] == [[1, 0.5, 0.1], [301, 0.4, None]]
    assert points["given", "ap", "16", "noise once"] == [[1, 0.6, 0.1]]
    assert points["generated", "correlation", "mean", "inversion"] == [[1, 1.0, 0.1], [301, 0.9, 0.1]]
    assert ("generated", "correlation", "mean", "noise once") not in points  # nothing was scored
    json.dumps(found, allow_nan=False)


def test_an_example_is_the_word_nearest_to_the_mean_with_the_picture_and_noises_that_were_measured(
    folder: Path,
) -> None:
    found = stored(MODEL, folder)
    assert found is not None
    told = dict(parse_qsl(found["examples"]["given"]["noise once"]["1"]))
    assert (told["word"], told["arm"], told["t"]) == ("horse", "noise once", "1")
    assert dict(parse_qsl(found["examples"]["given"]["noise once"]["301"]))["word"] == "grass"
    request = attention.SUBJECT.request(links.read(found["examples"]["given"]["mean of seeds"]["301"], ("attention",)))
    assert (request.scene, request.prompt, request.seed, request.seeds) == (500_022, "a horse on the grass.", 640, 3)
    assert (request.arms, request.noise_timesteps) == (("mean of seeds",), (301, 1))


def test_a_generated_example_stands_beside_its_generation_and_is_made_in_its_steps(folder: Path) -> None:
    found = stored(MODEL, folder)
    assert found is not None
    address = found["examples"]["generated"]["inversion"]["1"]
    assert [value for name, value in parse_qsl(address) if name == "arm"] == ["generation", "inversion"]
    request = attention.SUBJECT.request(links.read(address, ("attention",)))
    assert (request.image, request.steps) == (None, 4)
