"""A drawn scene's segments, as panoptic segmentation counts them: each thing by itself, stuff and parts once per class.

A part wins over its whole.
"""

from dataclasses import dataclass

import numpy as np

from inspector import world

GRID = 64  # cells a side of the segments that heads learn: stride 4 of 256 pixels
THINGS = frozenset(world.CLASS_IDS[word] for word in world.THINGS)


@dataclass(frozen=True)
class Segments:
    """Segments of one scene. ids: int16 (h, w), -1 is nothing; classes: global class id of each."""

    ids: np.ndarray
    classes: tuple[int, ...]


def segments_of(scene: world.Scene, side: int = GRID) -> Segments:
    """The scene's segments on a grid of `side`: the one that covers most of a cell has it."""
    ids = np.full(scene.labels.shape, -1, np.int16)
    classes: list[int] = []
    known: dict[int, int] = {}
    for word, mask, _ in scene.instances:
        number = world.CLASS_IDS[word]
        key = len(classes) if number in THINGS else -number
        if key not in known:
            known[key] = len(classes)
            classes.append(number)
        ids[mask & (scene.labels == number)] = known[key]
    block = scene.size // side
    cells = ids.reshape(side, block, side, block).transpose(0, 2, 1, 3).reshape(side, side, -1)
    votes = np.stack([(cells == index).sum(-1) for index in range(-1, len(classes))])
    return Segments((votes.argmax(0) - 1).astype(np.int16), tuple(classes))
