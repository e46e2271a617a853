"""The card of a folder of heads: on which models they were trained, how, and what was measured of each row."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector import __version__, world
from inspector.evaluation.heads import cells, summary
from inspector.models.checksums import write_checksums
from inspector.models.heads.files import CARD
from inspector.models.heads.specs import UNSEEN, head_spec
from inspector.training.mask_heads import SCENES, SCHEDULE, SEEN


def write_card(folder: Path, models: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `folder`/card.json, README.md and checksums.

    models: name -> revision of the frozen models. rows: what was measured of the heads in the folder, as `train heads`
    keeps it; rows of others are left out.
    """
    shipped = {file.stem for file in folder.glob("*.safetensors")}
    card = {
        "world": {"version": world.VERSION, "fingerprint": world.fingerprint()},
        "models": dict(models),
        "seen": list(SEEN),
        "unseen": list(UNSEEN),
        "recipe": {"scenes": SCENES, "steps": SCHEDULE.steps, "batch": SCHEDULE.batch, "rate": SCHEDULE.learning_rate},
        "inspector": __version__,
        "rows": [dict(row) for row in rows if head_spec(row["row"]).weights in shipped],
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    (folder / "README.md").write_text(render(folder.name, card), "utf-8")
    write_checksums(folder)


def render(name: str, card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    recipe, models = card["recipe"], " and ".join(f"{name} ({revision})" for name, revision in card["models"].items())
    lines = [
        f"# {name}: segmentation heads trained on drawn scenes",
        "",
        f"Small heads on the frozen features of {models}; on other models they mean nothing. Weights of the first "
        "seed, in half precision.",
        "",
        "Licence: Apache-2.0, as the code that made it.",
        "",
        "## Recipe",
        "",
        f"Each row: {recipe['steps']} steps of {recipe['batch']} of {recipe['scenes']} drawn scenes at a rate of "
        f"{recipe['rate']}, with their exact masks (inspector/training/mask_heads.py). Held out, unseen in training: "
        f"{', '.join(card['unseen'])}.",
        "",
        "## What it can do",
        "",
        "Propose masks of the drawn world's things, stuff and parts, and name them among any words that CLIP knows.",
        "",
        "## What it cannot do",
        "",
        "Photographs. Full-size ODISE, SAN and MaskCLIP are larger, trained for days on photographs, and not compared "
        "with by these numbers: only rows with each other.",
        "",
        "## Measured",
        "",
        "By `python -m inspector train heads`, on held-out drawn scenes, all words of the world asked for; mean ± "
        "standard deviation where there are several seeds.",
        "",
    ]
    shown = list(cells(summary(card["rows"])))
    lines += ["| " + " | ".join(shown[0]) + " |", "|" + "---|" * len(shown[0])]
    lines += ["| " + " | ".join(row.values()) + " |" for row in shown]
    return "\n".join(lines) + "\n"
