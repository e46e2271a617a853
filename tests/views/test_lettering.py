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


def test_lines_break_between_words_and_a_vast_word_is_cut() -> None:
    type_ = font(20)
    width = type_.getlength("one two")
    assert wrap("one two  three", width, type_) == ["one two", "three"]
    assert wrap("a " + "W" * 99 + " b", width, type_)[1].endswith("W…")
    assert all(type_.getlength(line) <= width for line in wrap("a " + "W" * 99 + " b", width, type_))
    assert wrap(" ", width, type_) == []
