"""Examples: results that come with the program, so that every tab shows something before any model is loaded."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inspector.errors import InspectorError
from inspector.settings import ASSETS
from inspector.ui import attention, clusters, runs, saliency, segmentation
from inspector.ui.session import RESULTS
from inspector.views.archive import load_result
from inspector.views.export import write_archive

LOG = logging.getLogger(__name__)
FOLDER = ASSETS / "examples"
# file -> (tab, its request)
REQUESTS: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "saliency": ("saliency", saliency.first_request),
    "attention": ("attention", attention.first_request),
    "clusters": ("clusters", clusters.first_request),
    "clusters-poor": ("clusters", clusters.second_request),
    "segmentation": ("segmentation", segmentation.first_request),
}


def load(folder: Path = FOLDER) -> None:
    """Keep the examples for good as results of their requests. One that is not there is computed when asked for."""
    for name in REQUESTS:
        file = folder / f"{name}.npz"
        try:
            if file.is_file():
                RESULTS.pin(load_result(file))
        except InspectorError as error:
            LOG.warning("%s is left out: %s", file, error)


def make(folder: Path) -> list[Path]:
    """Compute every example with the embedded models and write its archive; returns the files."""
    written = []
    for name, (tab, request) in REQUESTS.items():
        (pipeline,) = runs.load_pipelines([tab])
        written.append(write_archive(pipeline.run(request()), folder / f"{name}.npz"))
    return written
