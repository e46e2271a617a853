"""What tests of the attention pipeline share."""

import pytest

from inspector.pipelines import attention
from tests.pipelines.families import drawn, folders, opened  # noqa: F401  # fixtures of the families' tests
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def toy() -> ToyDiffusion:
    """A small random Stable Diffusion."""
    return ToyDiffusion()


@pytest.fixture
def attending(monkeypatch: pytest.MonkeyPatch, toy: ToyDiffusion) -> ToyDiffusion:
    """The toy, as whatever model the attention pipeline loads."""
    monkeypatch.setattr(attention, "load_diffusion", lambda name, report=None: toy)
    return toy
