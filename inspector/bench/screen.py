"""What the first screen of each tab shows: how much of it is maps, where they begin, and what lies beside them."""

import json
from collections.abc import Mapping
from typing import Any

from inspector.bench.startup import app, wait_for
from inspector.browser import READY, SEEN, open_browser
from inspector.settings import ASSETS
from inspector.views.table import lines
from inspector.views.table import table as rows_table

# What the page showed before it became a workbench, as this module measured it then.
BEFORE = ASSETS / "measured" / "first-screen-before.json"

TABS = ("saliency", "attention", "clusters", "segmentation")
SIZES = ((1440, 900), (1280, 720), (390, 844))
AIMS = {"maps": 0.4, "first map at": 200}  # share of a desktop's screen; pixels from the top
PATIENCE = 180_000  # milliseconds; a busy machine
# The same on any arrangement of the page: `maps` counts small maps too, as far as their row shows them.
LOOK = """() => {
  const wide = innerWidth, high = innerHeight;
  const area = (node) => {
    let { left, top, right, bottom } = node.getBoundingClientRect();
    for (let around = node.parentElement; around; around = around.parentElement) {
      if (getComputedStyle(around).overflow === "visible") continue;
      const own = around.getBoundingClientRect();
      [left, top] = [Math.max(left, own.left), Math.max(top, own.top)];
      [right, bottom] = [Math.min(right, own.right), Math.min(bottom, own.bottom)];
    }
    [left, top, right, bottom] = [Math.max(left, 0), Math.max(top, 0), Math.min(right, wide), Math.min(bottom, high)];
    return Math.max(0, right - left) * Math.max(0, bottom - top);
  };
  const seen = (query) => [...document.querySelectorAll(query)].filter((node) => node.checkVisibility());
  const large = seen(".dv-panel .dv-canvas"), small = seen(".dv-cell canvas");
  const whole = (node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return left >= -1 && top >= -1 && right <= wide + 1 && bottom <= high + 1;
  };
  const active = seen(".dv-active .dv-canvas")[0] || large[0];
  const found = { chips: seen(".dv-chips")[0], step: seen(".dv input[type=range][max]").find((node) => node.max > 1),
    maps: seen(".dv-matrix")[0], active };
  return {
    maps: [...large, ...small].reduce((sum, node) => sum + area(node), 0) / (wide * high),
    first: Math.min(...large.map((node) => node.getBoundingClientRect().top + scrollY)),
    inside: Object.fromEntries(Object.entries(found).map(([name, node]) => [name, node ? whole(node) : null])),
    sideways: document.documentElement.scrollWidth > wide,
  };
}"""


def of_the_app() -> list[dict[str, Any]]:
    """As `measure`, of `python app.py`. Raises InspectorError when it does not come up."""
    with app() as (url, _, process):
        wait_for(url, process)
        return measure(url)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text, with the share of maps and the place of the first one before."""
    told = json.loads(BEFORE.read_text(encoding="utf-8"))
    before = {(row["tab"], row["screen"]): row for row in told["rows"]}
    shown = []
    for item in rows:
        old = before.get((item["tab"], item["screen"]), {})
        was = {"maps before": old.get("maps"), "first before": old.get("first map at")}
        shown.append({"tab": item["tab"], "screen": item["screen"], **was, **item})
    aims = (
        f"aims: maps {AIMS['maps']:.0%} on a desk, the first within {AIMS['first map at']} px; before: {told['commit']}"
    )
    return f"The first screen ({aims}):\n{lines(rows_table(shown))}"


def measure(url: str) -> list[dict[str, Any]]:
    """A row {tab, screen, maps, first map at, in it, sideways} for each tab and size of the page at `url`.

    Raises ChoiceError without a browser.
    """
    rows = []
    with open_browser() as browser:
        for width, height in SIZES:
            for tab in TABS:
                context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
                page = context.new_page()
                page.add_init_script(SEEN)
                page.goto(f"{url}?tab={tab}", timeout=PATIENCE)
                page.wait_for_function(READY, timeout=PATIENCE)
                page.wait_for_timeout(300)
                rows.append(row(tab, (width, height), page.evaluate(LOOK)))
                context.close()
    return rows


def row(tab: str, size: tuple[int, int], found: Mapping[str, Any]) -> dict[str, Any]:
    """What `LOOK` found, as a row of the table."""
    inside = [name for name, whole in found["inside"].items() if whole]
    return {
        "tab": tab,
        "screen": f"{size[0]} x {size[1]}",
        "maps": found["maps"],
        "first map at": round(found["first"]),
        "in the same screen": ", ".join(inside),
        "scrolls sideways": bool(found["sideways"]),
    }
