"""A request's classes and background words as text embeddings; `inspector.words` compares words."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from inspector.models.protocols import ClipModel
from inspector.results import ClassNames
from inspector.words import matching


def fill(template: str, word: str) -> str:
    """The template with the word in place of its "{}"; any other brace is an ordinary character."""
    return template.replace("{}", word)


def other_words(background: Sequence[str], classes: ClassNames) -> tuple[str, ...]:
    """The background words that are none of the asked classes.

    A word that stood on both sides of the softmax would compete with itself, and its class's map would vanish.
    """
    asked = {word for synonyms in classes for word in matching(synonyms, background)}
    return tuple(word for word in background if word not in asked)


def embed_classes(model: ClipModel, classes: ClassNames, template: str) -> torch.Tensor:
    """Unit embeddings (class, embed); template: holds one "{}".

    A class with synonyms is the renormalised mean of their unit embeddings, which is how CLIP ensembles prompts
    (Radford et al. 2021, section 3.1.4): a class has one vector, one probability and one gradient, and gains nothing
    in the softmax by having more names, as it would if their probabilities were added.
    """
    embeddings = model.text([fill(template, word) for synonyms in classes for word in synonyms])
    means = [part.mean(0) for part in embeddings.split([len(synonyms) for synonyms in classes])]
    return F.normalize(torch.stack(means), dim=-1)
