"""The same few hundred small scenes for all tests of the world."""

import pytest

from inspector.world import Scene, scene


@pytest.fixture(scope="package")
def scenes() -> list[Scene]:
    return [scene(seed, 64) for seed in range(500_000, 500_300)]
