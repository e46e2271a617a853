"""A journal: the rows of the pictures that are done, each a file that is there whole or not at all.

Whoever measures a picture writes its row at once, in whatever process and on whatever machine that sees the folder, so
that a run which is killed loses the pictures under way and no other. A file a picture needs no lock and cannot be torn.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError
from inspector.views.export import dumps

ABOUT = "about.json"


@dataclass(frozen=True)
class Journal:
    """Rows in a folder, by the picture's key. A row that says an error does not count as done: it is tried again."""

    folder: Path

    def write(self, row: Mapping[str, Any]) -> None:
        """Keep a row under its key, in place of one that is there."""
        file = self._file(row["key"])
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}.new")
        new.write_text(dumps(row), encoding="utf-8")
        new.replace(file)

    def read(self, key: str) -> dict[str, Any] | None:
        """The row of a key, None where there is none."""
        try:
            text = self._file(key).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        row: dict[str, Any] = json.loads(text)
        return row

    def done(self, key: str) -> bool:
        """Whether a picture was measured."""
        row = self.read(key)
        return row is not None and not row["error"]

    def rows(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """The rows of those keys that have one, in the keys' order."""
        return [row for row in map(self.read, keys) if row is not None]

    def _file(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"  # of 100,000 pictures about 400 in a folder


def open_journal(folder: Path, about: Mapping[str, Any]) -> Journal:
    """The journal in a folder, made if need be. about: what its rows were asked, JSON-ready.

    Raises ChoiceError where the rows that are there were asked something else.
    """
    file, told = folder / ABOUT, json.loads(dumps(about))
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
        other = [name for name in {**before, **told} if before.get(name) != told.get(name)]
        if other:
            raise ChoiceError(
                f"The rows in {str(folder)!r} are of a run with another {' and '.join(other)}; choose another --out, "
                "or delete that folder."
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(dumps(told, indent=1) + "\n", encoding="utf-8")
    return Journal(folder)
