"""Panoptic quality by hand, and beside torchmetrics' on random labellings."""

import numpy as np
import pytest

from inspector.analysis.panoptic_quality import PanopticTally


def tally(found, found_classes, true, true_classes, classes=2):
    """One picture's."""
    made = PanopticTally(classes)
    made.add(np.array(found), found_classes, np.array(true), true_classes)
    return made.by_class()


def test_iou_of_the_match_over_hits_and_half_of_the_errors():
    true = [[1, 1, 1, 1], [2, 2, 2, 2]]
    found = [[1, 1, 1, 0], [2, 3, 3, 3]]
    # Class 1: one hit of IoU 3/4. Class 2: a hit of IoU 3/4 and one made up, .75 / 1.5.
    assert tally(found, [1, 2, 2], true, [1, 2]) == pytest.approx([0.75, 0.5])


def test_a_segment_of_another_class_is_missed_and_made_up():
    values = tally([[1, 1]], [2], [[1, 1]], [1])
    assert values[0] == 0
    assert np.isnan(values[1])  # class 2 is nowhere in truth: what was made up does not make it count


def test_void_counts_nowhere():
    assert tally([[1, 1, 1, 1]], [1], [[1, 1, -1, -1]], [1]) == pytest.approx([1.0, np.nan], nan_ok=True)
    # A segment on void alone is not held against the method.
    assert tally([[1, 1, 2, 2]], [1, 1], [[1, 1, -1, -1]], [1])[0] == pytest.approx(1.0)


def test_half_is_no_match():
    assert tally([[1, 1, 0, 0]], [1], [[1, 1, 1, 1]], [1])[0] == 0


def test_it_equals_torchmetrics():
    # Imported here: it takes seconds, which the other tests need not wait for.
    import torch
    import torchmetrics

    rng = np.random.default_rng(3)
    theirs = torchmetrics.detection.PanopticQuality(
        things={1, 2}, stuffs={3}, return_per_class=True, allow_unknown_preds_category=True
    )
    ours = PanopticTally(3)
    for _ in range(5):
        true = rng.integers(1, 4, (6, 6)).repeat(4, 0).repeat(4, 1)
        found = np.where(rng.random(true.shape) < 0.1, rng.integers(1, 4, true.shape), true)
        # Segment i is of class i here, so that both read the same things.
        ours.add(found, [1, 2, 3], true, [1, 2, 3])
        pair = [torch.tensor(np.stack([item, np.where(item == 3, 0, item)], -1))[None] for item in (found, true)]
        theirs.update(*pair)
    assert ours.by_class() == pytest.approx(theirs.compute().flatten().numpy())
