"""The cases that the browser code is tested with are what Python says now."""

import json
from typing import Any

import pytest

from tests.views import shared_cases


def alike(one: Any, other: Any) -> bool:
    """Equal, but for the last digit of a rounded number."""
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and one == pytest.approx(other, abs=2e-5)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@pytest.mark.parametrize("subject", ["scores", "otsu", "enlarge", "colours", "atlas", "weighed"])
def test_the_file_holds_what_python_says(subject: str) -> None:
    kept = json.loads(shared_cases.FILE.read_text(encoding="utf-8"))
    now = json.loads(shared_cases.text())
    assert kept.keys() == now.keys()
    assert alike(kept[subject], now[subject]), "run python -m tests.views.shared_cases, then npm test"


@pytest.mark.parametrize(
    "changed", [{"a": [0.5, 2]}, {"a": [0.5]}, {"b": [0.5, 1]}, {"a": [0.5001, 1]}, {"a": [None, 1]}]
)
def test_a_change_is_noticed(changed: Any) -> None:
    assert alike({"a": [0.5, 1]}, {"a": [0.500001, 1]})
    assert not alike({"a": [0.5, 1]}, changed)
