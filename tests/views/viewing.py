"""Viewing: a result's viewer opened in a browser, on a page from disk; what its tests share."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inspector.browser import open_browser
from inspector.views.page import Section, standalone
from inspector.views.scripts import scripts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as driven:
        yield driven


@pytest.fixture
def show(browser: Any, tmp_path: Any) -> Iterator[Open]:
    """A function that opens a result (or an atlas's bytes) and returns the page; no error may reach its console."""
    pages, errors = [], []

    def opened(result: Any, width: int = 1100, state: dict[str, Any] | None = None) -> Any:
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(standalone("A result", [Section("one", result, state or {})]), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else errors.append(request.url),
        )
        pages.append(page)
        page.goto(path.as_uri())
        page.wait_for_selector(".viewer[data-ready]")
        page.evaluate("globalThis.V = opened[0]")
        return page

    yield opened
    for page in pages:
        page.close()
    assert not errors, errors


def side(page: Any, name: str) -> None:
    """Open a part of the inspector."""
    page.get_by_role("tab", name=name, exact=True).click()


def module(name: str) -> str:
    """What a module of the viewer exports, as an expression for a page to evaluate."""
    return f"(() => {{ {scripts(name)}\nreturn DenseViewer; }})()"


def settle(page: Any) -> None:
    """Wait until everything that a change sets off is drawn."""
    page.wait_for_timeout(150)
