"""Load, a short one: twelve visitors for a minute, none without an answer, and nothing that grows."""

import pytest

from tests.reliability.load import faults, loaded, table
from tests.reliability.serving import HERE


@pytest.mark.slow
def test_twelve_visitors_are_served() -> None:
    told = loaded(HERE, 12, 70, warm=(120, 120.0))
    assert faults(told) == [], table(told)
