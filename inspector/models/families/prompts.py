"""A prompt as a tokenizer reads it: ids, and the characters that each token stands for."""

import re

from transformers import PreTrainedTokenizerBase

from inspector.models.protocols import PromptToken, TokenizedPrompt
from inspector.models.tokenizer import plain


def read_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, length: int) -> TokenizedPrompt:
    """Ids and character spans by one of CLIP's tokenizers, padded to `length`; spans index the prompt as given.

    Control tokens that were typed out, such as <|endoftext|>, are left out, as blanks would be. An embedding's word of
    several vectors is as many tokens, each of which stands for the whole word.
    """
    written, places = spelled_out(tokenizer, plain(prompt))
    read = tokenizer(written, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    room = length - 2
    ids, spans = read["input_ids"][:room], [_span(places, *span) for span in read["offset_mapping"][:room]]
    start, stop = tokenizer.bos_token_id, tokenizer.eos_token_id
    words = [PromptToken(index, prompt[first:last], first, last) for index, (first, last) in enumerate(spans, start=1)]
    tokens = (
        PromptToken(0, str(tokenizer.bos_token), 0, 0),
        *words,
        PromptToken(len(words) + 1, str(tokenizer.eos_token), len(prompt), len(prompt)),
    )
    padding = (tokenizer.pad_token_id,) * (room - len(ids))
    cut = prompt[spans[-1][1] :].strip() if len(read["input_ids"]) > room else ""
    return TokenizedPrompt(prompt, (start, *ids, stop, *padding), tokens, cut)


def spelled_out(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with every token of embeddings' words, as diffusers writes it: "<cat>" becomes "<cat> <cat>_1".

    Beside it of each of its characters the span in the text that it stands for; [] where both texts are one.
    """
    known = tokenizer.added_tokens_encoder
    if not any(f"{word}_1" in known for word in known):
        return text, []
    written, places, at = "", list[tuple[int, int]](), 0
    words = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))  # "<cat>_1" before "<cat>"
    for match in re.finditer(words, text):
        further, count = "", 1
        while f"{match[0]}_{count}" in known:
            further += f" {match[0]}_{count}"
            count += 1
        written += text[at : match.start()] + match[0] + further
        places += [(place, place + 1) for place in range(at, match.start())]
        places += [match.span()] * len(match[0] + further)
        at = match.end()
    return written + text[at:], [*places, *((place, place + 1) for place in range(at, len(text)))]


def _span(places: list[tuple[int, int]], start: int, stop: int) -> tuple[int, int]:
    """Characters of what was written as those of what was given."""
    return (places[start][0], places[stop - 1][1]) if places and stop > start else (start, stop)
