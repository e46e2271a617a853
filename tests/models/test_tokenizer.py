"""The tokenizer: learned by hand-checkable rules, and read alike by both libraries."""

import gzip
from pathlib import Path

import pytest

from inspector.errors import ModelFilesError
from inspector.models.tokenizer import (
    MERGES_FILE,
    common_words,
    learn_merges,
    open_fast_tokenizer,
    open_tokenizer,
    plain,
    vocabulary,
    write_tokenizer,
)
from inspector.world import CLASSES

TRICKY = (
    "",
    "   ",
    "a photo of the horse.",
    "It's the DOG's 3rd house, isn't it?!  12 cars\n\tand grass",
    "don't we'll they've I'm he'd you're 'S !'s",
    "naïve Straße ÅÄÖ café 你好 🙂 ½",
    "x" * 100,
    "horse-car_grass/house... (green) [car] {} # @ $%^&*",
)


def test_merges_are_learned_by_weighted_frequency() -> None:
    # "ab" in abc (5) and abd (3) weighs 8; then "abc" 5; then "abd" 3.
    assert learn_merges({"abc": 5, "abd": 3}, 3) == [("a", "b"), ("ab", "c</w>"), ("ab", "d</w>")]


def test_a_repeated_letter_merges_from_the_left() -> None:
    # a a a</w>: the pair (a, a) weighs 1, as (a, a</w>) does; the later in code point order goes first.
    assert learn_merges({"aaa": 1}, 2) == [("a", "a</w>"), ("a", "aa</w>")]
    # a a a a b becomes aa aa b, never a aaa b; then (aa, b) goes before (aa, aa) by code point.
    assert learn_merges({"aaaab": 1}, 3) == [("a", "a"), ("aa", "b</w>"), ("aa", "aab</w>")]


def test_no_symbol_is_learned_twice() -> None:
    merges = learn_merges(common_words(), 700)
    assert len(vocabulary(merges)) == 512 + 700 + 2


def test_every_class_of_the_world_can_be_one_token(tmp_path: Path) -> None:
    words = common_words() | dict.fromkeys(CLASSES, 10_000)
    write_tokenizer(tmp_path, learn_merges(words, 600), 32)
    tokenizer = open_tokenizer(tmp_path)
    assert {name: len(tokenizer.encode(name)) for name in CLASSES} == dict.fromkeys(CLASSES, 1)


def test_the_file_has_no_trailing_newline_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_tokenizer(tmp_path / name, [("a", "b</w>")], 8)
    assert gzip.decompress((tmp_path / "one" / MERGES_FILE).read_bytes()) == b"#version: 0.2\na b</w>"
    assert (tmp_path / "one" / MERGES_FILE).read_bytes() == (tmp_path / "two" / MERGES_FILE).read_bytes()


def test_the_end_of_text_is_the_highest_id_in_both(tokenizer_folder: Path) -> None:
    slow, fast = open_tokenizer(tokenizer_folder), open_fast_tokenizer(tokenizer_folder)
    assert slow.eot_token_id == fast.eos_token_id == slow.vocab_size - 1 == len(fast) - 1
    assert slow.sot_token_id == fast.bos_token_id == slow.vocab_size - 2
    assert slow.context_length == fast.model_max_length == 16


@pytest.mark.parametrize("text", TRICKY)
def test_both_libraries_give_equal_ids(tokenizer_folder: Path, text: str) -> None:
    slow, fast = open_tokenizer(tokenizer_folder), open_fast_tokenizer(tokenizer_folder)
    assert slow.encode(text) == fast(text, add_special_tokens=False, verbose=False)["input_ids"]


def test_they_differ_where_open_clip_mends_the_text_first(tokenizer_folder: Path) -> None:
    # Known and accepted: written down so that a change in either library is seen.
    slow, fast = open_tokenizer(tokenizer_folder), open_fast_tokenizer(tokenizer_folder)
    assert slow.encode("&amp;") == slow.encode("&")
    assert fast("&amp;", add_special_tokens=False)["input_ids"] != slow.encode("&")


@pytest.mark.parametrize("control", ["<|endoftext|>", "<|StartOfText|>", "<end_of_text>", "<START_OF_TEXT>"])
def test_plain_removes_typed_control_tokens_and_keeps_positions(tokenizer_folder: Path, control: str) -> None:
    text = f"car {control} horse"
    cleaned = plain(text)
    assert len(cleaned) == len(text)
    assert cleaned.split() == ["car", "horse"]
    assert cleaned.index("horse") == text.index("horse")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"bpe.txt.gz"):
        open_tokenizer(tmp_path)
