"""The world's words and the background words as text embeddings, encoded once for all scenes."""

import torch

from inspector import world
from inspector.analysis.vocabulary import embed_classes, fill, other_words
from inspector.models.protocols import ClipModel
from inspector.results import CLIP_ES_BACKGROUND, ClassNames

TEMPLATE = "a photo of {}."
VOCABULARIES = ("present", "all")


def vocabulary(words: tuple[str, ...], name: str) -> tuple[str, ...]:
    """What is asked for: the `words` a scene shows ("present"), or all of the world's ("all")."""
    return words if name == "present" else world.CLASSES


class Texts:
    """Embeddings of one CLIP."""

    def __init__(self, model: ClipModel) -> None:
        classes = embed_classes(model, single(world.CLASSES), TEMPLATE)
        background = model.text([fill(TEMPLATE, word) for word in CLIP_ES_BACKGROUND])
        self._classes = dict(zip(world.CLASSES, classes, strict=True))
        self._background = dict(zip(CLIP_ES_BACKGROUND, background, strict=True))

    def classes(self, words: tuple[str, ...]) -> torch.Tensor:
        """(word, embed)."""
        return torch.stack([self._classes[word] for word in words])

    def background(self, words: tuple[str, ...]) -> torch.Tensor:
        """CLIP-ES's background words that are none of `words`: (b, embed)."""
        return torch.stack([self._background[word] for word in other_words(CLIP_ES_BACKGROUND, single(words))])


def single(words: tuple[str, ...]) -> ClassNames:
    """Each word a class without synonyms."""
    return tuple((word,) for word in words)
