"""Screenshots: the real page in a browser, each tab's example run, in light, dark and on a phone's screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.browser import open_browser
from inspector.ui.shell import TABS, launch

# tab -> the button of the example that is shown
EXAMPLES: Mapping[str, str] = {
    "saliency": "Figure 1: a map per class",
    "attention": "Figure 3: a horse on the grass",
    "clusters": "Figure 4: a good and a poor case",
    "segmentation": "A street, maskclip",
}
# name -> window in pixels, theme
SCREENS: Mapping[str, tuple[int, int, str]] = {
    "light": (1440, 900, "light"),
    "dark": (1440, 900, "dark"),
    "phone": (390, 844, "light"),
}
PATIENCE = 180_000  # milliseconds; a busy machine
SETTLE = 1_500


def take(folder: Path, browser: str | None = None) -> list[Path]:
    """Start the page, run the example of each tab on each screen, and write `folder`/TAB-SCREEN.png, whole pages.

    browser: path of a Chromium; None looks for Debian's. Raises ChoiceError without playwright or a browser.
    """
    with open_browser(browser) as driven:
        page = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
        try:
            return [
                _one(driven, str(page.local_url), tab, screen, folder / f"{tab}-{screen}.png")
                for screen in SCREENS
                for tab in TABS
            ]
        finally:
            page.close()


def open_tab(page: Any, tab: str) -> None:
    """Choose a tab of the page, which hides behind a menu where the screen is narrow."""
    entry = page.get_by_role("tab", name=tab.capitalize())
    if not entry.first.is_visible():
        page.locator(".overflow-menu > button").first.click()
    entry.first.click()


def _one(browser: Any, url: str, tab: str, screen: str, file: Path) -> Path:
    width, height, theme = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    try:
        page = context.new_page()
        page.goto(f"{url}?__theme={theme}", timeout=PATIENCE)
        page.get_by_role("tab", name="Saliency").wait_for(timeout=PATIENCE)
        open_tab(page, tab)
        page.get_by_role("button", name=EXAMPLES[tab]).click(timeout=PATIENCE)
        page.locator(".status.ready:visible").wait_for(timeout=PATIENCE)
        page.locator(".sheet img:visible").first.wait_for(timeout=PATIENCE)
        page.wait_for_timeout(SETTLE)  # until the page has its height
        # A window as high as the page, since pictures outside it are loaded when they come into sight.
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
        page.locator(".close-up img:visible").first.wait_for(timeout=PATIENCE)
        page.wait_for_function(
            "[...document.images].filter(image => image.checkVisibility()).every(image => image.complete)",
            timeout=PATIENCE,
        )
        page.screenshot(path=str(file), full_page=True, animations="disabled")
    finally:
        context.close()
    return file
