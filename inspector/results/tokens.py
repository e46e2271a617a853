"""Tokens: the pieces of a prompt, and which of them a word covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inspector.errors import PromptError
from inspector.results.checks import check_number, check_text
from inspector.results.quoting import quoted
from inspector.results.spelling import names, spans
from inspector.settings import settings


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
    """Positions of the tokens that a word or phrase of the prompt covers, every occurrence, or one: "sheep#2".

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
