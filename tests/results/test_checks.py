"""Lists of classes and of background words, as people write them."""

import numpy as np
import pytest

from inspector.errors import ClassesError
from inspector.results import SegmentationRequest, parse_classes

IMAGE = np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("trees/palms, car", (("trees", "palms"), ("car",))),
        ("trees,palms;car", (("trees", "palms"), ("car",))),
        ("trees, palms; car, auto/wagon;", (("trees", "palms"), ("car", "auto", "wagon"))),
        ("car; tree; sky", (("car",), ("tree",), ("sky",))),
        ("car;\ntree\nsky", (("car",), ("tree",), ("sky",))),
        ("car\ntree, sky", (("car",), ("tree",), ("sky",))),
        ("木、树；车", (("木",), ("树",), ("车",))),
        ("木、树;车", (("木", "树"), ("车",))),
    ],
)
def test_commas_separate_synonyms_where_semicolons_separate_classes(text, found):
    assert parse_classes(text) == found


def test_background_words_are_a_list_that_may_be_empty():
    def words(told):
        return SegmentationRequest(IMAGE, "car", background_words=told).background_words

    assert words("ground,  green  land ,") == ("ground", "green land")
    assert words("") == ()
    assert len(SegmentationRequest(IMAGE, "car").background_words) == 25
    with pytest.raises(ClassesError, match="Background words are 3"):
        words(3)
