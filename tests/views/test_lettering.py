"""Lettering: text that fits, and letters that can be set."""

import pytest

from inspector.views.lettering import drawable, font, shorten, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a horse, café, α ≥ 2, “so”…", "a horse, café, α ≥ 2, “so”…"),
        ("two\nlines\tand more", "two lines and more"),
        ("馬 🐎", "□ □"),
        ("\x00\x1b\u202e\ufffe\ud800", "□□□□□"),
        ("$x$ <b>&", "$x$ <b>&"),
    ],
)
@pytest.mark.parametrize("bold", [False, True])
def test_what_cannot_be_set_is_a_box(text: str, shown: str, bold: bool) -> None:
    assert drawable(text, bold) == shown


def test_a_long_text_keeps_as_much_of_its_beginning_as_fits() -> None:
    type_ = font(20)
    assert shorten("W" * 9, type_.getlength("W" * 9), type_) == "W" * 9
    assert shorten("W" * 9, type_.getlength("WWW…"), type_) == "WWW…"
    assert shorten("W" * 9, 0, type_) == "…"


def test_lines_break_between_words_and_a_vast_word_goes_on() -> None:
    type_ = font(20)
    width = type_.getlength("one two")
    assert wrap("one two  three", width, type_) == ["one two", "three"]
    assert wrap("one\u00a0two three", width, type_) == ["one\u00a0two", "three"]  # at no space that holds together
    vast = wrap("a " + "W" * 99 + " b", width, type_)
    assert all(type_.getlength(line) <= width for line in vast)
    assert "".join(vast).replace(" ", "") == "a" + "W" * 99 + "b"
    assert wrap("trees/palms", type_.getlength("trees/pal"), type_) == ["trees/", "palms"]
    assert wrap("W", 1, type_) == ["W"]
    assert wrap(" ", width, type_) == []
