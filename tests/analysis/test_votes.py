"""Votes of methods and names of regions, counted by hand."""

import numpy as np
import pytest

from inspector.analysis import votes
from inspector.analysis.proposals import Proposals, named_regions
from inspector.analysis.segmentation import ruled

LABELS = [np.array([row], np.int32) for row in ([1, 1, 0, 2], [1, 2, 0, 1], [2, 2, 1, 0])]


def test_the_majority_and_who_is_against_it():
    labels, against = votes.majority(LABELS, 3)
    assert labels.tolist() == [[1, 2, 0, 1]]  # of three different ones the first class
    np.testing.assert_allclose(against, [[1 / 3, 1 / 3, 1 / 3, 2 / 3]], atol=1e-6)


def test_shares_are_of_the_methods_and_averaged_over_cells():
    np.testing.assert_allclose(votes.shares(LABELS, 3)[1], [[1 / 3, 2 / 3, 0, 1 / 3]], atol=1e-6)
    np.testing.assert_allclose(votes.shares(LABELS, 3, side=2), [[[1 / 2, 1 / 3]], [[1 / 2, 1 / 6]]], atol=1e-6)


def test_a_region_scores_its_mean_at_each_of_its_cells():
    labels = np.array([[0, 0, 1], [0, 1, 1]])
    maps = np.array([[[0.9, 0.6, 0.0], [0.3, 0.3, 0.6]], np.full((2, 3), 0.4)], np.float32)
    found = named_regions(labels, maps)
    np.testing.assert_allclose(found.scores, [[0.6, 0.4], [0.3, 0.4]], atol=1e-6)
    np.testing.assert_allclose(found.dense()[0], np.where(labels == 0, 0.6, 0.3), atol=1e-6)


def test_masks_that_overlap_add_and_stay_below_one():
    masks = np.array([[[1.0, 0.5]], [[0.5, 0.0]]], np.float32)
    found = Proposals(masks, np.array([[0.8, 0.1], [0.6, 0.0]], np.float32)).dense()
    # .8 + .3 is more than 1, so that all are parts of 1.1
    np.testing.assert_allclose(found, np.array([[[1.1, 0.4]], [[0.1, 0.05]]]) / 1.1, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "options", "expected"),
    [
        ("constant", {"constant": 0.5}, [2, 0, 0]),
        ("power", {"power": 1.0}, [2, 0, 0]),  # .6 >= .4, .4 < .6, .3 < .7
        ("power", {"power": 2.0}, [2, 1, 0]),  # .4 >= .36, .3 < .49
        ("words", {}, [0, 1, 1]),  # words reach .7, .4 (which takes nothing) and .2
    ],
)
def test_what_the_background_takes(rule, options, expected):
    scores = np.array([[[0.1, 0.4, 0.3]], [[0.6, 0.2, 0.1]]], np.float32)
    words = np.array([[[0.7, 0.1, 0.2]], [[0.0, 0.4, 0.0]]], np.float32)
    assert ruled(scores, words, rule, **options).tolist() == [expected]
    assert (ruled(scores, words[:0], "words") > 0).all()
