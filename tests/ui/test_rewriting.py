"""A word or a class that is written over."""

from dataclasses import replace

import pytest

from inspector.errors import InputError
from inspector.results import Token
from inspector.ui.rewriting import with_class, with_word
from tests.views import samples


def test_a_word_is_replaced_wherever_it_stands_and_nothing_else_changes() -> None:
    result = samples.attention()
    assert with_word(result, "horse", "red dog") == replace(result.request, prompt="a red dog")
    twice = replace(
        result,
        request=replace(result.request, prompt="a horse, a horse"),
        tokens=(
            Token(0, "<start>", 0, 0), Token(1, "a", 0, 1), Token(2, "hor", 2, 5), Token(3, "se", 5, 7),
            Token(4, ",", 7, 8), Token(5, "a", 9, 10), Token(6, "hor", 11, 14), Token(7, "se", 14, 16),
            Token(8, "<end>", 0, 0),
        ),
        maps={arm: {name: maps[:, [0] * 9] for name, maps in layers.items()} for arm, layers in result.maps.items()},
    )  # fmt: skip
    assert with_word(twice, "horse", "ox").prompt == "a ox, a ox"
    assert with_word(twice, "horse#2", "ox").prompt == "a horse, a ox"
    again = replace(
        result,
        request=replace(result.request, prompt="big big"),
        tokens=(Token(0, "<start>", 0, 0), Token(1, "big", 0, 3), Token(2, "big", 4, 7), Token(3, "<end>", 0, 0)),
    )
    assert with_word(again, "big", "red").prompt == "red red"
    with pytest.raises(InputError, match="cat"):
        with_word(result, "cat", "dog")


def test_a_class_is_replaced_by_one_or_several() -> None:
    for result in (samples.saliency(), samples.segmentation()):
        own = result.request.classes
        assert with_class(result, "car", "bus").classes == (("bus",), *own[1:])
        assert with_class(result, "car", "bus/coach, van").classes == (("bus", "coach"), ("van",), *own[1:])
        for name, text in (("cat", "dog"), ("car", " , "), ("car", own[1][0])):
            with pytest.raises(InputError):
                with_class(result, name, text)
