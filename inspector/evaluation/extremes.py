"""The worst and the best pictures of a data set, each in a folder that the page opens, and the table of all."""

import csv
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inspector.evaluation import requested
from inspector.evaluation.datasets import Entry
from inspector.evaluation.measuring import Row, Task, enlarged, load
from inspector.results import SegmentationResult
from inspector.views.archive import take_apart
from inspector.views.export import caption_of, dumps, figure_of, provenance, record, write_figure
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.recipes import PICTURE, as_command

NOTE = (
    "The page reads no file of this machine by its address: start it (`python app.py`) and give it a picture's "
    "`maps.npz` as saved data, which shows what was computed here, with the masks. The command computes the same "
    "without them. A figure's scores count every pixel; those of the tables leave void pixels out."
)


def write_table(rows: Sequence[Row], file: Path) -> None:
    """One line a picture: key, its scores, seconds, error."""
    names = list(dict.fromkeys(name for row in rows for name in row["numbers"]))
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["key", *names, "seconds", "error"])
        for row in rows:
            scores = (row["numbers"].get(name) for name in names)
            writer.writerow(
                [row["key"], *("" if value is None else repr(value) for value in scores), row["seconds"], row["error"]]
            )


def write_extremes(task: Task, result: Mapping[str, Any], told: str, folder: Path) -> Path:
    """Write worst/ and best/, a folder a picture, and summary.md, which leads to them; returns its path.

    result: as `of_dataset.summary`; told: its table. The pictures are run again, this time with their masks.
    """
    entries = {entry.key: entry for entry in task.dataset.entries}
    parts = [f"# {result['subject'].capitalize()}: {result['dataset']}", f"```text\n{told}\n```", NOTE]
    for end in ("worst", "best"):
        parts.append(f"## The {end} pictures")
        for place, key in enumerate(result[end], 1):
            name = f"{end}/{place}"
            command = _write_one(task, entries[key], folder / name)
            parts.append(f"**{key}**: [maps.npz]({name}/maps.npz), [result.json]({name}/result.json)")
            parts.append(f"![{key}]({name}/figure.png)")
            parts += [f"```\n{command}\n```"] if command else []
    file = folder / "summary.md"
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return file


def _write_one(task: Task, entry: Entry, folder: Path) -> str:
    """Run one picture with its masks and write its result; returns the command that runs it without, or ""."""
    image, labels = load(task.dataset, entry)
    labels = enlarged(labels, image.shape[:2])
    names = task.dataset.names
    ask: Any = {
        "segmentation": lambda: requested.segmentation(task.options, names, image),
        "saliency": lambda: requested.saliency(task.options, names, image, requested.shown(names, labels)),
        "attention": lambda: requested.attention(task.options, names, image, requested.shown(names, labels))[0],
        "clusters": lambda: requested.clusters(task.options, image, labels),
    }[task.subject]
    request = ask()
    request_ = replace(request, masks=requested.word_masks(names, labels))
    write_shown(import_module(f"inspector.pipelines.{task.subject}").run(request_), folder)
    *remark, command = as_command(request).splitlines() or [""]
    words = (str(entry.image) if word == PICTURE else word for word in shlex.split(command))
    return "\n".join([*remark, shlex.join(words)])


def write_shown(result: Any, folder: Path) -> None:
    """Write figure.png, maps.npz, result.json and caption.txt as `write_result`, of any number of classes.

    The archive has what the page opens and no scores at the picture's size, which take 200 MB of 171 classes.
    """
    look = Look()
    sheet = figure_of(result, look)
    if isinstance(result, SegmentationResult):
        sheet = of_seen(sheet, result)
    folder.mkdir(parents=True, exist_ok=True)
    write_figure(result, folder / "figure.png", look, sheet)
    arrays: dict[str, Any] = {"provenance": np.array(dumps(provenance(result))), **take_apart(result)}
    np.savez_compressed(folder / "maps.npz", **arrays)
    (folder / "result.json").write_text(dumps(record(result), indent=2) + "\n", encoding="utf-8")
    (folder / "caption.txt").write_text(caption_of(result, look, sheet) + "\n", encoding="utf-8")


def of_seen(sheet: Sheet, result: SegmentationResult) -> Sheet:
    """The figure of a segmentation with the scores and the legend of the classes that labels or masks show."""
    names = result.names
    seen = {names[index - 1] for index in np.unique(result.labels) if index} | set(result.request.masks)
    (row,) = sheet.rows
    before = len(row.panels) - len(names)
    scores = [panel for name, panel in zip(names, row.panels[before:], strict=True) if name in seen]
    legend = [(name, colour) for name, colour in sheet.legend if name in seen or name not in names]
    return replace(sheet, rows=[replace(row, panels=[*row.panels[:before], *scores])], legend=legend)
