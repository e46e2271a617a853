"""Known: who asks the embedded models about what they never saw is told."""

from dataclasses import replace
from typing import Any

import pytest

from inspector.models.catalog import spec
from inspector.pipelines.known import warning
from inspector.results import AttentionRequest, SaliencyRequest
from tests.views import samples

CLIP, DIFFUSION = spec("scenes-clip"), spec("scenes-diffusion")


def asked(classes: str, scene: int | None = 3, **changes: Any) -> SaliencyRequest:
    return replace(samples.saliency().request, classes=classes, scene=scene, **changes)


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ("car, buildings, sky", ""),
        ("car, astronaut", "has never seen “astronaut”: its map means nothing."),
        ("llama, car, astronaut/spaceman", "has never seen “llama”, “astronaut”: their maps mean nothing."),
        ("spaceman/car", ""),  # one synonym is known
        (", ".join(f"thing{n}" for n in range(9)), "“thing5” and 3 more: their maps mean nothing."),
    ],
)
def test_words_that_no_drawn_scene_shows_are_named(classes: str, told: str) -> None:
    found = warning(asked(classes), CLIP)
    assert found.endswith(told)
    assert bool(found) == bool(told)


def test_a_photograph_is_not_a_drawn_scene() -> None:
    assert "knows drawn scenes alone" in warning(asked("car", scene=None, masks={}), CLIP)
    assert warning(asked("car", scene=None), CLIP) == ""  # with masks of its own: it was drawn, if not here


def test_a_prompt_of_which_nothing_is_known() -> None:
    for prompt, known in (("a horse on the grass", True), ("an astronaut in space", False)):
        assert ("an astronaut in space" in warning(AttentionRequest(prompt), DIFFUSION)) is not known


def test_models_of_the_hub_know_photographs() -> None:
    assert warning(asked("astronaut", scene=None, masks={}), spec("laion-vit-b-16")) == ""


def test_the_longest_warning_fits_into_a_result() -> None:
    told = warning(asked(", ".join(f"{n}{'x' * 55}" for n in range(20))), CLIP)
    assert replace(samples.PROVENANCE, warning=told).warning == told
