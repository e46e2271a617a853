"""Retrieval: pictures find their captions among others, and captions their pictures, by CLIP's cosines."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from inspector import world
from inspector.analysis.naming import embed_trunk
from inspector.models.protocols import ClipModel

GROUP = 64  # pictures and captions that compete
CAPTIONS = 12  # drawn per picture, of which the fullest competes


def embed_images(clip: ClipModel, images: Iterable[np.ndarray]) -> np.ndarray:
    """Unit embeddings float32 (n, embed) of uint8 (h, w, 3)."""
    return torch.stack([embed_trunk(clip, clip.trunk(clip.pixels(image))) for image in images]).numpy()


def embed_texts(clip: ClipModel, texts: Sequence[str]) -> np.ndarray:
    """Unit embeddings float32 (n, embed)."""
    return clip.text(texts).float().cpu().numpy()


def hits(similarity: np.ndarray, captions: Sequence[str]) -> np.ndarray:
    """Mean of both directions' top-1 hits, in {0, .5, 1}, per scene (n,).

    similarity: (image, caption), scene i's own on the diagonal; a caption equal to the own one is right too.
    """
    texts = np.asarray(captions)
    equal = texts[:, None] == texts[None, :]
    rows = np.arange(len(texts))
    to_text = equal[rows, similarity.argmax(1)]
    to_image = equal[similarity.argmax(0), rows]
    return (to_text + to_image.astype(np.float64)) / 2


def grouped_hits(images: np.ndarray, texts: np.ndarray, captions: Sequence[str], group: int = GROUP) -> np.ndarray:
    """`hits` among groups of `group` scenes; scenes that fill no group are left out.

    images, texts: unit embeddings (n, embed).
    """
    group = min(group, len(captions))
    parts = []
    for start in range(0, len(captions) - group + 1, group):
        part = slice(start, start + group)
        parts.append(hits(images[part] @ texts[part].T, captions[part]))
    return np.concatenate(parts)


def full_caption(scene: world.Scene, tries: int = CAPTIONS) -> world.Caption:
    """The caption that names the most words, then the longest, of `tries` written from the scene's facts.

    A scene's own caption may say "the sky" and no more, which fits half of all pictures.
    """
    written = [world.write_caption(scene.facts, np.random.default_rng([scene.seed, row])) for row in range(tries)]
    return max(written, key=lambda caption: (len(caption.spans), len(caption.text)))


def informed_hits(scenes: Sequence[world.Scene], captions: Sequence[world.Caption], group: int = GROUP) -> np.ndarray:
    """What retrieval would score (n,) knowing which words, and in which colours, each picture shows, and no more.

    From text to image: one over the number of pictures in the group that a caption fits.
    """
    shown = [{(item["word"], item["colour"]) for item in scene.facts["instances"]} for scene in scenes]
    words = [set(scene.masks) for scene in scenes]
    group = min(group, len(scenes))
    found = []
    for row in range(len(scenes) // group * group):
        text, spans = captions[row].text, captions[row].spans
        before = {(word, (text[:start].split() or [""])[-1]) for start, _, word in spans}
        coloured = {(word, adjective) for word, adjective in before if adjective in world.COLOURS}
        rivals = range(row // group * group, (row // group + 1) * group)
        fits = [all(word in words[other] for *_, word in spans) and coloured <= shown[other] for other in rivals]
        found.append(1 / sum(fits))
    return np.array(found)
