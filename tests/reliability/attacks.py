"""Attacks: a table of attacks and faults, what came of each before and what comes of it now.

    python -m tests.reliability.attacks [--only WORDS] [--root TREE] [--record FILE] [--json FILE]

Every row is tried on servers and commands that are started for it, on loopback addresses alone, within time limits. The
column before is read from before.json, which `--root TREE --record FILE` wrote from a run against an earlier tree.
Exit code 1 where a row does not hold.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.reliability import (
    rows_api,
    rows_doors,
    rows_files,
    rows_memory,
    rows_page,
    rows_pictures,
    rows_places,
    rows_queue,
    rows_saved,
)
from tests.reliability.ground import BrokenPageError, Ground, NotTriedError, Row, Verdict
from tests.reliability.serving import HERE, NotUpError, end_cleanly

BEFORE = Path(__file__).with_name("before.json")
ROWS: tuple[Row, ...] = (
    *rows_pictures.ROWS,
    *rows_files.ROWS,
    *rows_doors.ROWS,
    *rows_queue.ROWS,
    *rows_page.ROWS,
    *rows_api.ROWS,
    *rows_saved.ROWS,
    *rows_places.ROWS,
    *rows_memory.ROWS,
)
NOT_TRIED = "not tried"
# What a server that is down, slow or another than the rows know makes of them.
BROKEN = (NotUpError, BrokenPageError, httpx.HTTPError, LookupError, subprocess.SubprocessError, ValueError)
LONGEST = 170  # characters of a verdict in the table


def commit(root: Path) -> str:
    """The commit of a tree, with "+" where files differ from it."""
    asked = (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    told = [subprocess.run(["git", "-C", root, *more], capture_output=True, text=True, check=True) for more in asked]
    return told[0].stdout.strip() + ("+" if told[1].stdout.strip() else "")


def tried(ground: Ground, row: Row) -> tuple[Verdict, float]:
    """A row's verdict, and the seconds it took. What cannot be tried here counts as held, and says so."""
    started = time.monotonic()
    try:
        verdict = row.run(ground)
    except NotTriedError as error:
        verdict = Verdict(True, f"{NOT_TRIED}: {error}")
    except BROKEN as error:
        verdict = Verdict(False, f"BROKE: {type(error).__name__}: {' '.join(str(error).split())[-200:]}")
    return verdict, time.monotonic() - started


def anywhere(text: str) -> str:
    """A verdict without the folder of temporary files that it was made in."""
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/[a-z]+-\w+", "TEMP", text)


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    line = " ".join(text.encode("utf-8", "replace").decode().split()).replace("|", "\\|")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def said(verdict: Mapping[str, Any] | None) -> str:
    """A recorded verdict in the table."""
    return "" if verdict is None else f"{'held' if verdict['holds'] else 'NOT'}: {verdict['said']}"


def table(rows: Sequence[Row], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    lines = ["| item | attack or fault | before | after |", "|---|---|---|---|"]
    for row in rows:
        cells = (str(row.item), row.title, said(before.get(row.key)), said(after.get(row.key)))
        lines.append("| " + " | ".join(map(cell, cells)) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.attacks", description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=HERE, metavar="TREE", help="the tree that is attacked")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only rows whose name or title holds one, with commas"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the verdicts as those of before")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write both columns to this file")
    asked = parser.parse_args(arguments)
    end_cleanly()
    words = asked.only.split(",")
    rows = [row for row in ROWS if any(word in row.key or word in row.title for word in words)]
    recorded = json.loads(BEFORE.read_text(encoding="utf-8")) if BEFORE.exists() else {"commit": "", "rows": {}}
    after: dict[str, Any] = {}
    with Ground(asked.root.resolve()) as ground:
        for row in rows:
            verdict, seconds = tried(ground, row)
            after[row.key] = {
                "holds": verdict.holds,
                "said": anywhere(verdict.said.encode("utf-8", "replace").decode()),
            }
            print(f"{seconds:5.0f} s  {row.key}: {said(after[row.key])[:300]}", file=sys.stderr, flush=True)
    now = {"commit": commit(asked.root), "rows": after}
    if asked.record:
        kept = (
            json.loads(asked.record.read_text(encoding="utf-8"))["rows"] if asked.only and asked.record.exists() else {}
        )
        _write(asked.record, now | {"rows": kept | after})
    else:
        print(table(rows, recorded["rows"], after))
    failed = [row.key for row in rows if not after[row.key]["holds"]]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} hold at {now['commit']}; before: {recorded['commit']}.")
    if asked.json:
        _write(asked.json, {"before": recorded, "after": now})
    return 1 if failed else 0


def _write(file: Path, told: Any) -> None:
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
