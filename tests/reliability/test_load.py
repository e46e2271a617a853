"""A minute of load by twelve visitors; the command does it for longer, by more."""

import pytest

from tests.reliability.load import faults, loaded, table
from tests.reliability.serving import HERE


@pytest.mark.slow
def test_twelve_visitors_for_a_minute() -> None:
    told = loaded(HERE, 12, 70)
    assert not faults(told), table(told)
