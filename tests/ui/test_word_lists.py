"""Classes from a word list, without a browser."""

import gradio as gr
import pytest

from inspector.results import parse_classes
from inspector.settings import settings
from inspector.ui import runs, word_lists
from inspector.vocabularies import vocabulary


def test_a_whole_list_becomes_the_classes_of_both_tabs() -> None:
    one, other, told = word_lists.all_of("voc-20")
    assert one == other
    assert parse_classes(one) == vocabulary("voc-20")
    assert "20 classes" in told


@pytest.mark.parametrize(
    ("name", "said"), [("ade-150", "let CLIP choose"), ("nothing", "use one of"), (3, "word list")]
)
def test_a_list_that_cannot_be_asked_at_once_says_what_to_do(name: object, said: str) -> None:
    *kept, told = word_lists.all_of(name)
    assert kept == [gr.skip(), gr.skip()]
    assert said in told


def test_a_word_with_a_comma_or_slash_inside_is_no_word_of_a_list() -> None:
    for name in word_lists.LISTS:
        words, most = word_lists.words_of(name), settings().limits.max_classes
        for start in range(0, len(words), most):
            asked = words[start : start + most]
            assert parse_classes(word_lists.parts.classes(asked)) == asked


def test_what_clip_sees_comes_after_its_progress_and_an_error_as_a_sentence() -> None:
    *waits, (one, other, told) = word_lists.seen_here(None, 504307, "scenes-clip-plain", "scenes", 5.0, 2.75, None)
    assert one == other
    assert "car" in one.split(", ")
    assert len(parse_classes(one)) <= 5
    assert told.count("−") == len(parse_classes(one)) - 1
    assert all(classes == gr.skip() for classes, _, _ in waits)
    *_, (*kept, said) = word_lists.seen_here(None, 504307, "no-clip", "scenes", 5, 2.75, None)
    assert kept == [gr.skip(), gr.skip()]
    assert "no-clip" in said
    assert runs.idle()
