"""T5's encoder: prompts padded to a length. FLUX and Stable Diffusion 3 attend to padding as to any token."""

import re
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from inspector.models.protocols import REST, PromptToken, TokenizedPrompt
from inspector.results.tokens import REST_TEXT

CONTROL = re.compile(r"</s>|<pad>|<unk>|<extra_id_\d+>")


def rest() -> PromptToken:
    """What stands first where there is no start token."""
    return PromptToken(REST, REST_TEXT, 0, 0)


def read_t5(
    tokenizer: PreTrainedTokenizerBase, prompt: str, length: int, first: int = 0, small: bool = False
) -> TokenizedPrompt:
    """Ids padded to `length`; tokens with their place in the joint text, from `first` on; spans index the prompt.

    small: whether it is read in small letters.
    Control tokens that were typed out, such as </s>, are left out, as blanks would be.
    """
    plain = CONTROL.sub(lambda match: " " * len(match.group()), prompt)
    plain = "".join(low if len(low := sign.lower()) == 1 else sign for sign in plain) if small else plain
    read = tokenizer(plain, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    room = length - 1
    ids, spans = read["input_ids"][:room], [tight(prompt, span) for span in read["offset_mapping"][:room]]
    words = [PromptToken(first + place, prompt[start:stop], start, stop) for place, (start, stop) in enumerate(spans)]
    last = PromptToken(first + len(words), str(tokenizer.eos_token), len(prompt), len(prompt))
    padding = (tokenizer.pad_token_id,) * (room - len(ids))
    cut = prompt[spans[-1][1] :].strip() if len(read["input_ids"]) > room else ""
    return TokenizedPrompt(prompt, (*ids, tokenizer.eos_token_id, *padding), (rest(), *words, last), cut)


def tight(prompt: str, span: tuple[int, int]) -> tuple[int, int]:
    """A span without the blanks that a piece begins with."""
    start, stop = span
    while start < stop and prompt[start].isspace():
        start += 1
    return start, stop


def encode_t5(
    encoder: Any, read: Sequence[TokenizedPrompt], device: torch.device, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Hidden states (n, length, width). mask: as `padding_mask`, where padding is attended to by none."""
    return encoder(torch.tensor([one.ids for one in read], device=device), attention_mask=mask)[0]


def padding_mask(read: Sequence[TokenizedPrompt], padding: int) -> torch.Tensor:
    """int64 (n, length): 1 for tokens of a prompt, 0 for padding, whose id is given."""
    return torch.tensor([[int(token != padding) for token in one.ids] for one in read])
