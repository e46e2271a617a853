"""Load, a short one: twelve visitors for a minute, none without an answer, and nothing that grows."""

import pytest

from tests.reliability.load import MOST, faults, loaded, table
from tests.reliability.serving import HERE

# Within a minute the heap still grows to what it needs, one slow answer is many medians, and threads of the last
# answers may stand idle yet: `load` itself, which runs for as long as it is told, holds the server to less.
SHORT = MOST | {"wait": 8.0, "memory": 1.25, "threads": 12}


@pytest.mark.slow
def test_twelve_visitors_are_served() -> None:
    told = loaded(HERE, 12, 70, warm=(120, 120.0))
    assert faults(told, SHORT) == [], table(told)
