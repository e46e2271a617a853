"""Every attack and fault of the table, tried on this tree."""

from collections.abc import Iterator

import pytest

from tests.reliability.attacks import NOT_TRIED, ROWS, tried
from tests.reliability.ground import Ground, Row

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with Ground() as made:
        yield made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_an_attack_or_fault(row: Row, ground: Ground) -> None:
    verdict, _ = tried(ground, row)
    if verdict.said.startswith(NOT_TRIED):
        pytest.skip(verdict.said)
    assert verdict.holds, verdict.said
