"""Model cards: what a shipped model is, how it was made, and what was measured on it.

Training writes `card.json` beside the weights; `evaluate models --cards` adds the measured numbers. README.md of
the folder is rendered from that file alone, so no number in it is typed by hand.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inspector import __version__, world
from inspector.models.catalog import PAIRS
from inspector.models.checksums import write_checksums
from inspector.training.loop import Run

CARD_FILE = "card.json"

TEXTS = {
    "scenes-clip": {
        "title": "scenes-clip: a small CLIP trained on drawn scenes",
        "what": "An open_clip CLIP with a 16 x 16 patch grid at 256 px and a class token. It knows the words of the "
        "drawn world and little else.",
        "recipe": "Contrastive loss on class token and patch mean, and losses on which words a full caption of the "
        "picture names, two of them pooled from single patches (inspector/training/clip.py). Images and captions "
        "only; no mask was seen.",
        "can": "Name what is in a drawn scene, retrieve captions, and localise words by Grad-CAM or its value path.",
        "cannot": "Photographs, words outside the drawn world, counting, reading. Its patches are trained to tell "
        "words apart, which CLIP's are not: localisation numbers of this model say nothing about CLIP's.",
    },
    "scenes-diffusion": {
        "title": "scenes-diffusion: a small Stable Diffusion trained on drawn scenes",
        "what": "A StableDiffusionPipeline: four-level AutoencoderKL, the frozen text tower of scenes-clip, and a "
        "UNet2DConditionModel with Stable Diffusion 1.5's layout and parameter names.",
        "recipe": "Noise prediction on cached latents, min-SNR weighting, one prompt in ten empty; half of the prompts "
        "keep only their words' states, half of the captions name every visible word; the UNet's features are aligned "
        "with the patches of scenes-clip, and where a caption's words get attention with where scenes-clip sees them "
        "(inspector/training/diffusion.py, alignment.py). Images and captions only; no mask was seen.",
        "can": "Draw simple scenes of the drawn world's words and show by its attention where each word acts.",
        "cannot": "Photographs, words outside the drawn world, exact counts, fine parts, text. Its features and its "
        "attention were taught by a CLIP, which Stable Diffusion's are not: how well its attention finds a word is how "
        "well this CLIP does, and says nothing about Stable Diffusion.",
    },
    "scenes-clip-plain": {
        "title": "scenes-clip-plain: a small CLIP trained as CLIP was, on drawn scenes",
        "what": "An open_clip CLIP of scenes-clip's architecture and tokenizer: a 16 x 16 patch grid at 256 px and a "
        "class token.",
        "recipe": "Contrastive loss on the class token alone, equal captions counting as right; half of the captions "
        "name every visible word; half-size pictures first, then whole ones with half of their patches dropped "
        "(inspector/training/plain_clip.py). Images and captions only: nothing told it where a word is.",
        "can": "Name what is in a drawn scene and retrieve captions, better than scenes-clip does.",
        "cannot": "Photographs, words outside the drawn world, counting, reading. Where a word is it was never told, "
        "as CLIP was not: its Grad-CAM of the class token points no better than colour does.",
    },
    "scenes-diffusion-plain": {
        "title": "scenes-diffusion-plain: a small Stable Diffusion trained as Stable Diffusion was, on drawn scenes",
        "what": "A StableDiffusionPipeline of scenes-diffusion's architecture. The UNet is its own; autoencoder, text "
        "encoder, tokenizer and scheduler are those of scenes-diffusion, read from the folder beside it "
        "(borrowed.json).",
        "recipe": "Noise prediction on cached latents and nothing else: min-SNR weighting, one prompt in ten empty, "
        "half of the prompts keep only their words' states, half of the captions name every visible word "
        "(inspector/training/plain_diffusion.py). Images and captions only: nothing told it where a word is.",
        "can": "Draw simple scenes of the drawn world's words, and show where a UNet's attention goes that was trained "
        "as Stable Diffusion's was.",
        "cannot": "Photographs, words outside the drawn world, exact counts, fine parts, text. Its pictures are cruder "
        "than scenes-diffusion's, with limbs and heads too many; colours are often not those that were asked for.",
    },
    "scenes-sam": {
        "title": "scenes-sam: a small Segment Anything trained on drawn scenes",
        "what": "transformers' SamModel at 256 px: 16 x 16 patches, masks of 64 px. A point or a box gives a mask "
        "without a name, and the IoU that the model expects of it.",
        "recipe": "Segment Anything's losses, focal and dice of the best of three masks and the error of the IoU "
        "expected; points within masks and boxes around them, moved a little, of whole scenes and of crops "
        "(inspector/training/segmenter.py, prompts.py). It learned from the scenes' exact masks.",
        "can": "Cut out what a drawn scene shows at a point or in a box: things, their parts, and stretches of stuff.",
        "cannot": "Photographs, which it never saw: the catalog's Segment Anything is for those. It names nothing.",
        "measured": "prompted",
    },
}


Rows = Mapping[str, Mapping[str, Any]]  # part -> what the card says of its training


def write_card(folder: Path, part: str, preset: str, run: Run, shipped: nn.Module, before: Rows | None = None) -> None:
    """Record one training run in `folder`/card.json, render README.md, and write the checksums of what was made.

    part: what of the folder the run trained ("clip", "autoencoder", "unet"); shipped: that part of the run's module;
    before: the rows of the weights that the run went on from, which stay; None: those in the folder do.
    """
    card = read_card(folder)
    schedule = run.schedule
    card["world"] = {"version": world.VERSION, "fingerprint": world.fingerprint()}
    rows = dict(card.get("parts", {}) if before is None else before)
    rows[row_name(before or {}, part, preset)] = {
        "preset": preset,
        "steps": run.step,
        "of": schedule.steps,
        "batch": schedule.batch,
        "learning_rate": schedule.learning_rate,
        "average": schedule.average,
        "training_hours": round(run.seconds / 3600, 2),
        "parameters": sum(parameter.numel() for parameter in shipped.parameters()),
        "inspector": __version__,
    }
    card["parts"] = rows
    card.pop("measured", None)  # measured on other weights
    _write(folder, card)
    write_checksums(folder)


def write_measured(folder: Path, measured: dict[str, Any]) -> None:
    """Add `evaluate models`' numbers to a card: name -> {"mean": ..., "ci95": ..., "count": ...} or a number."""
    _write(folder, read_card(folder) | {"measured": measured})


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder, empty if there is none yet."""
    path = folder / CARD_FILE
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def written_run(folder: Path, part: str) -> tuple[int, float]:
    """(step, seconds of training) of the weights written in `folder`; 0 if there are none or the world has changed."""
    card = read_card(folder)
    if card.get("world", {}).get("fingerprint") != world.fingerprint():
        return 0, 0.0
    row = card.get("parts", {}).get(part, {})
    return int(row.get("steps", 0)), 3600 * float(row.get("training_hours", 0))


def row_name(rows: Rows, part: str, preset: str) -> str:
    """The row of a preset's training of a part: the part's own, unless weights of another preset went before."""
    return part if part not in rows or rows[part]["preset"] == preset else f"{part}, then {preset}"


def adopt_written(
    run: Run, source: Path, part: str, preset: str, weights: Callable[[Path], Mapping[str, torch.Tensor]]
) -> Rows:
    """Let a run that has no checkpoint go on from the weights in `source`, and return the card's rows of them.

    Steps and seconds go on where the same preset made the weights, and begin anew after those of another. The rows of
    weights of another world are none, and the run begins from its random ones.
    """
    rows: Rows = read_card(source).get("parts", {}) if written_run(source, part)[0] else {}
    if rows and run.step == 0:
        step, seconds = written_run(source, row_name(rows, part, preset))
        run.adopt(weights(source), step, seconds)
    return rows if run.adopted_at is not None else {}


def _write(folder: Path, card: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    (folder / "README.md").write_text(render(folder.name, card), "utf-8")


def render(name: str, card: dict[str, Any]) -> str:
    """The card as Markdown."""
    text = TEXTS[name]
    lines = [f"# {text['title']}", "", text["what"], "", "Licence: Apache-2.0, as the code that made it.", ""]
    lines += ["## Data", "", f"Drawn scenes of `inspector.world`, version {card['world']['version']}, fingerprint"]
    lines += [f"`{card['world']['fingerprint']}`. Training seeds are below 500,000, evaluation seeds are not.", ""]
    lines += ["## Recipe", "", text["recipe"], ""]
    lines += ["| part | preset | steps | batch | learning rate | hours | parameters |", "|---|---|---|---|---|---|---|"]
    for part, row in card.get("parts", {}).items():
        steps = f"{row['steps']:,} of {row['of']:,}"
        lines.append(
            f"| {part} | {row['preset']} | {steps} | {row['batch']} | {row['learning_rate']} "
            f"| {row['training_hours']} | {row['parameters']:,} |"
        )
    lines += ["", "What was tried, and what changed while a part was trained, stands in inspector/training/LOG.md."]
    if any(row["steps"] < row["of"] for row in card.get("parts", {}).values()):
        lines += [
            "",
            "**Early weights**: training has not reached its last step; what follows is what it is trained for.",
        ]
    lines += ["", "## What it can do", "", text["can"], "", "## What it cannot do", "", text["cannot"], ""]
    lines += ["## Measured", ""]
    subject = text.get("measured", "models")
    measured, command = card.get("measured"), f"python -m inspector evaluate {subject}{_options(name)} --cards"
    if measured:
        lines += [f"By `{command}` on held-out drawn scenes.", ""]
        lines += ["| | value |", "|---|---|"]
        lines += [f"| {key} | {_number(value)} |" for key, value in measured.items()]
    else:
        lines += [f"Not measured since it was trained last: `{command}`."]
    return "\n".join(lines) + "\n"


def _options(name: str) -> str:
    """The options by which commands take the pair that a model is of; none for the pair they take anyway."""
    pair = PAIRS["plain"] if name in PAIRS["plain"].values() else {}
    return "".join(f" --{kind} {model}" for kind, model in pair.items())


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
