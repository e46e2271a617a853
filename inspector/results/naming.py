"""Request of the naming pipeline."""

from dataclasses import dataclass

import numpy as np

from inspector.errors import ClassesError
from inspector.results.checks import (
    LONGEST_NAME,
    ClassNames,
    check_image,
    check_number,
    check_template,
    check_text,
)
from inspector.settings import settings

LONGEST_LIST = 1000  # words


@dataclass(frozen=True)
class NamingRequest:
    """Which of `words`, each a tuple of synonyms, a CLIP takes a picture to show.

    most: at most so many. margin: how much less than the best word's a word's logit, cosine times the model's scale,
    may be: with 2.75, our choice, it is at least a sixteenth as probable.
    """

    image: np.ndarray
    words: ClassNames
    most: int = 8
    margin: float = 2.75
    template: str = "a photo of {}."
    side: int | None = None
    clip: str = "scenes-clip"

    def __post_init__(self) -> None:
        limits = settings().limits
        object.__setattr__(self, "image", check_image(self.image))
        if not 1 <= len(self.words) <= LONGEST_LIST:
            raise ClassesError(f"A list of {len(self.words)} words is given; 1 to {LONGEST_LIST} are read.")
        check_number("most", self.most, 1, limits.max_classes, whole=True)
        check_number("margin", self.margin, 0, 1000)
        check_template(self.template)
        check_text("clip", self.clip, LONGEST_NAME)
        if self.side is not None:
            check_number("side", self.side, 32, limits.work_side, whole=True)
