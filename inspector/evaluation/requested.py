"""What is asked of the pipelines for one picture of a data set, and its masks by word for the figures."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from inspector.evaluation.datasets import BACKGROUND, VOID
from inspector.results import (
    NOISE_ONCE,
    AttentionRequest,
    ClassNames,
    ClustersRequest,
    SaliencyRequest,
    SegmentationRequest,
)
from inspector.results.checks import distinct
from inspector.settings import settings
from inspector.words import matching

Options = Mapping[str, Any]


@lru_cache(maxsize=4)  # asked of every picture, about the same names
def askable(names: ClassNames) -> Mapping[int, tuple[str, ...]]:
    """Index -> synonyms of the classes that are asked for, as a request takes them: all but the background."""
    return {index: group for index, group in enumerate(distinct(names)) if group[0] != BACKGROUND}


def asked_ids(names: ClassNames) -> np.ndarray:
    """int (1 + asked,): a result's label -> the data set's index; 0 is the background, or one after the last class."""
    nothing = names.index((BACKGROUND,)) if (BACKGROUND,) in names else len(names)
    return np.array([nothing, *askable(names)])


def shown(names: ClassNames, labels: np.ndarray) -> tuple[int, ...]:
    """Indices of the classes in a picture's labels that can be asked for."""
    asked = askable(names)
    return tuple(int(index) for index in np.unique(labels) if int(index) in asked)


def segmentation(options: Options, names: ClassNames, image: np.ndarray) -> SegmentationRequest:
    """All classes of the data set."""
    return SegmentationRequest(image, tuple(askable(names).values()), **options)


def saliency(options: Options, names: ClassNames, image: np.ndarray, indices: Sequence[int]) -> SaliencyRequest:
    """The classes that the picture shows."""
    asked = askable(names)
    return SaliencyRequest(image, tuple(asked[index] for index in indices), **options)


def attention(
    options: Options, names: ClassNames, image: np.ndarray, indices: Sequence[int]
) -> tuple[AttentionRequest, list[tuple[int, int]]]:
    """A prompt of the names that the picture shows, with commas, and each name's span (start, stop) in it."""
    words = [names[index][0] for index in indices]
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + len(", ")
    return AttentionRequest(", ".join(words), image=image, arms=(NOISE_ONCE,), **options), spans


def clusters(options: Options, image: np.ndarray, labels: np.ndarray) -> ClustersRequest:
    """As many clusters as the picture shows classes, background among them, and no more than a request may have."""
    count = len(np.unique(labels[labels != VOID]))
    return ClustersRequest(image, k=min(max(1, count), settings().limits.max_k), **options)


def word_masks(names: ClassNames, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> bool (h, w) of the classes that the labels show, without those whose name means another class too."""
    asked = askable(names)
    found = {}
    for index in shown(names, labels):
        name = asked[index][0]
        if sum(bool(matching(group, [name])) for group in asked.values()) == 1:
            found[name] = labels == index
    return found
