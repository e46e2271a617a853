"""Known: who asks the embedded models about what they never saw is told."""

from dataclasses import replace
from typing import Any

import pytest

from inspector.results import AttentionRequest
from inspector.ui.known import warning
from tests.views import samples

OWN = replace(samples.PROVENANCE, models={"scenes-clip": "abc"})
DRAWN = replace(OWN, models={"scenes-diffusion": "abc"})


def asked(classes: str, scene: int | None = 3, **changes: Any) -> Any:
    result = samples.saliency(provenance=OWN)
    count = classes.count(",") + 1
    request = replace(result.request, classes=classes, scene=scene, **changes)
    return replace(
        result,
        request=request,
        grid_signed=result.grid_signed[:1].repeat(count, 0),
        probabilities=result.probabilities[:1].repeat(count),
        scores=result.scores[:1].repeat(count),
        metrics=(),
    )


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ("car, buildings, sky", ""),
        ("car, astronaut", "has never seen “astronaut”: its map means nothing."),
        ("llama, car, astronaut/spaceman", "has never seen “llama”, “astronaut”: their maps mean nothing."),
        ("spaceman/car", ""),  # one synonym is known
    ],
)
def test_words_that_no_drawn_scene_shows_are_named(classes: str, told: str) -> None:
    found = warning(asked(classes))
    assert found.endswith(told)
    assert bool(found) == bool(told)


def test_a_photograph_is_not_a_drawn_scene() -> None:
    assert "knows drawn scenes alone" in warning(asked("car", scene=None, masks={}))
    assert warning(asked("car", scene=None)) == ""  # with masks of its own: it was drawn, if not here


def test_a_prompt_of_which_nothing_is_known() -> None:
    for prompt, known in (("a horse on the grass", True), ("an astronaut in space", False)):
        result = samples.attention(provenance=DRAWN)
        tokens = tuple(replace(token, start=0, stop=0) for token in result.tokens)
        result = replace(result, request=AttentionRequest(prompt, steps=3), tokens=tokens, metrics=())
        assert ("an astronaut in space" in warning(result)) is not known


def test_models_of_the_hub_know_photographs() -> None:
    result = asked("astronaut", scene=None, masks={})
    assert warning(replace(result, provenance=replace(OWN, models={"laion-vit-b-16": "abc"}))) == ""
