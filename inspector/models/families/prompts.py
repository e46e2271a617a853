"""A prompt as a tokenizer reads it: ids, and the characters that each token stands for."""

from transformers import PreTrainedTokenizerBase

from inspector.models.protocols import PromptToken, TokenizedPrompt
from inspector.models.tokenizer import plain


def read_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, length: int) -> TokenizedPrompt:
    """Ids and character spans by one of CLIP's tokenizers, padded to `length`; spans index the prompt as given.

    Control tokens that were typed out, such as <|endoftext|>, are left out, as blanks would be.
    """
    read = tokenizer(
        plain(prompt), add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    room = length - 2
    ids, spans = read["input_ids"][:room], read["offset_mapping"][:room]
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
