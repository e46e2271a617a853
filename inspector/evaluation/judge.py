"""The judge of generated images: is the thing there, and has it the named colour?

It is not the generator. A thing is found when CLIP's zero-shot cosine exceeds what 95% of drawn scenes without
that thing reach. A colour is right when, among the pixels where CLIP sees the thing most, the share of that
colour exceeds what 95% of drawn things of other colours reach. So the judge errs too, and its own hit rates on
drawn scenes stand beside every number it gives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch

from inspector import world
from inspector.analysis.dense_clip import dense_scores
from inspector.analysis.vocabulary import embed_classes
from inspector.evaluation.generation import Prompt
from inspector.evaluation.retrieval import embed_trunk
from inspector.evaluation.tally import class_means, mean_of_classes
from inspector.evaluation.texts import TEMPLATE, single
from inspector.models.protocols import ClipModel
from inspector.results import resize_maps
from inspector.world.classes import KINDS

FALSE_POSITIVES = 0.05
REGION = 0.1  # share of the picture whose pixels are counted: those where CLIP sees the thing most
COLOURS = tuple(world.COLOURS)
IS_THING = np.array([word in world.THINGS for word in world.CLASSES])


@dataclass(frozen=True)
class Sight:
    """What the judge sees of one picture.

    cosines: (class,), of the whole picture. colours: (thing, colour), share of each colour in the thing's region.
    """

    cosines: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True)
class Judge:
    """Limits that a find exceeds; NaN, which nothing exceeds, where no drawn scene set one.

    texts: embeddings (class, embed). presence: cosine (class,). colour: share (colour,).
    """

    clip: ClipModel
    texts: torch.Tensor
    presence: np.ndarray
    colour: np.ndarray

    def look(self, images: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Per picture the classes found, bool (n, class), and the things' colours, bool (n, thing, colour)."""
        sights = [see(self.clip, self.texts, image) for image in images]
        cosines, shares = np.stack([item.cosines for item in sights]), np.stack([item.colours for item in sights])
        return cosines > self.presence, shares > self.colour


def calibrate(clip: ClipModel, scenes: Sequence[world.Scene]) -> Judge:
    """A judge whose limits 5% of the drawn scenes without the thing, or the colour, exceed."""
    texts = embed_classes(clip, single(world.CLASSES), TEMPLATE)
    sights = [see(clip, texts, scene.image) for scene in scenes]
    cosines = np.stack([item.cosines for item in sights])
    absent = np.array([[word not in scene.masks for word in world.CLASSES] for scene in scenes])
    shares, named = np.stack([item.colours for item in sights]), drawn_colours(scenes)
    return Judge(
        clip,
        texts,
        np.array([limit(cosines[absent[:, index], index]) for index in range(len(world.CLASSES))]),
        np.array([limit(shares[..., index][named[..., index] == 0]) for index in range(len(COLOURS))]),
    )


def limit(negatives: np.ndarray, false_positives: float = FALSE_POSITIVES) -> float:
    """The lowest of the scores that at most this share of them exceed; NaN without any."""
    return float(np.quantile(negatives, 1 - false_positives, method="higher")) if negatives.size else float("nan")


def see(clip: ClipModel, texts: torch.Tensor, image: np.ndarray) -> Sight:
    """Cosines and colours of one picture uint8 (h, w, 3); texts: embeddings (class, embed)."""
    trunk = clip.trunk(clip.pixels(image))
    cosines = texts.float().cpu() @ embed_trunk(clip, trunk)
    patches = (clip.logit_scale * dense_scores(clip, trunk, texts)).softmax(0).numpy()  # (class, gh, gw)
    names = colour_names(image)
    regions = (region(patch, names.shape) for patch in patches[IS_THING])
    return Sight(cosines.numpy(), np.array([shares(names[inside]) for inside in regions]))


def region(grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool (h, w): the tenth of the picture where the grid (gh, gw) is highest."""
    enlarged = resize_maps(grid, size)
    return enlarged >= np.quantile(enlarged, 1 - REGION)


def colour_names(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w): for each pixel of uint8 RGB (h, w, 3) the index of the nearest of COLOURS in CIELAB.

    Lightness counts half, since the same paint is darker in shade and paler in haze.
    """
    palette = np.array([list(world.COLOURS.values())], np.uint8)
    pixels, named = (
        cv2.cvtColor((part / 255).astype(np.float32), cv2.COLOR_RGB2LAB) * (0.5, 1, 1) for part in (image, palette)
    )
    return np.square(pixels[:, :, None] - named[0]).sum(-1).argmin(-1).astype(np.uint8)


def shares(names: np.ndarray) -> np.ndarray:
    """Share of each colour (colour,) among indices of COLOURS."""
    return np.bincount(names.ravel(), minlength=len(COLOURS)) / names.size


def drawn_colours(scenes: Sequence[world.Scene]) -> np.ndarray:
    """(n, thing, colour): 1 where the scene shows the thing in the colour, 0 in others only, NaN where neither tells.

    Nothing is told by a thing that is not shown, or that cannot have the colour, or has only one.
    """
    table = np.full((len(scenes), len(world.THINGS), len(COLOURS)), np.nan)
    for row, scene in enumerate(scenes):
        for item in scene.facts["instances"]:
            if item["word"] in KINDS:
                mark_colour(table[row, world.THINGS.index(item["word"])], item["word"], item["colour"])
    return table


def mark_colour(row: np.ndarray, thing: str, colour: str) -> None:
    """Note in a thing's row (colour,) of `drawn_colours` that one of its instances has this colour."""
    possible = set(KINDS[thing].colours)
    for index, name in enumerate(COLOURS):
        if len(possible) > 1 and name in possible:
            row[index] = max(0.0 if np.isnan(row[index]) else row[index], float(name == colour))


def drawn_metrics(judge: Judge, scenes: Sequence[world.Scene]) -> dict[str, dict[str, Any]]:
    """The judge's hit rates on drawn scenes beside its false alarms: found_on_drawn, colour_on_drawn."""
    found, coloured = judge.look(scene.image for scene in scenes)
    present = np.array([[word in scene.masks for word in world.CLASSES] for scene in scenes])
    return {
        "found_on_drawn": _rates(found[:, IS_THING], present[:, IS_THING].astype(float), world.THINGS),
        "colour_on_drawn": _rates(*_by_colour(coloured, drawn_colours(scenes)), COLOURS),
    }


def generated_metrics(judge: Judge, images: Iterable[np.ndarray], asked: Sequence[Prompt]) -> dict[str, dict[str, Any]]:
    """Share of generated images where the judge finds the thing and the colour named: found, colour_right.

    False alarms: things and colours that the prompt does not name.
    """
    found, coloured = judge.look(images)
    named = np.array([[word == prompt.thing for word in world.THINGS] for prompt in asked], float)
    colours = np.full(coloured.shape, np.nan)
    for row, prompt in enumerate(asked):
        mark_colour(colours[row, world.THINGS.index(prompt.thing)], prompt.thing, prompt.colour)
    return {
        "found": _rates(found[:, IS_THING], named, world.THINGS),
        "colour_right": _rates(*_by_colour(coloured, colours), COLOURS),
    }


def _by_colour(coloured: np.ndarray, named: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, thing, colour) as one row per picture and thing, (n * thing, colour)."""
    return coloured.reshape(-1, len(COLOURS)), named.reshape(-1, len(COLOURS))


def _rates(hits: np.ndarray, named: np.ndarray, columns: Sequence[str]) -> dict[str, Any]:
    """Hit rate, averaged over columns, where `named` (n, column) is 1; false alarms are the rate where it is 0."""
    right, wrong = (np.where(named == value, hits, np.nan) for value in (1, 0))
    by_column = class_means(right)
    return {
        **mean_of_classes(right),
        "by_name": {name: float(rate) for name, rate in zip(columns, by_column, strict=True) if np.isfinite(rate)},
        "baselines": {"false alarms": mean_of_classes(wrong)["mean"]},
    }
