"""A prompt as a language model of chats reads it: a user's message, in the frame that the tokenizer's template says."""

from transformers import PreTrainedTokenizerBase

from inspector.models.families.t5 import rest, tight
from inspector.models.protocols import PromptToken, TokenizedPrompt

MARK = "\ue000"  # a sign that no template holds, to find where a message stands in it


def frame(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str:
    """The chat that diffusers makes of a prompt for FLUX.2 [klein]."""
    messages = [{"role": "user", "content": prompt}]
    options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
    return str(tokenizer.apply_chat_template(messages, **options))


def read_chat(tokenizer: PreTrainedTokenizerBase, prompt: str, length: int) -> TokenizedPrompt:
    """Ids padded to `length`, the frame included; tokens of the prompt, with their place; spans index the prompt.

    First stands what is attended to beside them; last the token that ends the message, or the last that is read.
    Control tokens that were typed out are left out, as blanks would be.
    """
    plain = prompt
    for control in tokenizer.get_added_vocab():
        plain = plain.replace(control, " " * len(control))
    start, whole = frame(tokenizer, MARK).index(MARK), frame(tokenizer, plain)
    options = {"padding": "max_length", "truncation": True, "max_length": length}
    read = tokenizer(whole, return_offsets_mapping=True, **options)
    stop = start + len(prompt)
    words, after = [], length - 1
    for place, (first, last) in enumerate(read["offset_mapping"]):
        if first >= stop:
            after = place
            break
        if last > start and last > first:
            begin, end = tight(plain, (max(first, start) - start, last - start))
            words.append(PromptToken(place, prompt[begin:end], begin, end))
    if words and words[-1].index == after:  # cut in the middle of the prompt
        words.pop()
    ended = tokenizer.convert_ids_to_tokens(read["input_ids"][after])
    cut = prompt[words[-1].stop :].strip() if words else ""
    tokens = (rest(), *words, PromptToken(after, str(ended), len(prompt), len(prompt)))
    return TokenizedPrompt(prompt, tuple(read["input_ids"]), tokens, cut)
