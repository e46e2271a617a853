"""How long a visitor waits: from `python app.py` to the page, and to the first and a second answer of each tab."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from inspector.errors import InspectorError
from inspector.results import Progress
from inspector.views.table import lines
from inspector.views.table import table as rows_table

APP = Path(__file__).resolve().parents[2] / "app.py"
PATIENCE = 180  # seconds until a page that does not answer is given up
# Drawn scenes and a prompt that are no examples, so that nothing is answered from memory.
SCENE = 500_123
QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "saliency": {"scene": SCENE, "classes": "car, building, windows, tree"},
    "clusters": {"scene": SCENE},
    "segmentation": {"scene": SCENE, "classes": "car, building, sky, road"},
    "attention": {"scene": None, "prompt": "a dog on the sand", "steps": 20, "seed": 5},
}
AGAIN: Mapping[str, Any] = {"scene": SCENE + 1, "seed": 6}
AIMS = {"page ready": 15.0, "saliency": 5.0, "clusters": 5.0, "segmentation": 5.0, "attention": 25.0}


def measure(repeats: int, report: Callable[[Progress], None] = lambda _: None) -> dict[str, Any]:
    """Start the app `repeats` times and ask every tab twice.

    Returns {"repeats", "aims", "seconds": {what: {median, min, max, runs}}}, JSON-ready. Raises InspectorError when the
    app does not come up, or a tab does not answer.
    """
    runs: dict[str, list[float]] = {}
    for repeat in range(repeats):
        for what, seconds in _one_start():
            runs.setdefault(what, []).append(round(seconds, 3))
            report(Progress(repeat, repeats, f"{what}: {seconds:.2f} s, start"))
    seconds_ = {
        what: {"median": median(values), "min": min(values), "max": max(values), "runs": values}
        for what, values in runs.items()
    }
    return {"repeats": repeats, "aims": AIMS, "seconds": seconds_}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text, in seconds."""
    rows = [
        {
            "seconds to": what,
            "median": row["median"],
            "min": row["min"],
            "max": row["max"],
            "aim": result["aims"].get(what),
        }
        for what, row in result["seconds"].items()
    ]
    return lines(rows_table(rows))


def _one_start() -> Iterator[tuple[str, float]]:
    """(what, seconds) of one start; the app is gone afterwards."""
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    with app() as (url, started, process):
        wait_for(url, process)
        yield "page ready", time.perf_counter() - started
        with tempfile.TemporaryDirectory() as folder:
            client = Client(url, verbose=False, download_files=folder, analytics_enabled=False)
            for tab, question in QUESTIONS.items():
                other = {name: AGAIN[name] for name in question if question[name] is not None and name in AGAIN}
                for what, asked in ((tab, question), (f"{tab}, again", {**question, **other})):
                    before = time.perf_counter()
                    try:
                        client.predict(image=None, **asked, api_name=f"/{tab}")
                    except AppError as error:
                        raise InspectorError(f"The tab {tab} gave no answer: {error}") from error
                    yield what, time.perf_counter() - before


@contextmanager
def app() -> Iterator[tuple[str, float, subprocess.Popen[str]]]:
    """`python app.py` on a free port: its address, when it was started, the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    command = [sys.executable, str(APP), "--port", str(port)]
    process = subprocess.Popen(command, cwd=APP.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{port}", started, process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    """Until the page and its configuration are answered. Raises InspectorError when the app ends or stays silent."""
    limit = time.monotonic() + PATIENCE
    while not all(_answers(url + path) for path in ("/", "/config")):
        if process.poll() is not None:
            raise InspectorError(f"The app ended before it served a page: {_last_words(process)}")
        if time.monotonic() > limit:
            raise InspectorError(f"The app served no page within {PATIENCE} s; run python app.py to see why.")
        time.sleep(0.05)


def _last_words(process: subprocess.Popen[str]) -> str:
    said = process.communicate()[1].strip().splitlines()
    return said[-1] if said else "it said nothing"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
