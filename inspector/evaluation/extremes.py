"""The worst and the best pictures of a data set, each in a folder that the page opens, and the table of all."""

import csv
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from inspector.evaluation import requested
from inspector.evaluation.datasets import Entry
from inspector.evaluation.measuring import Row, Task, enlarged, load
from inspector.views.export import write_result
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
    result = import_module(f"inspector.pipelines.{task.subject}").run(
        replace(request, masks=requested.word_masks(names, labels))
    )
    write_result(result, folder)
    *remark, command = as_command(request).splitlines() or [""]
    words = (str(entry.image) if word == PICTURE else word for word in shlex.split(command))
    return "\n".join([*remark, shlex.join(words)])
