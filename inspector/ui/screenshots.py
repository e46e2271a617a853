"""Screenshots: the real page in a browser, opened by address, in light, dark and on a phone's screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.browser import READY, SEEN, open_browser
from inspector.ui.shell import launch

# tab -> the address that is pictured
ADDRESSES: Mapping[str, str] = {
    "saliency": "?tab=saliency&class=car&class=building",
    "attention": "?tab=attention&word=horse&scale=shared&pin=0.55,0.5",
    "clusters": "?tab=clusters&pin=0.6,0.5",
    "segmentation": "?tab=segmentation&class=car",
}
# name -> window in pixels, theme
SCREENS: Mapping[str, tuple[int, int, str]] = {
    "light": (1440, 900, "light"),
    "dark": (1440, 900, "dark"),
    "phone": (390, 844, "light"),
}
PATIENCE = 180_000  # milliseconds; a busy machine
REST = 400  # milliseconds until the small maps are drawn
LOADED = "[...document.images].filter(image => image.checkVisibility()).every(image => image.complete)"


def take(folder: Path, browser: str | None = None) -> list[Path]:
    """Start the page, open each tab on each screen, and write `folder`/TAB-SCREEN.png, first screens.

    browser: path of a Chromium; None looks for Debian's. Raises ChoiceError without playwright or a browser.
    """
    with open_browser(browser) as driven:
        page = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
        try:
            return [
                picture(driven, str(page.local_url), tab, screen, folder / f"{tab}-{screen}.png")
                for screen in SCREENS
                for tab in ADDRESSES
            ]
        finally:
            page.close()


def picture(browser: Any, url: str, tab: str, screen: str, file: Path) -> Path:
    """Write what the page at `url` shows of a tab on a screen, once the document says that it is ready."""
    width, height, theme = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    try:
        page = context.new_page()
        page.add_init_script(SEEN)
        page.goto(f"{url}{ADDRESSES[tab]}&__theme={theme}", timeout=PATIENCE)
        page.wait_for_function(READY, timeout=PATIENCE)
        page.wait_for_function(LOADED, timeout=PATIENCE)
        page.wait_for_timeout(REST)
        page.screenshot(path=str(file), animations="disabled")
    finally:
        context.close()
    return file
