"""Which words are one class, and which masks a class has."""

import numpy as np
import pytest

from inspector.words import class_mask, matching, same_word


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("tree", "trees"), ("Windows", "window"), ("bus", "buses"), ("house", "houses"), ("person", "people"),
        ("berry", "berries"), ("palm  tree", "palm trees"), ("GRASS", "grass"),
    ],
)  # fmt: skip
def test_case_and_number_do_not_matter(left, right):
    assert same_word(left, right)
    assert same_word(right, left)


@pytest.mark.parametrize(("left", "right"), [("car", "cart"), ("tree", "palm tree"), ("sea", "sand"), ("bus", "us")])
def test_other_words_stay_apart(left, right):
    assert not same_word(left, right)


def test_synonyms_find_all_their_masks():
    tree, palm = np.zeros((2, 3), bool), np.zeros((2, 3), bool)
    tree[0, 0], palm[1, 2] = True, True
    masks = {"tree": tree, "palm": palm, "car": np.zeros((2, 3), bool)}
    assert matching(("trees", "palms"), masks) == ("tree", "palm")
    np.testing.assert_array_equal(class_mask(("trees", "palms"), masks), tree | palm)
    assert class_mask(("car",), masks) is None  # empty
    assert class_mask(("horse",), masks) is None
