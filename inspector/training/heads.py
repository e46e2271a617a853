"""Train segmentation heads row by row: the paper's Table 1 in miniature, and what that table did not isolate.

Every row takes the same steps on the same pictures, from several seeds. A run that is done is measured at once and kept
as a row of numbers, so that a table is never half of one recipe and half of another: the recipe's key is in the row.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from inspector import world
from inspector.errors import ChoiceError
from inspector.evaluation import heads_readme
from inspector.evaluation.head_rows import measure
from inspector.models import load_clip, load_diffusion
from inspector.models.catalog import PAIRS
from inspector.models.heads.build import LAYERS, QUERIES, WIDTH
from inspector.models.heads.files import open_head, save_head
from inspector.models.heads.specs import HEADS, UNSEEN, HeadSpec, head_spec
from inspector.pipelines.mask_heads import surroundings
from inspector.training.head_cards import write_card
from inspector.training.head_data import Frozen, Pictures, without_captioner
from inspector.training.mask_heads import SCENES, SCHEDULE, train_head

HELD_OUT, FIRST_HELD_OUT = 64, 506_200  # scenes that rows are measured on
SEEDS = (0, 1, 2)
AT_ONCE = 16


def train(
    runs: Path,
    rows: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    pair: str = "plain",
    out: Path | None = None,
    measured: Path = heads_readme.MEASURED,
) -> None:
    """Train and measure each row from each seed, leaving out what `measured` or the runs folder already has.

    rows: names of HEADS, all if empty. pair: of PAIRS, the frozen models. The weights of seed 0 are written to
    `out`/heads-PAIR. Raises ChoiceError for an unknown row.
    """
    specs = [head_spec(name) for name in rows] or list(HEADS.values())
    folder = Path(runs) / "heads"
    clip, diffusion = load_clip(PAIRS[pair]["clip"]), load_diffusion(PAIRS[pair]["diffusion"])
    learnt = Frozen(Pictures(folder, 0, SCENES), diffusion, clip)
    held_out = Frozen(Pictures(folder, FIRST_HELD_OUT, HELD_OUT), diffusion, clip)
    made = Path(out or Path(runs) / "models")
    for spec in specs:
        for seed in seeds:
            if known_row(spec, seed, pair, folder, measured) is not None:
                continue
            prepare(spec, (learnt, held_out))
            one(spec, seed, pair, learnt, held_out, folder, made, measured)
    models = {model.spec.name: model.revision for model in (clip, diffusion)}
    if any((made / f"heads-{pair}").glob("*.safetensors")):
        write_card(
            made / f"heads-{pair}", models, [row for row in heads_readme.read(Path(runs)) if row["pair"] == pair]
        )


def one(
    spec: HeadSpec, seed: int, pair: str, learnt: Frozen, held_out: Frozen, folder: Path, out: Path, measured: Path
) -> None:
    """Train one row from one seed, or take the training that it shares with another; measure it, and keep both."""
    shared = shared_head(spec, seed, pair, held_out, folder, out, measured)
    if shared is not None:
        head, seconds = shared
        found = measure(spec, head, held_out)
    else:
        run = train_head(head_spec(spec.weights), seed, learnt, folder / "runs" / pair)
        if run.step < SCHEDULE.steps:
            raise ChoiceError(f"{spec.name} from seed {seed} was stopped at step {run.step}; run the command again.")
        with run.averaged() as head:
            found = measure(spec, head, held_out)
            if seed == SEEDS[0] and spec.weights == spec.name:
                save_head(head, spec, out / f"heads-{pair}")
        seconds = run.seconds
    row = {
        "row": spec.name,
        "seed": seed,
        "pair": pair,
        "recipe": recipe(spec, pair),
        "parameters": sum(parameter.numel() for parameter in head.parameters()),
        "training_seconds": round(seconds, 1),
        **found,
    }
    (folder / "rows").mkdir(exist_ok=True)
    (folder / "rows" / f"{pair}-{spec.name}-{seed}.json").write_text(json.dumps(row, indent=1) + "\n", "utf-8")
    said = f"mIoU {row['miou']:.3f}, seen {row['seen']:.3f}, unseen {row['unseen']:.3f}"
    print(f"[{spec.name} {seed}] {said}", flush=True)


def shared_head(
    spec: HeadSpec, seed: int, pair: str, held_out: Frozen, folder: Path, out: Path, measured: Path
) -> tuple[Any, float] | None:
    """The head of a row that uses another's training, and how long that took, where its weights are in `out`.

    Trained again on another machine they would differ a little, and the two rows be of two heads.
    """
    other = head_spec(spec.weights)
    known, place = known_row(other, seed, pair, folder, measured), out / f"heads-{pair}"
    kept = seed == SEEDS[0] and (place / f"{other.name}.safetensors").is_file()
    if other == spec or known is None or not kept:
        return None
    head = open_head(other, surroundings(other, held_out.clip, held_out.diffusion), place)
    return head, float(known["training_seconds"])


def prepare(spec: HeadSpec, stores: Sequence[Frozen]) -> None:
    """Compute what the row reads of frozen models, a few pictures at a time, where it is not there yet."""
    for frozen in stores:
        count = len(frozen.pictures)
        for rows in np.array_split(np.arange(count), -(-count // AT_ONCE)):
            frozen.inputs(without_captioner(spec), rows)
            frozen.embedding(rows)
            if spec.asks:
                frozen.latents(rows)


def recipe(spec: HeadSpec, pair: str) -> str:
    """Twelve hexadecimal digits of what a row's numbers depend on, beside the code."""
    made_of: dict[str, Any] = {
        "spec": {key: value for key, value in asdict(spec).items() if key not in ("title", "published")},
        "schedule": asdict(SCHEDULE),
        "head": [WIDTH, QUERIES, LAYERS],
        "scenes": SCENES,
        "held_out": [FIRST_HELD_OUT, HELD_OUT],
        "unseen": UNSEEN,
        "world": world.fingerprint(),
        "models": [load_clip(PAIRS[pair]["clip"]).revision, load_diffusion(PAIRS[pair]["diffusion"]).revision],
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]


def known_row(spec: HeadSpec, seed: int, pair: str, folder: Path, measured: Path) -> dict[str, Any] | None:
    """The numbers of a row from a seed under today's recipe, from the runs folder or from `measured`; None for none."""
    own = folder / "rows" / f"{pair}-{spec.name}-{seed}.json"
    kept = [json.loads(own.read_text("utf-8"))] if own.is_file() else []
    if measured.is_file():
        kept += json.loads(measured.read_text("utf-8"))["rows"]
    wanted = (spec.name, seed, recipe(spec, pair))
    return next((row for row in kept if (row["row"], row["seed"], row["recipe"]) == wanted), None)
