"""README's table of masks from a point and a box, rendered from what `evaluate prompted --readme` kept."""

import json
from collections.abc import Mapping
from typing import Any

from inspector.evaluation import readme_place
from inspector.evaluation.prompted import told
from inspector.settings import ASSETS
from inspector.views.export import dumps

MEASURED = ASSETS / "measured" / "prompted.json"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- prompted: python -m inspector evaluate prompted --readme -->", "<!-- /prompted -->"


def check() -> None:
    """Raise ChoiceError unless README has the place of the table, once."""
    readme_place.check(README, START, STOP)


def read() -> dict[str, Any]:
    """What was measured last."""
    found: dict[str, Any] = json.loads(MEASURED.read_text("utf-8"))
    return found


def write(result: Mapping[str, Any]) -> None:
    """Keep the numbers and put the table into README anew. Raises ChoiceError as `check`."""
    check()
    MEASURED.write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render(result))


def render(result: Mapping[str, Any]) -> str:
    """The table as Markdown, with how many masks of each size there are."""
    masks = result["masks"]
    heads = ["prompt", "mIoU by", *(f"{size}, {count:,} masks" for size, count in masks.items())]
    lines = [f"On {result['count']} scenes from seed {result['seed']}:", ""]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(row.values()) + " |" for row in told(result)]
    return "\n".join(lines) + "\n"
