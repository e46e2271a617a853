"""Proposals: whose opinion counts how much, and what cannot be one."""

import numpy as np
import pytest

from inspector.errors import InspectorError
from inspector.results import Panoptic, Proposed


def proposed(**changes):
    """One mask, two classes, the first of them seen."""
    made = {
        "masks": np.ones((1, 2, 2), np.float16),
        "head": np.array([[0.64, 0.36]], np.float32),
        "null": np.array([0.5], np.float32),
        "clip": np.array([[0.25, 0.75]], np.float32),
        "seen": np.array([1, 0], np.uint8),
    }
    return Proposed(**{**made, **changes})


def test_opinions_are_a_weighted_geometric_mean_times_what_is_not_nothing():
    assert proposed().named((0.5, 1.0))[0] == pytest.approx([0.5 * 0.64**0.5 * 0.25**0.5, 0.5 * 0.75])
    assert proposed().named((0.0, 0.0))[0] == pytest.approx([0.32, 0.18])


def test_as_shares_all_that_is_not_nothing_is_given_out():
    found = proposed().named((0.5, 0.5), shares=True)
    assert found.sum() == pytest.approx(0.5)
    assert found[0, 0] / found[0, 1] == pytest.approx((0.64 * 0.25 / 0.36 / 0.75) ** 0.5)


def test_without_clip_the_heads_own_opinion_stands():
    assert proposed(clip=None).named((0.5, 1.0))[0] == pytest.approx([0.32, 0.18])


@pytest.mark.parametrize(
    "changes",
    [
        {"masks": np.ones((2, 2, 2), np.float16)},
        {"masks": np.ones((1, 2, 2), np.float32)},
        {"head": np.full((1, 2), np.nan, np.float32)},
        {"clip": np.ones((1, 3), np.float32)},
        {"seen": np.ones(3, np.uint8)},
        {"null": None},
    ],
)
def test_what_does_not_fit_is_refused(changes):
    with pytest.raises(InspectorError):
        proposed(**changes)


def segments(**changes):
    """Two segments on four pixels, of three classes."""
    made = {
        "ids": np.array([[0, 1], [2, 2]], np.int32),
        "classes": np.array([3, 1], np.int32),
        "proposals": np.array([0, 4], np.int32),
        "scores": np.array([0.9, 0.5], np.float32),
        "things": np.array([1, 1, 0], np.uint8),
    }
    return Panoptic(**{**made, **changes})


def test_there_may_be_no_segment():
    none = {name: np.zeros(0, kind) for name, kind in (("classes", "i4"), ("proposals", "i4"), ("scores", "f4"))}
    assert not segments(ids=np.zeros((2, 2), np.int32), **none).ids.any()


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": np.full((2, 2), 3, np.int32)},
        {"ids": np.zeros((2, 2), np.uint8)},
        {"classes": np.array([3], np.int32)},
        {"scores": np.array([0.9, np.nan], np.float32)},
        {"things": None},
    ],
)
def test_segments_that_do_not_fit_are_refused(changes):
    segments()
    with pytest.raises(InspectorError):
        segments(**changes)
