"""Tokens: the pieces of a prompt, and which of them a word covers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.errors import PromptError
from inspector.results.checks import check_number, check_text
from inspector.results.quoting import quoted
from inspector.results.spelling import folded, names, plain_name, spans
from inspector.settings import settings
from inspector.words import same_word

REST_TEXT = "<rest>"  # text of the token that stands for the picture itself and padding, in joint attention


@dataclass(frozen=True)
class Token:
    """A prompt token as shown: index in the sequence, text, span of characters in the prompt."""

    index: int
    text: str
    start: int
    stop: int

    def __post_init__(self) -> None:
        longest = settings().limits.max_prompt
        check_number("a token's index", self.index, 0, 1_000_000, whole=True)
        check_text("a token's text", self.text, longest)
        check_number("a token's start", self.start, 0, longest, whole=True)
        check_number("a token's stop", self.stop, self.start, longest, whole=True)


def span_tokens(tokens: Sequence[Any], spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Positions of the tokens that touch any of the character spans (start, stop); special tokens never do."""
    return tuple(
        position
        for position, token in enumerate(tokens)
        if token.stop > token.start and any(token.start < stop and token.stop > start for start, stop in spans)
    )


def word_tokens(prompt: str, tokens: Sequence[Any], word: str) -> tuple[int, ...]:
    """Positions of the tokens that a word or phrase of the prompt covers, or as `spelling.spans`: "sheep#2", "@2:7".

    tokens: anything with `.start` and `.stop` character spans, empty for special tokens. What a word is and how it is
    found, `spelling` says. Raises PromptError, quoting the prompt, when the word is not in it.
    """
    check_text("the word", word, settings().limits.max_prompt)
    if not word.strip():
        raise PromptError("The word is empty; choose a word of the prompt.")
    found = span_tokens(tokens, spans(prompt, word))
    if not found:
        shown = prompt if len(prompt) <= 200 else f"{prompt[:197]}..."
        raise PromptError(
            f"{quoted(word.strip())} is not in the prompt {shown!r}, or was cut off; choose one of its words: "
            f"{', '.join(names(prompt)[:20])}."
        )
    return found


def masked_words(prompt: str, masks: Iterable[str]) -> dict[str, str]:
    """Word of the prompt, or phrase that a mask is named by -> name of its mask; each occurrence has the word's."""
    masks, known = tuple(masks), {}
    for word in names(prompt):
        own = [name for name in masks if same_word(plain_name(word), name)]
        if own:
            known[word] = min(own, key=lambda name: folded(name) != folded(plain_name(word)))  # of "car" and "cars"
    return known | {name: name for name in masks if name not in known.values() and spans(prompt, name)}
