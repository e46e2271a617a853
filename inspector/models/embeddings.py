"""Textual inversion (Gal et al. 2022): a file of vectors that a text encoder reads for a word of its own.

A word of several vectors takes as many tokens, `<cat>`, `<cat>_1`, ..., as diffusers gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from inspector.errors import ModelFilesError
from inspector.models.files import damaged
from inspector.models.headers import Shapes, shapes
from inspector.models.listed import ModelSpec
from inspector.models.skeletons import text_widths

UNNAMED = ("emb_params", "*")  # A1111's names of the one tensor, which say no word
PAIR = ("clip_l", "clip_g")  # of SDXL's two text encoders
LAYOUTS = "one tensor under its word or emb_params, or the two of SDXL, clip_l and clip_g"


@dataclass(frozen=True)
class Vectors:
    """names: of the tensors, one a text encoder. count: of vectors of each. widths: of each text encoder's."""

    names: tuple[str, ...]
    count: int
    widths: tuple[int, ...]

    @property
    def word(self) -> str:
        """What the file itself says that a prompt calls it, "" where it does not."""
        return "" if self.names == PAIR or self.names[0] in UNNAMED else self.names[0]


def read_vectors(file: Path) -> Vectors:
    """What a file holds, by its header alone. Raises ModelFilesError where it is damaged, or holds no embedding."""
    found: Shapes = shapes(file)
    names = PAIR if set(found) == set(PAIR) else tuple(found)
    sizes = [(1, *found[name])[-2:] for name in names]
    if (names != PAIR and len(names) != 1) or any(
        len(found[name]) not in (1, 2) or min(found[name]) < 1 for name in names
    ):
        raise ModelFilesError(f"{file} holds no embedding; give one as safetensors with {LAYOUTS}.")
    if len({count for count, _ in sizes}) != 1:
        raise ModelFilesError(
            f"{file} holds {sizes[0][0]} vectors for one text encoder and {sizes[1][0]} for the other."
        )
    return Vectors(names, sizes[0][0], tuple(width for _, width in sizes))


def fits(file: Path, spec: ModelSpec) -> bool:
    """Whether a model's text encoders can read a file; by headers and small files alone."""
    return not misfit(read_vectors(file), text_widths(spec))


def check_fits(file: Path, spec: ModelSpec) -> None:
    """Raise ModelFilesError, which names both numbers, where they cannot; nothing of a model whose files are unread."""
    if (widths := text_widths(spec)) and (told := misfit(read_vectors(file), widths)):
        raise ModelFilesError(f"{file} {told}; give an embedding that was made for {spec.title}.")


def misfit(vectors: Vectors, widths: tuple[int, ...]) -> str:
    """Why text encoders of these widths cannot read them, "" where they can."""
    if len(vectors.widths) != len(widths):
        return f"is for {_encoders(len(vectors.widths))}, and the model has {len(widths)}"
    for own, width in zip(vectors.widths, widths, strict=True):
        if own != width:
            return f"has vectors of {own:,} numbers, and the model's text encoder takes {width:,}"
    return ""


def _encoders(count: int) -> str:
    return "one text encoder" if count == 1 else f"{count} text encoders"


def add_embedding(model: Any, file: Path, word: str) -> None:
    """Let an adapter's tokenizers read a word as the vectors of a file, by the operations of diffusers.

    Raises ModelFilesError where the file is damaged, does not fit, holds what is no number, or the model has the word.
    """
    vectors, (encoders, tokenizers) = read_vectors(file), model.texts
    if told := misfit(vectors, tuple(encoder.get_input_embeddings().weight.shape[-1] for encoder in encoders)):
        raise ModelFilesError(f"{file} {told}; give an embedding that was made for {model.spec.title}.")
    try:
        state = load_file(file)
    except SafetensorError as error:
        raise damaged(file) from error
    for name, encoder, tokenizer in zip(vectors.names, encoders, tokenizers, strict=True):
        if not torch.isfinite(state[name].float()).all():
            raise ModelFilesError(f"{file} holds vectors that are no numbers; download it again.")
        _extend(encoder, tokenizer, _words(file, word, vectors.count, tokenizer.get_vocab()), state[name])


def _words(file: Path, word: str, count: int, known: Mapping[str, int]) -> list[str]:
    """The tokens of a word of several vectors."""
    words = [word, *(f"{word}_{number}" for number in range(1, count))]
    if taken := [name for name in (*words, f"{word}_1") if name in known]:
        raise ModelFilesError(f"The model has a token {taken[0]!r} already; call {file} otherwise, as FILE=WORD.")
    return words


def _extend(encoder: Any, tokenizer: Any, words: list[str], values: torch.Tensor) -> None:
    encoder.resize_token_embeddings(len(tokenizer) + len(words), mean_resizing=False)
    weight = encoder.get_input_embeddings().weight
    weight.requires_grad_(False)
    for word, vector in zip(words, values.reshape(len(words), -1), strict=True):
        tokenizer.add_tokens(word)
        weight.data[tokenizer.convert_tokens_to_ids(word)] = vector.to(weight.device, weight.dtype)
