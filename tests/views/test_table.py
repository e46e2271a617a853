"""Tables as text."""

import numpy as np

from inspector.views.table import table, text


def test_cells() -> None:
    cells = [text(value) for value in (0.12345, np.float32(2), 7, None, float("nan"), True, "a")]
    assert cells == ["0.123", "2.000", "7", "–", "–", "yes", "a"]


def test_columns_in_the_order_they_appear() -> None:
    shown = table([{"a": 1, "b": 2.0}, {"a": 3, "c": "x"}], skip=("b",))
    assert shown.headers == ("a", "c")
    assert shown.rows == (("1", "–"), ("3", "x"))
    assert not table([])
