"""Edits: what is asked for, and which words stand for which."""

import numpy as np
import pytest

from inspector.errors import ChoiceError, InputError, PromptError
from inspector.results import AttentionRequest, Edit, edit_of
from inspector.results.rewording import pieces, reworded, written_over

IMAGE = np.zeros((64, 64, 3), np.uint8)


def told(source: str, prompt: str) -> list[tuple[str, str]]:
    return [(old.text if old else "", new.text if new else "") for old, new in reworded(source, prompt)]


def test_words_and_the_signs_between_them_are_pieces() -> None:
    found = pieces("a t-shirt, red!! 3.5 m")
    assert [(one.text, one.sign) for one in found] == [
        ("a", False), ("t-shirt", False), (",", True), ("red", False), ("!!", True), ("3.5", False), ("m", False),
    ]  # fmt: skip
    assert all("a t-shirt, red!! 3.5 m"[one.start : one.stop] == one.text for one in found)
    assert pieces(" ") == ()


@pytest.mark.parametrize(
    ("source", "prompt", "pairs"),
    [
        ("a horse", "A Horse", [("a", "A"), ("horse", "Horse")]),
        ("a horse on grass", "a cow on grass", [("a", "a"), ("horse", "cow"), ("on", "on"), ("grass", "grass")]),
        ("a horse", "a red horse", [("a", "a"), ("", "red"), ("horse", "horse")]),
        ("a horse", "a red cow", [("a", "a"), ("", "red"), ("horse", "cow")]),
        ("a big horse", "a cow", [("a", "a"), ("big", ""), ("horse", "cow")]),
        (
            "a dog and a dog",
            "a dog and a cat",
            [("a", "a"), ("dog", "dog"), ("and", "and"), ("a", "a"), ("dog", "cat")],
        ),
        ("a horse.", "a horse on grass", [("a", "a"), ("horse", "horse"), ("", "on"), ("", "grass"), (".", "")]),
        ("a, b", "a; c", [("a", "a"), ("b", "c"), (",", ";")]),
    ],
)
def test_which_pieces_stand_for_which(source: str, prompt: str, pairs: list[tuple[str, str]]) -> None:
    assert told(source, prompt) == pairs


def test_the_first_word_that_was_written_over() -> None:
    assert written_over("a horse, grass", "a red cow, sand") == ("@2:7", "@6:9")
    assert written_over("a horse", "a red Horse!") is None


def test_weights_are_one_spelling_of_a_text() -> None:
    edit = Edit(" a horse ", 1, 0, "horse:2; the grass : .50,")
    assert (edit.source, edit.weights) == ("a horse", "horse: 2, the grass: 0.5")
    assert edit.factors == (("horse", 2.0), ("the grass", 0.5))
    assert Edit("a", weights=edit.weights) == Edit("a", weights="horse: +2, the grass: 0.5")
    assert Edit("a", weights="@2:7: -1.5").factors == (("@2:7", -1.5),)
    assert Edit("a").factors == ()
    assert Edit("a", 0.8, 0.4).kept(20) == (16, 8)
    assert Edit("a", 0.29, 1).kept(100) == (29, 100)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"source": ""}, "The source is empty"),
        ({"cross_kept": 1.1}, "cross_kept is 1.1; use a number from 0 to 1"),
        ({"self_kept": True}, "self_kept is True"),
        ({"weights": "horse"}, "weights has 'horse'; give words with a number"),
        ({"weights": "horse: much"}, "give words with a number"),
        ({"weights": ": 2"}, "give words with a number"),
        ({"weights": "horse: nan"}, "give words with a number"),
        ({"weights": "horse: 11"}, "the weight of 'horse' is 11.0; use a number from -10 to 10"),
        ({"weights": "horse: 1, Horse: 2"}, "weights has 'Horse' twice"),
        ({"weights": ", ".join(f"w{number}: 1" for number in range(21))}, "21 words have a weight; at most 20 may"),
        ({"weights": 5}, "weights is 5; give a text"),
    ],
)
def test_what_is_no_edit_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Edit(**{"source": "a horse"} | given)


def test_an_edit_belongs_to_a_generated_picture_and_weighs_words_that_are_there() -> None:
    edit = Edit("a horse", weights="cow: 2")
    assert AttentionRequest("a cow", edit=edit).edit is edit
    with pytest.raises(PromptError, match="weights has 'cow', which is not in the prompt"):
        AttentionRequest("a dog", edit=edit)
    with pytest.raises(ChoiceError, match="A given picture is not generated"):
        AttentionRequest("a cow", IMAGE, edit=edit)
    with pytest.raises(ChoiceError, match="a Edit is expected"):
        AttentionRequest("a cow", edit="a horse")  # type: ignore[arg-type]


def test_what_the_controls_ask_for() -> None:
    assert edit_of("a cow", "", 0.8, 0.4, " ") is None
    assert edit_of("a cow", "a horse", 0.5, 0, "") == Edit("a horse", 0.5, 0)
    assert edit_of("a cow", " ", 0.8, 0.4, "cow: 2") == Edit("a cow", weights="cow: 2")
    for wrong in ({"source": 5}, {"weights": None}, {"cross_kept": 2}, {"self_kept": "x"}):
        usual = {"source": "", "cross_kept": 0.8, "self_kept": 0.4, "weights": ""}
        with pytest.raises(ChoiceError, match=next(iter(wrong))):
            edit_of("a cow", **usual | wrong)


def test_the_sources_run_counts_as_far_as_it_is_kept() -> None:
    calls = [
        AttentionRequest("a", steps=20, edit=edit).calls["generation"] for edit in (None, Edit("b"), Edit("b", 0, 0))
    ]
    assert calls == [20, 36, 20]
