"""The picture a sub-command works on: a file, or a drawn scene with its masks and caption."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results import check_number
from inspector.settings import settings

SCENE = "scene:"


@dataclass(frozen=True)
class Picture:
    """image: uint8 RGB (h, w, 3); masks: word -> bool (h, w), caption and number of a drawn scene; none for a file."""

    image: np.ndarray
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    caption: str = ""
    scene: int | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Those of a request that the picture gives."""
        return {"image": self.image, "masks": self.masks, "scene": self.scene}


def open_picture(text: str, masks: Path | None = None) -> Picture:
    """The picture named by IMAGE: a path, or `scene:SEED`; how a file was read is said on standard error.

    masks: a file of annotations, whose masks take the place of a scene's.
    Raises ImageError for a file that cannot be used, ChoiceError for a seed that is none, InputError for annotations
    that cannot be read.
    """
    if masks is not None:
        from inspector.views.annotations import read_masks

        return replace(open_picture(text), masks=dict(read_masks(masks)))
    if text.startswith(SCENE):
        return _drawn(text)
    from inspector.views.images import read_picture

    read = read_picture(Path(text))
    if read.notes:
        print(f"inspector: {read.told}", file=sys.stderr)
    return Picture(read.image)


def _drawn(text: str) -> Picture:
    seed = text.removeprefix(SCENE)
    if not (seed.isascii() and seed.isdecimal() and len(seed) < 20):
        raise ChoiceError(f"{text[:40]!r} has no seed; write a whole number after the colon, such as scene:1.")
    check_number("seed", int(seed), 0, settings().limits.max_seed, whole=True)
    from inspector.world import scene

    drawn = scene(int(seed))
    return Picture(drawn.image, dict(drawn.masks), drawn.caption, int(seed))
