"""Export: a result as figure.png, maps.npz and result.json, each carrying where it came from."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inspector.errors import ChoiceError
from inspector.results import AttentionResult, ClustersResult, SaliencyResult, SegmentationResult, plain
from inspector.views import attention, clusters, saliency, segmentation
from inspector.views.archive import take_apart
from inspector.views.figure import Sheet, draw
from inspector.views.look import Look

Result = SaliencyResult | AttentionResult | ClustersResult | SegmentationResult
_TABS = {
    SaliencyResult: ("saliency", saliency),
    AttentionResult: ("attention", attention),
    ClustersResult: ("clusters", clusters),
    SegmentationResult: ("segmentation", segmentation),
}


def write_result(
    result: Result, folder: str | Path, look: Look | None = None, sheet: Sheet | None = None
) -> list[Path]:
    """Write figure.png, maps.npz and result.json into a folder, made if need be; returns their paths.

    sheet: a figure other than the tab's own. The PNG carries the text chunk "inspector", the archive an
    entry "provenance", both the same JSON as result.json without its numbers. `archive.load_result` reads the archive.
    Raises ChoiceError when the folder cannot be written.
    """
    _, tab = _tab(result)
    folder = Path(folder)
    origin = provenance(result)
    paths = [folder / "figure.png", folder / "maps.npz", folder / "result.json"]
    write_figure(result, paths[0], look, sheet)
    try:
        np.savez_compressed(paths[1], provenance=np.array(dumps(origin)), **(tab.arrays(result) | take_apart(result)))
        paths[2].write_text(dumps(record(result), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ChoiceError(f"Cannot write to {str(folder)!r}: {error.strerror}; choose another folder.") from None
    return paths


def write_figure(
    result: Result, path: Path, look: Look | None = None, sheet: Sheet | None = None, beside: Sequence[Result] = ()
) -> None:
    """Write the figure alone, as PNG, its folder made if need be. Raises ChoiceError when it cannot be written.

    beside: the other results that `sheet` shows, whose provenance goes into the file too.
    """
    origin = provenance(result) | ({"beside": [provenance(other) for other in beside]} if beside else {})
    figure = draw(sheet or figure_of(result, look or Look()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, figure, origin)
    except OSError as error:
        raise ChoiceError(f"Cannot write {str(path)!r}: {error.strerror}; choose another place.") from None


def figure_of(result: Result, look: Look) -> Sheet:
    """The tab's figure."""
    name, tab = _tab(result)
    return tab.sheet([result] if name == "clusters" else result, look)


def provenance(result: Result) -> dict[str, Any]:
    """Request and provenance, JSON-ready; pictures and masks appear as their shapes."""
    name, _ = _tab(result)
    return {"tab": name, "request": _clean(plain(result.request)), "provenance": _clean(plain(result.provenance))}


def record(result: Result) -> dict[str, Any]:
    """What result.json holds: where the result came from and its numbers under the tab's name, JSON-ready."""
    name, tab = _tab(result)
    return provenance(result) | {name: _clean(plain(tab.numbers(result)))}


def write_png(path: Path, image: np.ndarray, origin: dict[str, Any]) -> None:
    """uint8 RGB as a PNG whose text chunk "inspector" holds `origin` as JSON."""
    info = PngInfo()
    info.add_itxt("inspector", dumps(origin))
    Image.fromarray(image).save(path, format="PNG", pnginfo=info)


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON with null in place of numbers that are not finite."""
    return json.dumps(_clean(plain(value)), indent=indent, ensure_ascii=False, allow_nan=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tab(result: Result) -> tuple[str, Any]:
    if type(result) not in _TABS:
        raise ChoiceError(f"Cannot write a {type(result).__name__}; give a result of one of the four pipelines.")
    return _TABS[type(result)]
