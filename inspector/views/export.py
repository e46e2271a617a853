"""Export: a result as a figure, its caption, maps.npz and result.json, which carry where they came from."""

import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inspector import __version__
from inspector.errors import ChoiceError
from inspector.results import (
    AttentionResult,
    ClustersResult,
    SaliencyResult,
    SegmentationResult,
    check_choice,
    check_number,
    plain,
)
from inspector.views import annotations, attention, clusters, saliency, segmentation
from inspector.views.archive import take_apart
from inspector.views.color import hex_color
from inspector.views.figure import Row, Sheet, number
from inspector.views.layout import CELL, with_pixels
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.strips import DPI

KINDS = ("png", "pdf", "svg")
MAX_SCALE = 4  # of a PNG: pictures of 960 pixels, 300 to the inch at 8 cm
COLUMNS = {1: 3.3, 2: 6.9}  # of a journal -> inches that a figure is wide there
Result = SaliencyResult | AttentionResult | ClustersResult | SegmentationResult
_TABS = {
    SaliencyResult: ("saliency", saliency),
    AttentionResult: ("attention", attention),
    ClustersResult: ("clusters", clusters),
    SegmentationResult: ("segmentation", segmentation),
}


def write_result(
    result: Result,
    folder: str | Path,
    look: Look | None = None,
    sheet: Sheet | None = None,
    scale: int = 1,
    kinds: Sequence[str] = ("png",),
    beside: Sequence[Result] = (),
    columns: int | None = None,
) -> list[Path]:
    """Write the figure, maps.npz, result.json and caption.txt into a folder, made if need be; returns their paths.

    A segmentation's labels are there too, for annotation tools (`annotations.files`).

    sheet: a figure other than the tab's own, its pictures made for `scale` or `columns`, as `with_pixels` does; beside:
    the other results it shows, whose provenance goes into it too; kinds: of `KINDS`, one file each, such as figure.png;
    columns: of `COLUMNS`, the figure is so wide on paper and `scale` says nothing. Each file carries the same JSON as
    result.json without its numbers: the PNG as text chunk "inspector", the archive as entry "provenance", which
    `archive.load_result` reads, PDF and SVG as `vector` says.
    Raises ChoiceError when the folder cannot be written, for a kind, scale or columns that do not exist, and for a
    figure that is higher than a page at that width.
    """
    folder, look = Path(folder), look or Look()
    for kind in kinds:
        check_choice("kind", kind, KINDS)
    sheet = sheet or figure_of(result, look, scale, columns)
    figures = [folder / f"figure.{kind}" for kind in kinds]
    maps, numbers, caption = (folder / name for name in ("maps.npz", "result.json", "caption.txt"))
    for path in figures:
        write_figure(result, path, look, sheet, beside, scale, columns)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_archive(result, maps)
        numbers.write_text(dumps(record(result), indent=2) + "\n", encoding="utf-8")
        caption.write_text(caption_of(result, look, sheet, beside) + "\n", encoding="utf-8")
        further = annotations.files(result) if isinstance(result, SegmentationResult) else {}
        for name, content in further.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise ChoiceError(f"Cannot write to {str(folder)!r}: {error.strerror}; choose another folder.") from None
    return [*figures, maps, numbers, caption, *(folder / name for name in further)]


def write_archive(result: Result, path: Path) -> Path:
    """Write maps.npz: named arrays, what `archive.load_result` needs, and under "provenance" where it came from."""
    _, tab = _tab(result)
    origin = np.array(dumps(provenance(result)))
    np.savez_compressed(path, provenance=origin, **(tab.arrays(result) | take_apart(result)))
    return path


def write_figure(
    result: Result,
    path: Path,
    look: Look | None = None,
    sheet: Sheet | None = None,
    beside: Sequence[Result] = (),
    scale: int = 1,
    columns: int | None = None,
) -> None:
    """Write the figure alone, of the kind that the path ends in, its folder made if need be.

    sheet, beside and columns: as in `write_result`, and what is raised; also for another ending.
    """
    kind, inches = kind_of(path), inches_of(columns)
    check_scale(scale)
    origin = provenance(result) | ({"beside": [provenance(other) for other in beside]} if beside else {})
    sheet = sheet or figure_of(result, look or Look(), scale, columns)
    if kind == "png":
        packed = png(draw(sheet, CELL * scale, inches), origin, None if inches is None else DPI)
    else:
        from inspector.views.vector import vector  # matplotlib's drawing, half a second to import

        packed = vector(sheet, kind, origin, inches=inches)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed)
    except OSError as error:
        raise ChoiceError(f"Cannot write {str(path)!r}: {error.strerror}; choose another place.") from None


def figure_of(result: Result, look: Look, scale: int = 1, columns: int | None = None) -> Sheet:
    """The tab's figure, its pictures computed at `scale` times their usual size, or for a width of so many columns.

    Raises ChoiceError for either.
    """
    check_scale(scale)
    name, tab = _tab(result)
    shown = [result] if name == "clusters" else result
    return with_pixels(lambda scale: tab.sheet(shown, look, side=tab.SIDE * scale), scale, inches_of(columns))


def inches_of(columns: int | None) -> float | None:
    """How wide a figure of so many columns is; None is by scale. Raises ChoiceError for what is not in `COLUMNS`."""
    if columns is None:
        return None
    check_number("columns", columns, min(COLUMNS), max(COLUMNS), whole=True)
    return COLUMNS[int(columns)]


def kind_of(path: Path) -> str:
    """The kind of figure that a file's name asks for. Raises ChoiceError for an ending that is not in `KINDS`."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ChoiceError(f"{path.name!r} does not say which kind of figure it is; end it in .png, .pdf or .svg.")
    return kind


def check_scale(scale: int) -> None:
    """Raise ChoiceError unless `scale` is a whole number from 1 to `MAX_SCALE`."""
    check_number("scale", scale, 1, MAX_SCALE, whole=True)


def provenance(result: Result) -> dict[str, Any]:
    """Request and provenance, JSON-ready; pictures and masks appear as their shapes."""
    name, _ = _tab(result)
    return {"tab": name, "request": _clean(plain(result.request)), "provenance": _clean(plain(result.provenance))}


def record(result: Result) -> dict[str, Any]:
    """What result.json holds: where the result came from and its numbers under the tab's name, JSON-ready."""
    name, tab = _tab(result)
    return provenance(result) | {name: _clean(plain(tab.numbers(result)))}


def png(image: np.ndarray, origin: dict[str, Any], dpi: int | None = None) -> bytes:
    """uint8 RGB as a PNG whose text chunk "inspector" holds `origin` as JSON; dpi: pixels to an inch, which it says."""
    info, packed = PngInfo(), io.BytesIO()
    info.add_itxt("inspector", dumps(origin))
    Image.fromarray(image).save(packed, format="PNG", pnginfo=info, **({"dpi": (dpi, dpi)} if dpi else {}))
    return packed.getvalue()


def basis(result: Result) -> str:
    """What made a result, in words: models and every choice that its maps depend on."""
    return str(_tab(result)[1].basis(result))


def caption_of(result: Result, look: Look, sheet: Sheet | None = None, beside: Sequence[Result] = ()) -> str:
    """One paragraph that says what a figure shows, how it was made and with what, to stand under it in a paper.

    sheet: the figure, where it is not the tab's own; beside: the other results it shows.
    """
    _, tab = _tab(result)
    sheet, request = sheet or figure_of(result, look), result.request
    rows = [row.label for row in sheet.rows if row.label]
    maps = sorted({panel.bar.colormap for row in sheet.rows for panel in row.panels if panel.bar})
    revisions = {name: revision for one in (result, *beside) for name, revision in one.provenance.models.items()}
    models = [f"{name} at {revision[:12]}" if revision else name for name, revision in revisions.items()]
    drawn_ = (one.request.scene for one in (result, *beside))
    scenes = list(dict.fromkeys(str(scene) for scene in drawn_ if scene is not None))
    parts = [tab.HEADING]
    if len(rows) > 1:
        parts.append(f"Rows from the top: {', '.join(rows)}")
    if scenes:
        parts.append(f"Drawn scene{'s' if len(scenes) > 1 else ''} {' and '.join(scenes)}")
    parts.append(sheet.note)
    parts += [_told(row) for row in sheet.rows]
    if maps:
        between = "bilinear between cells" if look.smooth else "cells as recorded"
        fading = " at a map's highest value, less with the value," if look.fade else ","
        parts.append(
            f"Maps lie over the picture in {' and '.join(maps)}, opacity {look.opacity:g}{fading} {between}; the "
            "numbers under a map, and in brackets here, are the values at the ends of its colours"
        )
    if sheet.legend:
        parts.append(f"Colours: {', '.join(f'{name} {hex_color(color)}' for name, color in sheet.legend)}")
    if models:
        parts.append(f"Model revision{'s' if len(models) > 1 else ''}: {', '.join(models)}")
    # Methods of segmentation that draw noise say so in the note, with the seed.
    if (
        hasattr(request, "seed")
        and not hasattr(request, "method")
        and not re.search(rf"\bseed {request.seed}\b", sheet.note)
    ):
        parts.append(f"Seed {request.seed}")
    parts += dict.fromkeys(one.provenance.warning for one in (result, *beside))
    parts.append(f"Made with Dense Inspector {__version__}")
    return " ".join(" ".join(part.split()).removesuffix(".") + "." for part in parts if part)


def _told(row: Row) -> str:
    """A row's pictures by their titles, each map with the values at the ends of its colours."""
    titles = (
        panel.title + (f" ({number(panel.bar.low)} to {number(panel.bar.high)})" if panel.bar else "")
        for panel in row.panels
    )
    return f"Pictures{f' of {row.label}' if row.label else ''}, in reading order: {'; '.join(titles)}"


def dumps(value: Any, indent: int | None = None, ascii: bool = False) -> str:
    """JSON with null in place of numbers that are not finite; ascii: with other letters as escapes."""
    return json.dumps(_clean(plain(value)), indent=indent, ensure_ascii=ascii, allow_nan=False)


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
