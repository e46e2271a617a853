"""A request's classes and background words as text embeddings; `inspector.words` compares words."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from inspector.errors import PromptError
from inspector.models.protocols import ClipModel
from inspector.results import ClassNames
from inspector.results.quoting import quoted
from inspector.words import matching

SHOWN = 200  # characters of what is cut from a text


def fill(template: str, word: str) -> str:
    """The template with the word in place of its "{}"; any other brace is an ordinary character."""
    return template.replace("{}", word)


def other_words(background: Sequence[str], classes: ClassNames) -> tuple[str, ...]:
    """The background words that are none of the asked classes.

    A word that stood on both sides of the softmax would compete with itself, and its class's map would vanish.
    """
    asked = {word for synonyms in classes for word in matching(synonyms, background)}
    return tuple(word for word in background if word not in asked)


def embed_words(model: ClipModel, words: Sequence[str], template: str, unit: bool = True) -> torch.Tensor:
    """Embeddings (word, embed) of words in a template, of unit length or as they leave the model.

    Raises PromptError, which names what is cut, where the model does not read a filled template to its end.
    """
    filled = [fill(template, word) for word in words]
    for text, word in zip(filled, words, strict=True):
        if cut := model.unread(text):
            raise too_long(model.spec.name, cut, f"the template with {quoted(word)}")
    return model.text(filled, unit)


def best_synonyms(logits: torch.Tensor, classes: ClassNames) -> torch.Tensor:
    """(..., word) of all synonyms in order -> (..., class): the largest of each class, as ODISE takes it."""
    parts = logits.split([len(synonyms) for synonyms in classes], -1)
    return torch.stack([part.amax(-1) for part in parts], -1)


def too_long(model: str, cut: str, of: str) -> PromptError:
    """The error of a text that a model does not read to its end; cut: what it does not read of it."""
    shown = cut if len(cut) <= SHOWN else f"{cut[: SHOWN // 2]} ... {cut[-SHOWN // 2 :]}"
    return PromptError(f"{model} does not read the end of {of}: “{shown}”; shorten it.")


def embed_classes(model: ClipModel, classes: ClassNames, template: str) -> torch.Tensor:
    """Unit embeddings (class, embed); template: holds one "{}".

    A class with synonyms is the renormalised mean of their unit embeddings, which is how CLIP ensembles prompts
    (Radford et al. 2021, section 3.1.4): a class has one vector, one probability and one gradient, and gains nothing
    in the softmax by having more names, as it would if their probabilities were added.
    """
    embeddings = embed_words(model, [word for synonyms in classes for word in synonyms], template)
    means = [part.mean(0) for part in embeddings.split([len(synonyms) for synonyms in classes])]
    return F.normalize(torch.stack(means), dim=-1)
