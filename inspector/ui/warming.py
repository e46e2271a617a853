"""Warming: models are loaded and the paper's figures computed after the start, so that a first visitor waits little."""

import time
from collections.abc import Callable
from typing import Any

from inspector.errors import InspectorError
from inspector.ui import attention, clusters, runs, saliency, segmentation
from inspector.ui.session import RESULTS

# The quick ones first; attention takes many steps.
REQUESTS: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("saliency", saliency.first_request),
    ("segmentation", segmentation.first_request),
    ("clusters", clusters.first_request),
    ("attention", attention.first_request),
)


def work() -> None:
    """Compute every tab's first example, giving way to visitors between steps.

    Without the models' files there is nothing to warm; the page says so when it is asked.
    """
    for tab, make in REQUESTS:
        try:
            for _ in runs.compute(tab, make(), visitor=False):
                while not runs.idle():
                    time.sleep(0.05)
        except InspectorError:
            continue


def ready() -> tuple[str, ...]:
    """The keys of the first examples, in the order of the tabs, "" for one that is not there yet."""
    found = {tab: RESULTS.find(make()) for tab, make in REQUESTS}
    return tuple(found[tab] for tab in ("saliency", "attention", "clusters", "segmentation"))
