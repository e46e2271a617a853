"""A person's walk: what some tasks take on the page, in clicks, texts and scrolls: `python -m tests.ui.walk`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from inspector.bench.startup import app, wait_for
from inspector.browser import SEEN, open_browser
from inspector.ui import scenes
from tests.ui.driving import LONG, VIEWER, until

SIZE = (1440, 900)


@dataclass
class Walker:
    """Does what a hand does, and counts it. What lies outside of the window has to be scrolled to."""

    tab: Any
    clicks: int = 0
    texts: int = 0
    scrolls: int = 0
    steps: list[str] = field(default_factory=list)

    def click(self, target: Any, said: str) -> None:
        self._reach(target)
        target.click(timeout=LONG)
        self.clicks += 1
        self.steps.append(said)

    def write(self, target: Any, text: str) -> None:
        self._reach(target)
        target.fill(text, timeout=LONG)
        self.texts += 1
        self.steps.append(f"“{text}”")

    def choose(self, target: Any, name: str, said: str) -> None:
        """Take a file in the browser's own dialogue."""
        picture = cv2.imencode(".png", scenes.get(scenes.STREET).image[..., ::-1])[1].tobytes()
        with self.tab.expect_file_chooser(timeout=LONG) as chooser:
            self.click(target, said)
        chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": picture})

    def drag(self, points: np.ndarray, said: str) -> None:
        """One stroke over the active panel; points: (y, x) as shares of it."""
        box = self.tab.evaluate(f"(({{ x, y, width, height }}) => [x, y, width, height])({_BOX})")
        for at, (y, x) in enumerate(points):
            self.tab.mouse.move(box[0] + x * box[2], box[1] + y * box[3])
            if at == 0:
                self.tab.mouse.down()
        self.tab.mouse.up()
        self.clicks += 1
        self.steps.append(said)

    def _reach(self, target: Any) -> None:
        target.wait_for(timeout=LONG)
        box = target.bounding_box()
        inside = box and 0 <= box["x"] <= SIZE[0] and box["y"] >= 0 and box["y"] + box["height"] <= SIZE[1]
        self.scrolls += not inside


_BOX = f"{VIEWER}.active().canvas.getBoundingClientRect()"


def _run(walker: Walker) -> None:
    nonce = walker.tab.evaluate("DenseViewer.shell.slots.get(DenseViewer.shell.active).value?.nonce ?? 0")
    walker.click(walker.tab.locator("button.run:visible"), "Run")
    slot = "DenseViewer.shell.slots.get(DenseViewer.shell.active).value"
    walker.tab.wait_for_function(f"({slot}?.nonce ?? 0) > {nonce}", timeout=LONG)
    until(walker.tab)


def _open(walker: Walker, name: str) -> None:
    walker.click(walker.tab.get_by_role("tab", name=name, exact=True), name)
    walker.tab.wait_for_function(f"DenseViewer.shell.active === '{name.lower()}'", timeout=LONG)
    until(walker.tab)


def _part(walker: Walker, name: str) -> None:
    walker.click(walker.tab.get_by_role("tab", name=name, exact=True), name)


def own_photograph(walker: Walker) -> None:
    """Own photograph to three maps."""
    tab = walker.tab
    walker.click(tab.get_by_role("button", name="Choose the picture"), "the small picture")
    walker.click(tab.get_by_role("button", name="Another picture"), "Another picture")
    walker.choose(tab.get_by_role("button", name="Drop an image file here"), "own.png", "upload")
    tab.wait_for_function("document.querySelector('.left .caption')?.textContent.includes('Your own picture')")
    walker.write(tab.get_by_role("textbox", name="Classes").first, "car, sky, grass")
    _run(walker)
    assert tab.locator(".dv-cell").count() == 3


def best_layer_and_step(walker: Walker) -> None:
    """The layer and step where “horse” is best."""
    tab = walker.tab
    _open(walker, "Attention")
    _part(walker, "Mask")
    walker.drag(np.array([(0.45, 0.2), (0.5, 0.4), (0.5, 0.6), (0.7, 0.3), (0.7, 0.6)]), "a stroke over it")
    best = tab.locator(".dv-found").first
    wanted = best.locator("span").first.text_content(timeout=LONG)
    walker.click(best, "the first of the best")
    assert wanted == tab.evaluate(f"{VIEWER}.describe({VIEWER}.active().choice)")


def two_prompts(walker: Walker) -> None:
    """Two prompts side by side."""
    _open(walker, "Attention")
    walker.click(walker.tab.get_by_role("button", name="Hold", exact=True), "Hold")
    walker.write(walker.tab.get_by_role("textbox", name="Prompt").first, "a dog on the grass")
    _run(walker)
    assert walker.tab.evaluate(f"{VIEWER}.panels.length") == 4


def mask_in_all_tabs(walker: Walker) -> None:
    """A mask scored in all tabs."""
    tab = walker.tab
    _part(walker, "Mask")
    walker.click(tab.get_by_role("button", name="Map above threshold as mask"), "Map above threshold")
    walker.click(tab.get_by_role("button", name="Send to the other tabs"), "Send to the other tabs")
    _open(walker, "Segmentation")
    _open(walker, "Clusters")
    _run(walker)
    _open(walker, "Attention")
    walker.click(tab.get_by_text("use the picture"), "use the picture")
    walker.write(tab.get_by_role("textbox", name="Prompt").first, "a car on the road")
    _run(walker)
    _part(walker, "Numbers")
    tab.wait_for_function("document.querySelectorAll('.dv-board li').length === 4", timeout=LONG)


def one_column_figure(walker: Walker) -> None:
    """A figure for a one-column paper."""
    tab = walker.tab
    walker.click(tab.locator(".pill.save > button"), "Save")
    walker.click(tab.get_by_label("one column (3.3 in)"), "one column")
    walker.click(tab.get_by_role("button", name="Save figure, data and caption"), "Save figure")
    tab.locator(".save .file-preview").get_by_text("figure").wait_for(timeout=LONG)


WALKS: Mapping[Callable[[Walker], None], int] = {
    own_photograph: 4,
    best_layer_and_step: 4,
    two_prompts: 3,
    mask_in_all_tabs: 10,
    one_column_figure: 3,
}  # with the clicks that each may take


def print_table() -> int:
    """Start the page, take every walk from its first screen, print the table; 0 where none is longer than it may be."""
    longer = 0
    with app() as (url, _, process), open_browser() as browser:
        wait_for(url, process)
        for walk, most in WALKS.items():
            width, height = SIZE
            context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
            walker = Walker(context.new_page())
            walker.tab.add_init_script(SEEN)
            walker.tab.goto(url, timeout=LONG)
            until(walker.tab)
            walk(walker)
            longer += walker.clicks > most or walker.scrolls > 0
            print(f"{walk.__doc__} {walker.clicks} clicks, {walker.texts} texts, {walker.scrolls} scrolls")
            print(f"    {' > '.join(walker.steps)}", flush=True)
            context.close()
    return int(longer > 0)


if __name__ == "__main__":
    raise SystemExit(print_table())
