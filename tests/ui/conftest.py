"""The page, started for real once, and pretend pipelines."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from inspector.settings import ASSETS
from inspector.ui import bring_back, controls, runs, saliency, session, tab, take_away, viewer
from tests.ui.driving import browser, visit  # noqa: F401  # fixtures of every test here
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
    for user in (runs, tab, viewer, take_away, bring_back):
        monkeypatch.setattr(user, "RESULTS", store)
    return module


@pytest.fixture
def shown(pretend: Saliency, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tab.Tab:
    """The saliency tab on an otherwise empty page, its results from the pretend pipeline."""
    monkeypatch.setattr(gr.utils, "get_upload_folder", lambda: str(tmp_path))
    with gr.Blocks(analytics_enabled=False):
        return saliency.build(controls.models(), gr.JSON())


@pytest.fixture(scope="session")
def page() -> Iterator[str]:
    """Address of the page with the embedded models, started as `python app.py` does, on a free port."""
    if not (EMBEDDED / "scenes-clip").is_dir():
        pytest.skip("the embedded models are not there yet")
    from inspector.ui.shell import launch

    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
    yield served.local_url
    served.close()
