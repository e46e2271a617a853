"""Keeping another prompt's layout: what the controls and a word that is written over ask for."""

from dataclasses import replace

import pytest

from inspector.errors import ChoiceError
from inspector.results import NOISE_ONCE, Edit
from inspector.ui import attention, edits, scenes
from inspector.ui.session import fingerprint
from tests.views import samples

COW, HORSE = "a cow on the grass", "a horse on the grass"


def test_controls_address_and_request_say_the_same() -> None:
    usual = {"seed": 7, "keep": attention.USUAL}
    plain = attention.make(None, None, COW, **usual)
    assert plain.edit is None
    assert attention.make(None, None, COW, **usual, cross_kept=0.1) == plain  # a share of nothing
    for asked in ({"source": HORSE, "cross_kept": 0.5}, {"weights": "cow: 2, grass:.5"}):
        request = attention.make(None, None, COW, **usual, **asked)
        values = attention.fields(request)
        assert attention.make_on_page(None, None, *values.values()) == request
        told = attention.SUBJECT.link(request)
        assert told["source"] == asked.get("source", COW)
        assert set(told) == {"tab", "prompt", "source", *asked}
    assert request.edit == Edit(COW, weights="cow: 2, grass: 0.5")


def test_a_given_picture_keeps_nothing() -> None:
    with pytest.raises(ChoiceError, match="A given picture is not generated"):
        attention.make(None, scenes.HORSE, COW, source=HORSE)


def test_a_word_written_over_keeps_the_layout_where_it_shall() -> None:
    result = samples.attention()
    ordinary = replace(result.request, prompt="a dog")
    assert edits.written_over(result, "horse", "dog") == edits.written_over(result, "horse", "dog", False) == ordinary
    kept = edits.written_over(result, "horse", "dog", True, 0.5, 0.25)
    assert kept == replace(ordinary, edit=Edit("a horse", 0.5, 0.25))


def test_the_next_word_keeps_the_layout_of_the_first_source_and_no_weights() -> None:
    result = samples.attention()
    result = replace(result, request=replace(result.request, edit=Edit("a cat", 0.1, weights="horse: 2")))
    assert edits.written_over(result, "horse", "dog", True, 0.8, 0.4).edit == Edit("a cat")
    assert edits.written_over(result, "horse", "dog", False).edit is None


def test_a_given_picture_is_asked_with_the_other_word_alone() -> None:
    result = samples.attention()
    once = {name: {NOISE_ONCE: getattr(result, name)[NOISE_ONCE]} for name in ("maps", "steps", "images")}
    given = replace(result, request=replace(result.request, image=samples.image(64, 64)), metrics=(), **once)
    asked = edits.written_over(given, "horse", "dog", True, 0.8, 0.4)
    assert fingerprint(asked) == fingerprint(replace(given.request, prompt="a dog"))
    with pytest.raises(ChoiceError, match="Keep the layout is 5; use true or false"):
        edits.written_over(result, "horse", "dog", 5, 0.8, 0.4)
