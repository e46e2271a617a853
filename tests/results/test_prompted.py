"""The request for a mask: what is asked, and what is refused in which words."""

import numpy as np
import pytest

from inspector.errors import ChoiceError, ImageError
from inspector.results import MOST_POINTS, PromptedRequest

IMAGE = np.zeros((40, 60, 3), np.uint8)


def test_points_and_boxes_become_plain_numbers() -> None:
    request = PromptedRequest(IMAGE, points=np.array([[39, 59], [0, 0]]), labels=np.array([1, 0]))  # type: ignore[arg-type]
    assert request.points == ((39.0, 59.0), (0.0, 0.0))
    assert request.labels == (1, 0)
    assert PromptedRequest(IMAGE, points=((1, 2), (3, 4))).labels == (1, 1)
    assert PromptedRequest(IMAGE, box_xyxy=[0, 0, 60, 40]).box_xyxy == (0.0, 0.0, 60.0, 40.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Nothing says what the mask is of; give a point that lies in it, or a box around it."),
        ({"points": ((1, 2),), "labels": (0,)}, "Nothing says what the mask is of"),
        ({"points": ((40, 2),)}, "y of a point is 40; use a number from 0 to 39."),
        ({"points": ((2, 60),)}, "x of a point is 60; use a number from 0 to 59."),
        ({"points": ((2, float("nan")),)}, "x of a point is nan"),
        ({"points": (5,)}, "A point is 5; give y, x."),
        ({"points": "1,2"}, "The points are '1,2'; give a list of"),
        ({"points": ((1, 1),) * (MOST_POINTS + 1)}, "65 points given; at most 64 are allowed."),
        ({"points": ((1, 1),), "labels": (1, 0)}, "2 labels are given for 1 points; give 1 or 0 for each, or none."),
        ({"points": ((1, 1),), "labels": (2,)}, "The label of a point is 2; use a whole number from 0 to 1."),
        ({"box_xyxy": (1, 2, 3)}, "The box is (1, 2, 3); give x0, y0, x1, y1."),
        ({"box_xyxy": (9, 2, 3, 30)}, "The box goes from (9, 2) to (3, 30); x0 and y0 have to be the smaller."),
        ({"box_xyxy": (0, 0, 61, 9)}, "x1 of the box is 61; use a number from 0 to 60."),
        ({"points": ((1, 1),), "model": 3}, "model is 3; give a text."),
        ({"points": ((1, 1),), "scene": -1}, "scene is -1"),
    ],
)
def test_what_is_no_question_is_refused_in_a_sentence(given: dict, said: str) -> None:
    with pytest.raises(ChoiceError) as refused:
        PromptedRequest(IMAGE, **given)
    assert said in str(refused.value)


def test_a_picture_is_checked_as_everywhere() -> None:
    with pytest.raises(ImageError, match="each side needs at least 16"):
        PromptedRequest(IMAGE[:8], points=((1, 1),))
