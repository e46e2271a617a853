"""Rewording: which words of one prompt stand for which of another, for what is kept between their pictures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from inspector.results.spelling import folded, words


@dataclass(frozen=True)
class Piece:
    """A word, or a run of signs between words, with its characters' span in the text."""

    text: str
    start: int
    stop: int
    sign: bool = False


Pair = tuple[Piece | None, Piece | None]  # of the source, of the new prompt


def pieces(text: str) -> tuple[Piece, ...]:
    """The words of a text, as `spelling` has them, and the signs between them, in order."""
    found, at = list[Piece](), 0
    for word in words(text):
        found += [*_signs(text, at, word.start), Piece(word.text, word.start, word.stop)]
        at = word.stop
    return (*found, *_signs(text, at, len(text)))


def _signs(text: str, start: int, stop: int) -> Iterator[Piece]:
    for run in re.compile(r"\S+").finditer(text, start, stop):
        yield Piece(run[0], *run.span(), sign=True)


def reworded(source: str, prompt: str) -> tuple[Pair, ...]:
    """Every piece of both prompts once: two that stand for each other, or one that is new or gone, with None.

    Equal words stand for each other in the order of the texts (difflib's blocks). Where others were written in the
    place of some, they do from the last on, since a noun comes last in English: of "a horse" and "a red cow", "cow"
    stands for "horse" and "red" is new.
    """
    left, right = pieces(source), pieces(prompt)
    keys, others = ([folded(piece.text) for piece in side] for side in (left, right))
    pairs: list[Pair] = []
    for kind, first, last, begin, end in SequenceMatcher(None, keys, others, autojunk=False).get_opcodes():
        old, new = left[first:last], right[begin:end]
        if kind == "equal":
            pairs += zip(old, new, strict=True)
            continue
        for sign in (False, True):
            pairs += _from_the_last([one for one in old if one.sign is sign], [one for one in new if one.sign is sign])
    return tuple(pairs)


def _from_the_last(old: Sequence[Piece], new: Sequence[Piece]) -> Iterator[Pair]:
    both = min(len(old), len(new))
    yield from ((piece, None) for piece in old[: len(old) - both])
    yield from ((None, piece) for piece in new[: len(new) - both])
    yield from zip(old[len(old) - both :], new[len(new) - both :], strict=True)


def written_over(source: str, prompt: str) -> tuple[str, str] | None:
    """The first word of the source that another one stands for, as "@start:stop" of each text; None for none."""
    for old, new in reworded(source, prompt):
        if old and new and not old.sign and folded(old.text) != folded(new.text):
            return f"@{old.start}:{old.stop}", f"@{new.start}:{new.stop}"
    return None
