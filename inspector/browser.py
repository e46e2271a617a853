"""Browser: a headless Chromium, for pictures and timings of pages; it is of development only and may be missing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError

# What the page says of itself once what was asked for is on the screen, and what makes it skip its first help.
READY = "document.documentElement.dataset.inspector === 'ready'"
SEEN = "localStorage.setItem('inspector-helped', 'yes')"
# Of a part that is drawn again, the edges would be blended with those that are there: the same page, other pixels.
WHOLE = "--disable-partial-raster"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--hide-scrollbars", WHOLE)


@contextmanager
def open_browser(path: str | None = None) -> Iterator[Any]:
    """A headless Chromium driven by playwright. path: None looks for Debian's.

    Raises ChoiceError without playwright or a browser.
    """
    path = path or shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise ChoiceError("Playwright is missing; pip install -r requirements-dev.txt.") from None
    if path is None or not Path(path).is_file():
        raise ChoiceError("No Chromium was found; install Debian's package chromium, or name one with --browser.")
    with sync_playwright() as playwright:
        try:
            driven = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error:
            raise ChoiceError(f"{path} does not start as a Chromium; name another with --browser.") from None
        try:
            yield driven
        finally:
            driven.close()
