"""What a person's tasks take on the page."""

from collections.abc import Callable

import pytest

from tests.ui.driving import Open
from tests.ui.walk import SIZE, WALKS, Walker

playwright = pytest.importorskip("playwright.sync_api")


@pytest.mark.slow
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
def test_a_task_takes_few_clicks_and_no_scrolling(visit: Open, walk: Callable[[Walker], None]) -> None:
    walker = Walker(visit("", SIZE[0], height=SIZE[1]))
    walk(walker)
    assert walker.clicks <= WALKS[walk]
    assert walker.scrolls == 0
