"""Rewriting: the request of a result with one word of its prompt, or one of its classes, written over."""

from dataclasses import replace
from typing import Any

from inspector.errors import ChoiceError
from inspector.results import AttentionResult, SaliencyResult, SegmentationResult, parse_classes, quoted, read_probes


def with_word(result: AttentionResult, word: str, text: str) -> Any:
    """The request with `text` in every place of a word, as an ordinary run, whatever the result kept of another.

    Without a word, the result's own request with the text's as its probe words. Raises PromptError where the prompt has
    the word not, ChoiceError for probe words that are none.
    """
    if not word:
        return replace(result.request, probes=read_probes(text))
    prompt, spans = result.request.prompt, list[tuple[int, int]]()
    for index in result.token_indices(word):
        token = result.tokens[index]
        if spans and spans[-1] == (token.start, token.stop):
            continue  # of a word of several vectors each token is the whole word
        start = spans.pop()[0] if spans and spans[-1][1] == token.start else token.start  # a word may be several tokens
        spans.append((start, token.stop))
    for start, stop in reversed(spans):
        prompt = prompt[:start] + text + prompt[stop:]
    return replace(result.request, prompt=prompt, edit=None)


def with_class(result: SaliencyResult | SegmentationResult, name: str, text: str) -> Any:
    """The request with the class or classes of `text` in the place of one. Raises ChoiceError where it has it not."""
    if name not in result.names:
        raise ChoiceError(f"{quoted(name)} is not among the classes {', '.join(result.names)}.")
    at, classes = result.names.index(name), result.request.classes
    return replace(result.request, classes=(*classes[:at], *parse_classes(text), *classes[at + 1 :]))
