"""How quickly the viewer answers the hand: on one large atlas, served from this machine, in a headless Chromium."""

import functools
import http.server
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from inspector.bench import screen
from inspector.browser import open_browser
from inspector.results import AttentionRequest, AttentionResult, Progress, Provenance, Token
from inspector.views.atlas import write
from inspector.views.atlases import atlas_of
from inspector.views.page import styles
from inspector.views.scripts import scripts
from inspector.views.table import lines
from inspector.views.table import table as rows_table

STEPS, GRIDS, SIDE = 50, (64, 32, 16, 8), 512
PROMPT = "a red horse and two white dogs on the green grass"  # 11 words, with start and end token 13
AIMS = {"ready": 1500.0, "full redraw": 16.0, "token or step change": 5.0}  # milliseconds
ROUNDS = 60
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><style>{styles}</style>
<body><button id="open">Open</button><div id="root"></div><script>{scripts}
globalThis.V = new DenseViewer.Viewer(document.getElementById("root"));
document.getElementById("open").addEventListener("click", async () => {{
  const started = performance.now();
  await V.open(await (await fetch("large.atlas")).arrayBuffer());
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  globalThis.ready = performance.now() - started;
}});</script></body></html>"""
# A full redraw starts with other opacity, so that picture and colours are mixed anew; a change keeps them.
TIMES = """async (rounds) => {
  const panel = V.active(), picture = await V.atlas.picture(V.content(panel.choice).picture);
  const timed = (change) => Array.from({ length: rounds }, (_, round) => {
    change(round);
    const started = performance.now();
    panel.draw(V.content(panel.choice), picture);
    return performance.now() - started;
  });
  const words = V.atlas.axis("word").values, steps = V.atlas.axis("step").values;
  panel.choice.layer = "64";
  return {
    "full redraw": timed((round) => { V.state.opacity = 0.3 + 0.01 * (round % 50); }),
    "token or step change": timed((round) => {
      panel.choice.word = words[round % words.length];
      panel.choice.step = steps[round % steps.length];
    }),
    size: [panel.canvas.width, panel.canvas.height],
  };
}"""


def measure(repeats: int, report: Callable[[Progress], None] = lambda _: None) -> dict[str, Any]:
    """Open the atlas `repeats` times, redraw it `ROUNDS` times each.

    Returns {"repeats", "atlas_bytes", "size", "aims", "milliseconds": {what: {median, max, runs}}, "screen": rows of
    `screen.measure`}, JSON-ready; a run is the median of one opening. Raises ChoiceError without a browser.
    """
    runs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        file = write(atlas_of(large_result()), Path(folder) / "large.atlas")
        (Path(folder) / "index.html").write_text(PAGE.format(styles=styles(), scripts=scripts()), encoding="utf-8")
        size: list[int] = []
        with _served(Path(folder)) as address:
            for repeat in range(repeats):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(address)
                page.click("#open")
                page.wait_for_function("globalThis.ready !== undefined")
                found = page.evaluate(TIMES, ROUNDS)
                size = found.pop("size")
                for what, values in {"ready": [page.evaluate("ready")], **found}.items():
                    runs.setdefault(what, []).append(median(values))
                page.close()
                report(Progress(repeat, repeats, f"ready in {runs['ready'][-1]:.0f} ms, opening"))
        milliseconds = {
            what: {"median": median(values), "max": max(values), "runs": values} for what, values in runs.items()
        }
        bytes_ = file.stat().st_size
    told = {"repeats": repeats, "atlas_bytes": bytes_, "size": size, "aims": AIMS, "milliseconds": milliseconds}
    return told | {"screen": screen.of_the_app()}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text, in milliseconds."""
    rows = [
        {"milliseconds of": what, "median": row["median"], "max": row["max"], "aim": result["aims"][what]}
        for what, row in result["milliseconds"].items()
    ]
    width, height = result["size"]
    head = f"An atlas of {result['atlas_bytes'] / 1e6:.1f} MB, {STEPS} steps, on a canvas of {width}x{height}:"
    return f"{head}\n{lines(rows_table(rows))}\n\n{screen.table(result['screen'])}"


def large_result() -> AttentionResult:
    """Random attention of `STEPS` steps over every word, a layer for each of `GRIDS`, on a picture of `SIDE` pixels."""
    rng = np.random.default_rng(0)
    tokens, at = [Token(0, "<start>", 0, 0)], 0
    for word in PROMPT.split():
        tokens.append(Token(len(tokens), word, at, at + len(word)))
        at += len(word) + 1
    tokens.append(Token(len(tokens), "<end>", 0, 0))
    shapes = {f"up_blocks.{index}.attentions.0": grid for index, grid in enumerate(GRIDS)}
    maps = {name: rng.random((STEPS, len(tokens), grid, grid)).astype(np.float16) for name, grid in shapes.items()}
    image = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    return AttentionResult(
        request=AttentionRequest(PROMPT, steps=STEPS),
        maps={"generation": maps},
        steps={"generation": tuple(range(981, -1, -20))[:STEPS]},
        tokens=tuple(tokens),
        images={"generation": image},
        previews={},
        truncated="",
        metrics=(),
        provenance=Provenance({}, "cpu", "float16", {}, 0.0),
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder's address on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()
        server.server_close()
