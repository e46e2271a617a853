"""Pieces of HTML: everything a visitor wrote stays text."""

import numpy as np
import pytest

from inspector.results import Progress, Provenance
from inspector.ui import parts
from inspector.views.figure import Bar
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
        parts.colour_bar(Bar(0, 1, "viridis"), EVIL),
        parts.legend([(EVIL, np.zeros(3, np.uint8))]),
        parts.table(Table((EVIL,), ((EVIL,),)), EVIL),
        parts.readings(EVIL, [(EVIL, 1.0, 1.0)]),
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


def test_a_bar_has_its_true_ends() -> None:
    html = parts.colour_bar(Bar(0.0123456, 2, "viridis"), "car")
    assert "<span>0.0123</span>" in html
    assert "<span>2</span>" in html
    assert parts.colour_bar(None, "car") == ""


def test_meters_stay_inside() -> None:
    html = parts.readings("at", [("a", 3.0, 1.7), ("b", -1.0, -0.2)])
    assert "width:100.0%" in html
    assert "width:0.0%" in html


def test_an_empty_table_is_nothing() -> None:
    assert parts.table(Table((), ()), "caption") == ""
