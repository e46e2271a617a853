"""Warming: models are loaded after the start, while nobody waits, so that a first visitor's run begins at once."""

import time

from inspector.errors import InspectorError
from inspector.ui import runs


def work() -> None:
    """Load the embedded models, giving way to visitors.

    Without the models' files there is nothing to warm; the page says so when it is asked.
    """
    from inspector.pipelines.preloading import preload

    while not runs.idle():
        time.sleep(0.05)
    try:
        preload()
    except InspectorError:
        return
