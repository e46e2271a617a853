"""Means over pairs and over classes, and the width of their interval."""

import numpy as np
import pytest

from inspector.evaluation.tally import half_interval, mean_of_classes, mean_of_pairs, with_spread

NAN = np.nan


def test_pairs_and_classes_weigh_differently():
    values = np.array([[1.0, NAN, NAN], [1.0, 0.0, NAN]])
    pairs, classes = mean_of_pairs(values), mean_of_classes(values)
    assert pairs["mean"] == pytest.approx(2 / 3)
    assert pairs["count"] == 3
    assert classes["mean"] == pytest.approx(1 / 2)
    assert classes["count"] == 2
    assert classes["std"] == pytest.approx(np.sqrt(0.5))


def test_the_interval_draws_whole_scenes():
    constant = np.ones((10, 4))
    assert mean_of_pairs(constant)["ci95"] == 0
    # A scene's four pairs agree: the interval is that of 100 coins, 1.96 * .5 / 10, and not that of 400.
    coins = np.repeat(np.tile([[0.0], [1.0]], (50, 1)), 4, axis=1)
    assert mean_of_pairs(coins)["ci95"] == pytest.approx(0.098, abs=0.02)
    assert mean_of_classes(coins)["ci95"] == pytest.approx(0.098, abs=0.02)


def test_nothing_known_is_none_and_not_nan():
    nothing = np.full((3, 2), NAN)
    empty = {"mean": None, "std": None, "ci95": None, "count": 0}
    assert mean_of_pairs(nothing) == mean_of_classes(nothing) == empty
    assert half_interval(lambda rows: 1.0, 1) is None
    assert mean_of_pairs(np.array([[0.0, 1.0]]))["ci95"] is None  # one scene says nothing of others
    assert with_spread(empty) == "–"
    assert with_spread({"mean": 0.5, "std": None, "ci95": 0.25, "count": 2}) == "0.500 ± 0.250"
