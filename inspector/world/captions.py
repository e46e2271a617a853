"""Captions from facts: varied wording, a varying subset of what is visible, nothing that is not true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from inspector.errors import ChoiceError
from inspector.world.classes import CLASSES, GROUNDS, PARTS, PLURALS, STUFF, SYNONYMS

T = TypeVar("T")
Span = tuple[int, int, str]  # start, stop, class word
Pieces = list[tuple[str, str | None]]  # text, and the class word it stands for

# fmt: off
OPENINGS = (
    ("", 5.0), ("a photo of ", 3.0), ("a picture of ", 2.0), ("a picture with ", 1.0), ("there is ", 0.7),
    ("an image of ", 0.7), ("a view of ", 0.5), ("we see ", 0.4), ("this is ", 0.3), ("a drawing of ", 0.4),
    ("a scene with ", 0.5),
)
# fmt: on
PLACES = {
    "left": ("on the left", "at the left", "on the left side"),
    "right": ("on the right", "at the right", "on the right side"),
    "middle": ("in the middle", "in the centre"),
}
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
LIGHTS = {"evening": "in the evening", "night": "at night", "morning": "in the morning", "overcast": "on a grey day"}
SIZES = {"small": ("small", "little"), "large": ("large", "big")}


@dataclass(frozen=True)
class Caption:
    """text, and for each class word in it the characters it takes: text[start:stop]."""

    text: str
    spans: tuple[Span, ...]


class Chooser:
    """Cheap choices from a numpy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._values = rng.random(96).tolist()
        self._rng = rng

    def unit(self) -> float:
        if not self._values:
            self._values = self._rng.random(96).tolist()
        return self._values.pop()

    def chance(self, share: float) -> bool:
        return self.unit() < share

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.unit() * len(items))]


def write_caption(
    facts: dict[str, Any], rng: np.random.Generator, focus: str | None = None, most: int = 4, least: int = 1
) -> Caption:
    """One caption of a scene's facts, true of its picture.

    focus: a visible class word that must be named.  most: at most so many words (at least 1).  least: at least so
    many, as far as they are visible, but not more than `most`.
    Raises ChoiceError for a focus that is not visible, or most below 1.
    """
    seen = {item["word"] for item in facts["instances"]}
    if focus is not None and focus not in seen:
        raise ChoiceError(f"{focus!r} is not visible in scene {facts['seed']}; use one of {', '.join(sorted(seen))}.")
    if most < 1:
        raise ChoiceError(f"most is {most!r}; use a whole number from 1.")
    choose = Chooser(rng)
    wanted = min(max(_how_many(choose), least), most)
    phrases = _phrases(facts, choose, focus, wanted)
    opening = _opening(choose)
    if _plural(phrases[0]):
        opening = {"there is ": "there are ", "this is ": "these are "}.get(opening, opening)
    pieces: Pieces = [(opening, None)]
    for index, phrase in enumerate(phrases):
        if index:
            pieces.append((" and " if index == len(phrases) - 1 else ", ", None))
        pieces += phrase
    if facts["light"] in LIGHTS and choose.chance(0.06):
        pieces.append((" " + LIGHTS[facts["light"]], None))
    if choose.chance(0.12):
        pieces.append((".", None))
    return _joined(pieces)


def _how_many(choose: Chooser) -> int:
    value = choose.unit()
    return 1 if value < 0.38 else 2 if value < 0.7 else 3 if value < 0.86 else 4


def _opening(choose: Chooser) -> str:
    left = choose.unit() * sum(weight for _, weight in OPENINGS)
    for text, weight in OPENINGS:
        left -= weight
        if left < 0:
            return text
    return ""


def _joined(pieces: Pieces) -> Caption:
    text, spans = "", []
    for piece, word in pieces:
        if word is not None:
            spans.append((len(text), len(text) + len(piece), word))
        text += piece
    return Caption(text, tuple(spans))


def _phrases(facts: dict[str, Any], choose: Chooser, focus: str | None, wanted: int) -> list[Pieces]:
    """Noun phrases that name `wanted` words where so many are visible, the focus among them."""
    items = facts["instances"]
    words = [word for word in CLASSES if any(item["word"] == word for item in items)]
    order = sorted(words, key=lambda word: choose.unit() * (1.0 if word in STUFF or word in PARTS else 0.55))
    if focus is not None:
        order = [focus, *[word for word in order if word != focus]]
    phrases: list[Pieces] = []
    named: list[str] = []
    for word in order:
        if len(named) >= wanted:
            break
        if word in named:
            continue
        named.append(word)
        about, phrase = _noun(facts, word, choose)
        if about is not None and len(named) < wanted:
            phrase += _relation(facts, about, named, choose)
        phrases.append(phrase)
    if focus is not None:  # the focus need not come first
        start = int(choose.unit() * len(phrases))
        phrases = phrases[start:] + phrases[:start]
    return phrases


def _plural(phrase: Pieces) -> bool:
    lead = ""
    for text, word in phrase:
        if word is not None:
            return text == PLURALS.get(word) and not (word == "sheep" and lead.startswith(("a ", "an ")))
        lead += text
    return False


def _noun(facts: dict[str, Any], word: str, choose: Chooser) -> tuple[dict[str, Any] | None, Pieces]:
    """A noun phrase for a word, and what more may be said of it (an entry like those of the facts), or None."""
    items = [item for item in facts["instances"] if item["word"] == word]
    count = facts["counts"].get(word, 0)
    colours = {item["colour"] for item in items}
    if word in PARTS or (word in STUFF and word not in ("cloud", "sun", "mountain")):
        about = {"of": items[0]["whole"]} if word in PARTS and len(items) == 1 else None
        return about, _mass(word, items, colours, choose)
    if len(items) > 1 and (choose.chance(0.75) or word in ("cloud", "flower")):
        number = (
            NUMBERS.get(count, "several")
            if count > 1 and choose.chance(0.72)
            else "several"
            if len(items) > 2 and choose.chance(0.5)
            else ""
        )
        colour = next(iter(colours)) if len(colours) == 1 and choose.chance(0.5) else None
        about = {key: _common(items, key) for key in ("on", "front_of")}
        return about, _worn(word, [number], colour, PLURALS[word])
    if word == "mountain" and choose.chance(0.4):
        return None, _worn(
            word, [choose.pick(("the", ""))], items[0]["colour"] if choose.chance(0.3) else None, "mountains"
        )
    item = choose.pick(items)
    size = choose.pick(SIZES[item["size"]]) if item["size"] and choose.chance(0.3) else ""
    colour = item["colour"] if choose.chance(0.5) else None
    written = choose.pick(SYNONYMS[word]) if word in SYNONYMS and choose.chance(0.06) else word
    first = size or (colour if colour and word != "person" else written)
    article = "the" if word == "sun" else "an" if first[0] in "aeiou" else "a"
    pieces = _worn(word, [article, size], colour, written)
    if item["position"] and choose.chance(0.3):
        pieces.append((" " + choose.pick(PLACES[item["position"]]), None))
        return None, pieces
    return {**item, "index": facts["instances"].index(item)}, pieces


def _common(items: list[dict[str, Any]], key: str) -> Any:
    """What all items have under a key, or None."""
    values = {item[key] for item in items}
    return values.pop() if len(values) == 1 else None


def _worn(word: str, before: list[str], colour: str | None, written: str) -> Pieces:
    """A noun with what stands before it; a person is not red but in red."""
    if word == "person":
        after: Pieces = [(f" in {colour}", None)] if colour else []
    else:
        before, after = [*before, colour or ""], []
    text = "".join(part + " " for part in before if part)
    return [(text, None), (written, word), *after]


def _mass(word: str, items: list[dict[str, Any]], colours: set[str | None], choose: Chooser) -> Pieces:
    """Stuff, which has no number, and parts."""
    if word in PARTS:
        plural = word == "windows" or (word == "wheel" and choose.chance(0.3))
        article = "" if word == "windows" else "the " if word == "wheel" and plural else choose.pick(("a ", "the "))
        return [(article, None), (PLURALS[word] if plural else word, word)]
    colour = next(iter(colours)) if len(colours) == 1 and choose.chance(0.36) else None
    written = choose.pick(SYNONYMS[word]) if word in SYNONYMS and choose.chance(0.08) else word
    article = choose.pick(("the ", "a ")) if word == "road" else choose.pick(("the ", "the ", ""))
    if colour and word != "road" and choose.chance(0.5):
        article = ""
    if written != word and word != "road":
        article = "the "
    if article == "a " and (colour or written)[0] in "aeiou":
        article = "an "
    return [(article + (colour + " " if colour else ""), None), (written, word)]


def _relation(facts: dict[str, Any], about: dict[str, Any], named: list[str], choose: Chooser) -> Pieces:
    """A part it has, what is behind it or where it stands; adds the words this names to `named`."""
    ground, behind, index, whole = (about.get(key) for key in ("on", "front_of", "index", "of"))
    own = [item["word"] for item in facts["instances"] if index is not None and item["whole"] == index]
    own = [word for word in own if word not in named]
    if whole is not None and facts["instances"][whole]["word"] not in named and choose.chance(0.35):
        return [(" of ", None), *_other(facts, whole, named, choose)]
    if own and choose.chance(0.25):
        part = choose.pick(own)
        named.append(part)
        text = {"windows": ("with ", "windows"), "door": ("with a ", "door"), "wheel": ("with ", "wheels")}[part]
        return [(" " + text[0], None), (text[1], part)]
    if behind is not None and choose.chance(0.5) and facts["instances"][behind]["word"] not in named:
        return [(" in front of ", None), *_other(facts, behind, named, choose)]
    if ground in GROUNDS and ground not in named and choose.chance(0.6):
        named.append(ground)
        colours = {other["colour"] for other in facts["instances"] if other["word"] == ground}
        colour = next(iter(colours)) if len(colours) == 1 and choose.chance(0.2) else None
        return [(" on " + choose.pick(("the ", "the ", "")) + (colour + " " if colour else ""), None), (ground, ground)]
    return []


def _other(facts: dict[str, Any], index: int, named: list[str], choose: Chooser) -> Pieces:
    """A second thing of the phrase, by its index."""
    other = facts["instances"][index]
    word = other["word"]
    named.append(word)
    colour = other["colour"] if choose.chance(0.4) else None
    first = colour if colour and word != "person" else word
    return _worn(word, ["an" if first[0] in "aeiou" else "a"], colour, word)
