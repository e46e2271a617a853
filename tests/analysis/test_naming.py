"""Naming: which of a list's words are close to the best one."""

import numpy as np

from inspector.analysis.naming import closest

LOGITS = np.array([1.0, 7.0, 5.0, 6.9, 5.0])


def test_the_best_are_kept_in_their_order_the_first_of_equal_ones_before_the_other():
    assert closest(LOGITS, most=3, margin=10) == [1, 3, 2]


def test_a_margin_is_kept_and_what_lies_below_is_not():
    assert closest(LOGITS, most=5, margin=2) == [1, 3, 2, 4]
    assert closest(LOGITS, most=5, margin=1.9) == [1, 3]
    assert closest(LOGITS, most=5, margin=0) == [1]
