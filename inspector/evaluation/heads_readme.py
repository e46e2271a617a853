"""README's table of heads, made of what `train heads` measured: one file of rows, kept from every recipe's last run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.evaluation import readme_place
from inspector.evaluation.heads import cells, sentences, summary
from inspector.settings import ASSETS

MEASURED = ASSETS / "measured" / "heads.json"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- heads: python -m inspector evaluate segmentation --table --readme -->", "<!-- /heads -->"


def read(runs: Path | None = None) -> list[dict[str, Any]]:
    """The measured rows, those of the runs folder before the kept ones of the same row, pair and seed."""
    kept = json.loads(MEASURED.read_text("utf-8"))["rows"] if MEASURED.is_file() else []
    found = {key(row): row for row in kept}
    if runs is not None:
        files = sorted((runs / "heads" / "rows").glob("*.json"))
        found |= {key(row): row for row in (json.loads(file.read_text("utf-8")) for file in files)}
    return [found[name] for name in sorted(found)]


def key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """What there is one of."""
    return row["pair"], row["row"], row["seed"]


def check() -> None:
    """Raise ChoiceError unless README has the place of the table, once."""
    readme_place.check(README, START, STOP)


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the rows and renew README. Raises ChoiceError as `check`."""
    check()
    MEASURED.write_text(json.dumps({"rows": list(rows)}, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(rows))


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of each pair as Markdown, then its ranking and claims."""
    return "\n".join(line for pair in ("plain", "taught") for line in _of_pair(pair, rows))


def _of_pair(pair: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    own = [row for row in rows if row["pair"] == pair]
    if not own:
        return
    result = summary(own)
    shown = list(cells(result))
    yield f"On the {pair} pair; mean ± standard deviation over seeds:\n"
    yield "| " + " | ".join(shown[0]) + " |"
    yield "|" + "---|" * len(shown[0])
    for row in shown:
        yield "| " + " | ".join(row.values()) + " |"
    yield ""
    for sentence in sentences(result):
        yield f"- {sentence}"
    yield ""
