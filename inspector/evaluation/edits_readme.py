"""README's table of prompt-to-prompt, made of what `evaluate edits --readme` keeps, a file for each pair of models.

No number in it is typed: a test renders it again, and asks that it was measured on the weights that are shipped.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from inspector.evaluation import readme_place
from inspector.evaluation.edits import cells
from inspector.models.catalog import PAIRS
from inspector.settings import ASSETS
from inspector.views.export import dumps

MEASURED = ASSETS / "measured"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- edits: python -m inspector evaluate edits --readme -->", "<!-- /edits -->"


def check() -> None:
    """Raise ChoiceError unless README has the place of the table, once."""
    readme_place.check(README, START, STOP)


def write(result: Mapping[str, Any], pair: str) -> None:
    """Keep a pair's numbers and renew README. Raises ChoiceError as `check`."""
    check()
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"edits-{pair}.json").write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(read()))


def read() -> dict[str, dict[str, Any]]:
    """pair -> its numbers, for those that were measured."""
    files = {pair: MEASURED / f"edits-{pair}.json" for pair in PAIRS}
    return {pair: json.loads(file.read_text("utf-8")) for pair, file in files.items() if file.is_file()}


def render(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Each pair's table as Markdown, below what was measured."""
    return "\n".join(line for pair, result in results.items() for line in _of_pair(pair, result))


def _of_pair(pair: str, result: Mapping[str, Any]) -> Iterator[str]:
    rows = list(cells(result))
    yield (
        f"On the {pair} pair: {result['count']} captions, {result['seeds']} seeds each, {result['steps']} steps; mean "
        "over captions, with standard deviation (sd) and half of the 95% interval over seeds:\n"
    )
    yield "| " + " | ".join(rows[0]) + " |"
    yield "|" + "---|" * len(rows[0])
    yield from ("| " + " | ".join(one.values()) + " |" for one in rows)
    yield ""
