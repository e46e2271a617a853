"""Columns of scores by hand: repeats, gaps, spread, and rows for JSON."""

import math

import numpy as np
import pytest
import torch

from inspector.evaluation.verdict_columns import Columns, rounded
from inspector.evaluation.verdict_passes import Pass


def a_pass(arm: str, timestep: int, repeat: int | None = None) -> Pass:
    return Pass(arm, timestep, repeat, {}, torch.empty(0))


def columns() -> Columns:
    """Two batches; the words of the first picture score .2 and .4 by two noises, those of the second 1 and .6."""
    made = Columns(["mean"], ["ap"])
    made.sampled(["sea", "sky"], [7, 7])
    made.add(a_pass("noise", 1, 0), [[[0.2]], [[0.4]]])
    made.add(a_pass("noise", 1, 1), [[[0.4]], [[0.2]]])
    made.add(a_pass("late", 1), [[[0.5]], [[0.5]]])
    made.sampled(["sea"], [8])
    made.add(a_pass("noise", 1, 0), [[[1.0]]])
    made.add(a_pass("noise", 1, 1), [[[0.6]]])
    return made


def test_a_column_is_the_mean_over_noises() -> None:
    made = columns()
    assert made.cells == (("noise", 1), ("late", 1))
    assert made.column(("noise", 1), "mean", "ap") == pytest.approx([0.3, 0.3, 0.8])
    assert made.by_repeat(("noise", 1), "mean", "ap").tolist() == [[0.2, 0.4, 1.0], [0.4, 0.2, 0.6]]


def test_what_a_batch_lacks_has_no_score() -> None:
    found = columns().column(("late", 1), "mean", "ap")
    assert found[:2].tolist() == [0.5, 0.5]
    assert math.isnan(found[2])


def test_rows_hold_the_mean_over_words_and_the_spread_over_noises_apart() -> None:
    row, late = columns().rows()
    assert (row["arm"], row["timestep"], row["layer"]) == ("noise", 1, "mean")
    assert row["ap"]["mean"] == pytest.approx(((0.3 + 0.8) / 2 + 0.3) / 2)
    first, second = ((0.2 + 1.0) / 2 + 0.4) / 2, ((0.4 + 0.6) / 2 + 0.2) / 2
    assert row["ap"]["seeds"]["means"] == pytest.approx([first, second])
    assert row["ap"]["seeds"]["std"] == pytest.approx(abs(first - second) / math.sqrt(2))
    sea, sky = (0.2 + 0.4) / 2 / math.sqrt(2), 0.2 / math.sqrt(2)
    assert row["ap"]["seeds"]["within"] == pytest.approx((sea + sky) / 2)
    assert "seeds" not in late["ap"]
    assert late["ap"]["count"] == 2


def test_samples_and_words_name_their_examples() -> None:
    made = columns()
    assert made.samples("mean", ("ap",))[1] == {"arm": "noise", "timestep": 1, "repeat": 1, "ap": [0.4, 0.2, 0.6]}
    assert made.by_word("mean", "ap")[0]["words"] == pytest.approx({"sea": 0.55, "sky": 0.3})


def test_rounding_reaches_every_fraction() -> None:
    assert rounded({"a": [0.123456, {"b": 1.00004}], "c": 3, "d": None}) == {
        "a": [0.1235, {"b": 1.0}],
        "c": 3,
        "d": None,
    }
    assert rounded([math.nan, 0.5]) == [None, 0.5]  # as JSON has it


def test_a_batch_without_words_is_no_gap() -> None:
    made = Columns(["mean", "other"], ["ap"])
    made.sampled([], [])
    made.add(a_pass("noise", 1, 0), [])
    made.sampled(["sea"], [3])
    made.add(a_pass("noise", 1, 0), [[[1.0], [0.5]]])
    assert np.array_equal(made.values(("noise", 1)), [[[[1.0], [0.5]]]])
