"""Proposals as scores, labels and segments, by numbers a person can check."""

import numpy as np
import pytest

from inspector.analysis.proposals import MOST, class_scores, panoptic

LEFT = np.array([[1, 1, 0, 0]] * 2, np.float32)
RIGHT = 1 - LEFT


def test_class_scores_are_sums_of_name_times_mask():
    named = np.array([[0.5, 0.1], [0.2, 0.3]], np.float32)
    scores = class_scores(np.stack([LEFT, RIGHT]), named)
    assert scores[:, 0, 0] == pytest.approx([0.5, 0.1])
    assert scores[:, 0, 3] == pytest.approx([0.2, 0.3])


def test_scores_that_exceed_one_are_all_divided_by_the_largest():
    scores = class_scores(np.stack([LEFT, LEFT]), np.array([[0.9, 0.2], [0.7, 0.4]], np.float32))
    assert scores[:, 0, 0] == pytest.approx([1.0, 0.6 / 1.6])
    assert scores[:, 0, 3] == pytest.approx([0.0, 0.0])


def test_stuff_is_one_segment_and_things_are_two():
    masks, named = np.stack([LEFT, RIGHT]), np.array([[0.9, 0.0], [0.8, 0.0]], np.float32)
    ids, found = panoptic(masks, named, things=[False, True])
    assert ids.tolist() == [[1, 1, 1, 1]] * 2
    assert [(item.index, item.proposal) for item in found] == [(0, 0)]
    ids, found = panoptic(masks, named, things=[True, True])
    assert ids.tolist() == [[1, 1, 2, 2]] * 2
    assert [item.score for item in found] == pytest.approx([0.9, 0.8])


def test_of_more_than_can_be_told_apart_the_surest_stay():
    count = MOST + 5
    masks = np.eye(count, dtype=np.float32)[:, None]  # a pixel each
    named = np.linspace(0.5, 1, count, dtype=np.float32)[:, None]
    ids, found = panoptic(masks, named, [True])
    assert len(found) == ids.max() == MOST
    assert {item.proposal for item in found} == set(range(5, count))


def test_a_proposal_whose_pixels_others_took_is_dropped():
    most = np.array([[1, 1, 1, 0]] * 2, np.float32)
    ids, found = panoptic(np.stack([most, LEFT]), np.array([[0.9, 0], [0, 0.8]], np.float32), [True, True])
    assert [item.proposal for item in found] == [0]
    assert ids.tolist() == [[1, 1, 1, 0]] * 2


def test_a_proposal_that_keeps_less_than_four_fifths_is_dropped():
    middle = np.array([[0, 1, 1, 0]] * 2, np.float32)  # half of it is the left one's
    named = np.array([[0.9, 0], [0, 0.8]], np.float32)
    ids, found = panoptic(np.stack([LEFT, middle]), named, [True, True])
    assert [item.proposal for item in found] == [0]
    assert ids.tolist() == [[1, 1, 0, 0]] * 2
    ids, found = panoptic(np.stack([LEFT, middle]), named, [True, True], overlap=0.5)
    assert ids.tolist() == [[1, 1, 2, 0]] * 2


def test_unsure_proposals_make_no_segment():
    ids, found = panoptic(LEFT[None], np.array([[0.3, 0.2]], np.float32), [True, True])
    assert not ids.any()
    assert found == ()
