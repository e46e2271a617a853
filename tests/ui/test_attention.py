"""The attention tab's controls: which arms, noises and t they ask for, and what is told of a comparison."""

from dataclasses import replace
from typing import Any

import pytest

from inspector.errors import ChoiceError
from inspector.results import GENERATION, INVERSION, NOISE_ONCE
from inspector.ui import attention, changes, links, runs, scenes
from tests.views import samples

PROMPT = "a horse on the grass"


def test_the_usual_arms_are_asked_where_none_is_chosen() -> None:
    for none in ("", [], None):
        assert attention.make(None, None, PROMPT, arms=none) == attention.make(None, None, PROMPT)


@pytest.mark.parametrize("arms", [["inversion", "noise once"], "noise once, inversion"])
def test_arms_noises_and_t_are_the_requests(arms: Any) -> None:
    request = attention.make(None, None, PROMPT, arms=arms, seeds=3.0, timesteps="1, 301")
    assert request.arms == (GENERATION, NOISE_ONCE, INVERSION)
    assert (request.seeds, request.noise_timesteps) == (3, (301, 1))
    assert attention.fields(request) | {"arms": [GENERATION, NOISE_ONCE, INVERSION], "timesteps": "301, 1"} == (
        attention.fields(request)
    )


def test_an_arm_that_a_given_picture_cannot_have_is_refused_in_the_requests_words() -> None:
    with pytest.raises(ChoiceError, match="A given picture has no arm 'latent noised'"):
        attention.make(None, scenes.HORSE, PROMPT, arms=["latent noised"])
    with pytest.raises(ChoiceError, match="give a text with commas, or a list"):
        attention.make(None, None, PROMPT, arms=5)  # type: ignore[arg-type]


def test_an_address_tells_arms_noises_and_t_and_an_older_one_leads_where_it_led() -> None:
    kept = {"keep": attention.USUAL}
    request = attention.make(None, None, PROMPT, seed=7, arms="inversion", timesteps="every", **kept)
    told = attention.SUBJECT.link(request)
    assert told == {"tab": "attention", "arms": "generation, inversion", "timesteps": "every"}
    none = attention.make(None, None, PROMPT, seed=7)
    assert attention.SUBJECT.link(none) == {"tab": "attention", "keep": ""}
    assert attention.SUBJECT.request(links.read("?tab=attention&keep=", ("attention",))) == none
    older = links.read("?tab=attention&noise_timestep=50&steps=3", ("attention",))
    assert attention.SUBJECT.request(older) == replace(attention.first_request(), noise_timestep=50, steps=3)


def test_run_says_that_another_recipe_is_chosen_only_where_it_means_something_else() -> None:
    assert changes._same("arms", ["inversion"], ["generation", "inversion"])
    assert not changes._same("arms", ["noise once"], ["generation", "inversion"])
    assert changes._same("timesteps", "1,101", "101, 1")
    assert not changes._same("timesteps", "1", "101, 1")


def test_a_run_takes_the_line_for_as_long_as_it_calls_the_unet() -> None:
    usual = attention.make(None, None, PROMPT, steps=20)
    assert runs.units(usual) == 20 + 1
    assert runs.units(attention.make(None, None, PROMPT, 20, seeds=4, timesteps="1, 101")) == 20 + 4 * 2
    assert runs.units(attention.make(None, scenes.HORSE, PROMPT, 5, arms="inversion")) == 3 * 5


def test_the_notes_tell_how_well_inversion_leads_back() -> None:
    assert "dB" not in attention.notes(samples.attention())
    back = samples.attention(reconstruction={"psnr": 31.26, "rms": 0.125})
    told = "comes back to within 31.3 dB of the picture; its latents are off by 12.5% of their own deviation."
    assert told in attention.notes(back)


def test_choosing_a_model_sets_what_is_usual_for_it() -> None:
    assert attention.usual_values("sd-turbo") == (1, 1.0, "euler")
    assert attention.usual_values("sdxl") == (20, 5.0, "ddim")
    assert attention.usual_values("scenes-diffusion") == (20, 7.5, "ddim")
