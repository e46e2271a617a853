"""Pieces of HTML: everything a visitor wrote stays text."""

import numpy as np
import pytest

from inspector.models.catalog import spec
from inspector.results import Progress, Provenance
from inspector.ui import parts
from inspector.views.table import Table

EVIL = "<img src=x onerror=alert(1)>\"'"


@pytest.mark.parametrize(
    "html",
    [
        parts.placeholder(EVIL),
        parts.problem(EVIL),
        parts.hint(EVIL),
        parts.note(EVIL),
        parts.progress(Progress(1, 2, EVIL)),
        parts.done(Provenance({EVIL: EVIL}, EVIL, EVIL, {}, 1.0)),
        parts.recipes(EVIL, EVIL),
        parts.caption(EVIL),
        parts.table(Table((EVIL,), ((EVIL,),)), EVIL),
    ],
)
def test_what_a_visitor_wrote_stays_text(html: str) -> None:
    assert "<img" not in html
    assert "&lt;img" in html
    assert "\"'" not in html


def test_progress_says_how_far_and_how_long() -> None:
    html = parts.progress(Progress(5, 20, "Step 5 of 20", 12.4, np.zeros((8, 8, 3), np.uint8)))
    assert "Step 5 of 20 · 12 s left" in html
    assert "width:25.0%" in html
    assert 'alt="Preview of step 5"' in html
    assert "<img" not in parts.progress(Progress(5, 20, "Step 5"))


def test_progress_says_of_which_step_its_picture_is() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    html = parts.progress(Progress(5, 21, "Step 5 of 20", 12.4, picture, (5, 20, 751)))
    assert ' data-step="5" data-steps="20" data-timestep="751">' in html
    assert "data-step" not in parts.progress(Progress(20, 21, "Adding noise once", preview=picture))


def test_models_say_what_they_cost_before_they_are_fetched() -> None:
    html = parts.models([spec("stable-diffusion-1.5"), spec("scenes-clip")])
    for told in (
        "1,066 million weights",
        "2.1 GB to fetch, when you press Run",
        "wants a GPU",
        "CreativeML OpenRAIL-M",
    ):
        assert told in html
    assert "nothing to fetch" in html


def test_models_say_what_they_were_told() -> None:
    html = parts.models([spec("scenes-clip"), spec("scenes-diffusion-plain"), spec("stable-diffusion-1.5")])
    assert "(embedded)</b>: told by captions where words are, patch by patch; nothing to fetch" in html
    assert "plain (embedded)</b>: trained with captions alone: nobody told it where words are; nothing to fetch" in html
    assert "1.5</b>: 1,066 million" in html


def test_a_recipe_that_does_not_exist_is_not_offered() -> None:
    assert "Copy as command" not in parts.recipes("python", "")
    assert "Copy as Python" in parts.recipes("python", "")


def test_an_empty_table_is_nothing() -> None:
    assert parts.table(Table((), ()), "caption") == ""
