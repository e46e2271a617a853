"""Warming: models are loaded and the paper's figures computed after the start, so that a first visitor waits little."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from inspector.errors import InspectorError
from inspector.ui import attention, clusters, parts, runs, saliency, segmentation
from inspector.ui.session import RESULTS

# In the order of the tabs.
REQUESTS: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("saliency", saliency.first_request),
    ("attention", attention.first_request),
    ("clusters", clusters.first_request),
    ("segmentation", segmentation.first_request),
)


def work() -> None:
    """Compute every tab's first example, giving way to visitors between steps.

    Without the models' files there is nothing to warm; the page says so when it is asked.
    """
    for tab, make in sorted(REQUESTS, key=lambda item: item[0] == "attention"):  # which takes many steps, last
        try:
            for _ in runs.compute(tab, make(), visitor=False):
                while not runs.idle():
                    time.sleep(0.05)
        except InspectorError:
            continue


def ready() -> list[Any]:
    """Status line and key of each tab's first example, in the order of REQUESTS; nothing for one not there yet."""
    shown: list[Any] = []
    for _, make in REQUESTS:
        key = RESULTS.find(make())
        shown += [parts.done(RESULTS.get(key).provenance), key] if key else [gr.skip(), gr.skip()]
    return shown
