"""Questions: small random runs of the four tabs, and whether an answer is the answer to one."""

import hashlib
import io
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import default_rng  # numpy's own attribute is imported late, which threads must not do at once
from PIL import Image

from tests.reliability import page

WORDS = "car building windows trees sky sea grass sun house horse person dog cow boat snow sand".split()
SCENES = range(500_100, 500_140)
ANIMALS = "horse cow dog sheep cat bird".split()
PLACES = "grass snow sand".split()


@dataclass(frozen=True)
class Question:
    """tab and values of a call; picture: seed of an own picture, which is uploaded, or None."""

    tab: str
    values: Mapping[str, Any]
    picture: int | None = None


def make(chance: random.Random) -> Question:
    """A small run: of a drawn scene or an own picture, or, for attention, of neither."""
    tab = chance.choice(page.TABS)
    values: dict[str, Any] = {}
    if tab in ("saliency", "segmentation"):
        values["classes"] = ", ".join(chance.sample(WORDS, chance.randint(2, 5)))
    if tab == "saliency":
        values["pooling"] = chance.choice(("mean", "class"))
    elif tab == "segmentation":
        values |= {"method": chance.choice(("maskclip", "gradcam", "attention")), "seed": chance.randrange(10**6)}
    elif tab == "clusters":
        values |= {"k": chance.randint(2, 6), "restarts": 2, "seed": chance.randrange(10**6)}
    else:
        values["prompt"] = f"a {chance.choice(ANIMALS)} on the {chance.choice(PLACES)}"
        values |= {"steps": chance.randint(2, 4), "seed": chance.randrange(10**6)}
        if chance.random() < 0.5:
            return Question(tab, values)
    if chance.random() < 0.4:
        return Question(tab, values, chance.randrange(10**6))
    return Question(tab, values | {"scene": chance.choice(SCENES)})


@lru_cache(maxsize=256)
def pixels(seed: int) -> np.ndarray:
    """An own picture: coarse noise, of a size that its seed decides."""
    chance = default_rng(seed)
    coarse = chance.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    size = (int(chance.integers(64, 128)), int(chance.integers(64, 128)))
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def png(seed: int) -> bytes:
    """The file of an own picture."""
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, "PNG")
    return file.getvalue()


def answers(question: Question, numbers: Mapping[str, Any], maps: bytes) -> bool:
    """Whether numbers and maps.npz are those of this question, and of no other."""
    told = numbers["request"]
    if numbers["tab"] != question.tab:
        return False
    for name, value in question.values.items():
        wanted = [[word] for word in value.split(", ")] if name == "classes" else value
        if told[name] != wanted:
            return False
    if question.picture is None:
        return told["scene"] == question.values.get("scene")
    return told["scene"] is None and page.holds_pixels(maps, pixels(question.picture))


def essence(numbers: Mapping[str, Any], maps: bytes) -> str:
    """A hash of everything in an answer that a run alone must give again."""
    digest = hashlib.sha256(repr(numbers[numbers["tab"]]).encode())
    for name, array in sorted(page.arrays(maps).items()):
        if name not in ("result", "provenance"):  # which tell the time it took
            digest.update(f"{name}{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
