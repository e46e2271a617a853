"""The page, started for real once, and pretend pipelines."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from inspector.settings import ASSETS
from inspector.ui import runs, session
from tests.ui.pretend import Saliency

EMBEDDED = ASSETS / "models"


@pytest.fixture(scope="session", autouse=True)
def event_loops() -> Iterator[None]:
    """Close what gradio leaves open: building a page opens event loops that nobody closes, and warnings are errors."""
    opened: list[asyncio.AbstractEventLoop] = []
    original = asyncio.new_event_loop

    def remember() -> asyncio.AbstractEventLoop:
        opened.append(original())
        return opened[-1]

    asyncio.new_event_loop = remember
    yield
    asyncio.new_event_loop = original
    for loop in opened:
        if not loop.is_running():
            loop.close()


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Saliency:
    """A saliency pipeline without a model, and an empty store."""
    module = Saliency()
    monkeypatch.setitem(sys.modules, "inspector.pipelines.saliency", module)
    store = session.Store()
    monkeypatch.setattr(runs, "RESULTS", store)
    return module


@pytest.fixture(scope="session")
def page() -> Iterator[str]:
    """Address of the page with the embedded models, started as `python app.py` does, on a free port."""
    if not (EMBEDDED / "scenes-clip").is_dir():
        pytest.skip("the embedded models are not there yet")
    from inspector.ui.shell import launch

    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
    yield served.local_url
    served.close()
