"""Spelling: what a word of a text is, and where one stands, in every script."""

import pytest

from inspector.results.spelling import folded, names, plain_name, said, spans, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a snow-white sky and snow", "a snow-white sky and snow"),
        ("a t-shirt", "a t-shirt"),
        ("sheep's wool", "sheep's wool"),
        ("the dog\u2019s t\u2011shirt", "the dog\u2019s t\u2011shirt"),
        ("rock'n'roll isn't dead", "rock'n'roll isn't dead"),
        ("3.5 and 1,000", "3.5 and 1,000"),
        ("well - known, 'quoted'!", "well known quoted"),
        ("the horses' tails", "the horses tails"),
        ("na\u00efve_co-op", "na\u00efve_co-op"),
        ("एक सुंदर घोड़ा", "एक सुंदर घोड़ा"),  # vowel signs belong to their letters
        ("一匹白马", "一 匹 白 马"),
        ("ひらカタカナ", "ひ ら カタカナ"),
        ("caf\u00e9 cafe\u0301x", "caf\u00e9 cafe\u0301x"),
        ("a 🐑 and 👩\u200d👩\u200d👧", "a 🐑 and 👩\u200d👩\u200d👧"),
        ("🇫🇷🇩🇪 1\ufe0f\u20e3 2 👍🏽", "🇫🇷 🇩🇪 1\ufe0f\u20e3 2 👍🏽"),
        ("ม้า บน", "ม้า บน"),
        ("שָׁלוֹם عَرَبِيّ", "שָׁלוֹם عَرَبِيّ"),
        ("", ""),
        ("!!! - '", ""),
    ],
)
def test_what_a_word_is(text: str, found: str) -> None:
    assert [word.text for word in words(text)] == found.split()
    assert all(text[word.start : word.stop] == word.text for word in words(text))


def shown(text: str, asked: str) -> list[str]:
    return [text[start:stop] for start, stop in spans(text, asked)]


@pytest.mark.parametrize(
    ("text", "asked", "found"),
    [
        ("a snow-white sky and snow", "snow", ["snow"]),
        ("a snow-white sky and snow", "white", []),
        ("a snow-white sky", "Snow\u2010White  SKY", ["snow-white sky"]),
        ("a t-shirt and a shirt", "shirt", ["shirt"]),
        ("sheep's wool and sheep", "sheep", ["sheep"]),
        ("the dog\u2019s bone", "dog's", ["dog\u2019s"]),
        ("the horses' tails", "horses", ["horses"]),
        ("一匹白马在草地上", "马", ["马"]),
        ("一匹白马在草地上", "白马", ["白马"]),
        ("ม้าบนหญ้า", "หญ้า", ["หญ้า"]),
        ("カタカナ", "タカ", ["タカ"]),
        ("caf\u00e9", "cafe\u0301", ["caf\u00e9"]),
        ("a cafe\u0301", "caf\u00e9", ["cafe\u0301"]),
        ("a cafe\u0301", "cafe", []),  # half of a letter is none
        ("straße", "STRASSE", ["straße"]),
        ("ﬁne", "fine", ["ﬁne"]),
        ("👩\u200d👩\u200d👧", "👩", []),
        ("a 🐑", "🐑", ["🐑"]),
        ("a,  b", ", b", [",  b"]),
        ("horse", "hors", []),
        ("horse", "", []),
        ("horse", "   ", []),
    ],
)
def test_where_a_word_or_phrase_stands(text: str, asked: str, found: list[str]) -> None:
    assert shown(text, asked) == found


def test_each_occurrence_can_be_asked_for() -> None:
    text = "a sheep and another Sheep, SHEEP"
    assert shown(text, "sheep") == ["sheep", "Sheep", "SHEEP"]
    assert [shown(text, f"sheep#{number}") for number in (1, 2, 3, 4)] == [["sheep"], ["Sheep"], ["SHEEP"], []]
    assert names(text) == ("a", "sheep", "sheep#1", "sheep#2", "sheep#3", "and", "another")
    assert plain_name("sheep#2") == "sheep"
    assert plain_name("sheep") == plain_name(plain_name("sheep"))


def test_a_text_without_a_word_can_be_asked_for_as_a_whole() -> None:
    assert names(" !!! ?") == ("!!! ?",)
    assert shown(" !!! ?", "!!! ?") == ["!!! ?"]
    assert names("  ") == ()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("@2:7", ["sheep"]),
        (" @4:9 ", ["eep a"]),
        ("@0:1", ["a"]),
        ("@12:99", ["d"]),
        ("@13:99", []),
        ("@5:5", []),
        ("@7:2", []),
        ("@-1:3", []),
    ],
)
def test_any_characters_can_be_asked_for(asked: str, found: list[str]) -> None:
    assert shown("a sheep and d", asked) == found


def test_characters_are_said_as_they_are_written() -> None:
    assert said("a sheep", "@2:7") == "sheep"
    assert said("a sheep", "sheep#1") == "sheep#1"
    assert said("mail a@2:7", "a@2:7") == "a@2:7"


def test_a_number_that_is_written_in_the_text_is_text() -> None:
    assert shown("sheep sheep#2", "sheep#2") == ["sheep#2"]
    assert shown("#1 of the sheep", "#1") == ["#1"]


def test_texts_are_compared_without_what_cannot_be_seen() -> None:
    assert folded("Caf\u00e9 ") == folded("cafe\u0301")
    assert folded("T\u2011Shirt") == folded("t-shirt")
    assert folded("horse") != folded("horses")
