"""Captions: spans point at their words, what they say is true of the facts, wording varies."""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from inspector import world
from inspector.errors import ChoiceError
from inspector.world import Caption, Scene, write_caption
from inspector.world.captions import LIGHTS, NUMBERS, PLACES, SIZES
from inspector.world.classes import KINDS

Facts = dict[str, Any]
COLOUR_WORDS = {*world.COLOURS, "dark"}


@pytest.fixture(scope="module")
def described(scenes: list[Scene]) -> list[Facts]:
    return [scene.facts for scene in scenes[:200]]


def captions(described: list[Facts], each: int = 12) -> Iterator[tuple[Facts, Caption]]:
    for index, facts in enumerate(described):
        rng = np.random.default_rng(index)
        for _ in range(each):
            yield facts, write_caption(facts, rng)


def instances(facts: Facts, word: str) -> list[dict[str, Any]]:
    return [item for item in facts["instances"] if item["word"] == word]


def before(caption: Caption, start: int) -> list[str]:
    """The words between a noun and what was named before it, a comma or an `and`."""
    return re.split(r",| and | of | with | on | see | is | are ", caption.text[:start])[-1].split()


def test_a_scene_carries_its_caption() -> None:
    scene = world.scene(5)
    assert scene.spans
    assert {scene.caption[start:stop] for start, stop, _ in scene.spans} <= {
        form for word in scene.masks for form in (word, world.PLURALS.get(word), *world.SYNONYMS.get(word, ()))
    }


def test_spans_are_the_class_words(described: list[Facts]) -> None:
    for facts, caption in captions(described):
        assert caption.spans
        assert list(caption.spans) == sorted(caption.spans)
        for start, stop, word in caption.spans:
            assert caption.text[start:stop] in {word, world.PLURALS.get(word), *world.SYNONYMS.get(word, ())}
            assert instances(facts, word), f"{caption.text!r} names {word}, which is not visible"
        bare = "".join(
            " " if any(start <= index < stop for start, stop, _ in caption.spans) else letter
            for index, letter in enumerate(caption.text)
        )
        assert not set(re.findall(r"[a-z]+", bare)) & set(world.CLASSES), f"a class word without span: {caption.text}"


def test_colours_are_true(described: list[Facts]) -> None:
    told = 0
    for facts, caption in captions(described):
        for start, stop, word in caption.spans:
            named = [colour for colour in before(caption, start) if colour in COLOUR_WORDS]
            if word == "person":
                named = re.findall(r"^ in ([a-z]+)", caption.text[stop:])
                named = [colour for colour in named if colour in COLOUR_WORDS]
            have = [item["colour"] for item in instances(facts, word)]
            plural = word in KINDS and word != "sheep" and caption.text[start:stop] == world.PLURALS[word]
            for colour in named:
                told += 1
                assert (set(have) == {colour}) if plural else (colour in have), (caption.text, have)
    assert told > 300


def test_numbers_are_true(described: list[Facts]) -> None:
    told = 0
    values = {text: number for number, text in NUMBERS.items()}
    for facts, caption in captions(described):
        for start, _, word in caption.spans:
            for number in before(caption, start):
                if number in values:
                    assert facts["counts"][word] == values[number] == len(instances(facts, word)), caption.text
                    told += 1
                elif number == "several":
                    assert len(instances(facts, word)) > 2, caption.text
    assert told > 100


def test_positions_sizes_and_light_are_true(described: list[Facts]) -> None:
    told = 0
    for facts, caption in captions(described):
        for start, stop, word in caption.spans:
            after = re.sub(r"^ in (?!the)[a-z]+", "", caption.text[stop:])
            for position, phrases in PLACES.items():
                if after.startswith(tuple(" " + phrase for phrase in phrases)):
                    assert position in [item["position"] for item in instances(facts, word)], caption.text
                    told += 1
            for size, adjectives in SIZES.items():
                if set(before(caption, start)) & set(adjectives):
                    assert size in [item["size"] for item in instances(facts, word)], caption.text
                    told += 1
        for light, phrase in LIGHTS.items():
            assert phrase not in caption.text or facts["light"] == light
    assert told > 200


def test_relations_are_true(described: list[Facts]) -> None:
    told = 0
    for facts, caption in captions(described):
        for (_, stop, first), (start, _, second) in zip(caption.spans, caption.spans[1:], strict=False):
            between = caption.text[stop:start]
            items = facts["instances"]
            if " in front of " in between:
                told += 1
                behind = [item["front_of"] for item in instances(facts, first)]
                assert second in [items[index]["word"] for index in behind if index is not None], caption.text
            elif re.fullmatch(r"( in [a-z]+)? on (the )?([a-z]+ )?", between) and second in world.GROUNDS:
                told += 1
                assert second in [item["on"] for item in instances(facts, first)], caption.text
            elif between.startswith(" of "):
                told += 1
                wholes = [items[item["whole"]]["word"] for item in instances(facts, first)]
                assert second in wholes, caption.text
    assert told > 150


def test_focus_is_named_and_most_is_kept(described: list[Facts]) -> None:
    rng = np.random.default_rng(0)
    for facts in described[:80]:
        for word in {item["word"] for item in facts["instances"]}:
            for most in (1, 2):
                named = [span[2] for span in write_caption(facts, rng, focus=word, most=most).spans]
                assert word in named
                assert len(named) == len(set(named)) <= most


def test_least_names_as_many_words_as_are_visible(described: list[Facts]) -> None:
    rng = np.random.default_rng(0)
    for facts in described[:80]:
        seen = {item["word"] for item in facts["instances"]}
        named = [span[2] for span in write_caption(facts, rng, most=20, least=20).spans]
        assert sorted(named) == sorted(seen)
        few = [span[2] for span in write_caption(facts, rng, most=3, least=9).spans]
        assert len(few) == min(3, len(seen))


def test_a_caption_often_names_one_or_two_words_in_many_ways(described: list[Facts]) -> None:
    written = [caption for _, caption in captions(described)]
    lengths = np.array([len(caption.spans) for caption in written])
    assert np.mean(lengths <= 2) > 0.55
    assert np.mean(lengths >= 3) > 0.15
    assert lengths.max() <= 4
    rng = np.random.default_rng(1)
    assert len({write_caption(described[0], rng).text for _ in range(100)}) > 50


def test_facts_survive_json_and_the_same_generator_writes_the_same(described: list[Facts]) -> None:
    for facts in described[:20]:
        again = json.loads(json.dumps(facts))
        assert again == facts
        assert write_caption(again, np.random.default_rng(7)) == write_caption(facts, np.random.default_rng(7))


def test_what_cannot_be_written_is_refused(described: list[Facts]) -> None:
    hidden = next(word for word in world.CLASSES if not instances(described[0], word))
    with pytest.raises(ChoiceError, match="not visible"):
        write_caption(described[0], np.random.default_rng(0), focus=hidden)
    with pytest.raises(ChoiceError, match="use a whole number from 1"):
        write_caption(described[0], np.random.default_rng(0), most=0)
