"""Generated pictures scored against masks that nobody drew: of a promptable segmenter, asked where CLIP sees a word.

A generated picture has no mask, and one made of an arm's own maps would favour that arm. So CLIP says whether a word is
there, above what 95% of drawn scenes without it reach (`judge`), and where it is surest of it; the promptable segmenter
is asked for the mask at that point. Neither sees the diffusion model. How far such masks are from the truth is measured
in the same way on drawn scenes, and stands beside every score.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis.attention import MEAN
from inspector.analysis.dense_clip import dense_scores
from inspector.analysis.metrics import average_precision, chance, iou, summarise
from inspector.evaluation.judge import Judge, calibrate
from inspector.evaluation.reporting import counted
from inspector.evaluation.retrieval import embed_trunk
from inspector.evaluation.tally import with_spread
from inspector.evaluation.verdict_columns import Columns, rounded
from inspector.evaluation.verdict_parts import attributions, matched_chain
from inspector.evaluation.verdict_passes import (
    GUIDANCE,
    MOST_SEEDS,
    STEPS,
    Pass,
    check_timesteps,
    generated_passes,
    generated_total,
    generation,
    own_seeds,
)
from inspector.evaluation.verdict_words import Word, batch_size, word_layers, words_of
from inspector.models import load_clip, load_diffusion, load_promptable
from inspector.models.protocols import PromptableSegmenter
from inspector.results import (
    DECODED,
    GENERATION,
    INVERSION,
    LATENT,
    MEAN_OF_SEEDS,
    NOISE_ONCE,
    NOISELESS,
    Progress,
    check_number,
    fit_mask,
    resize_maps,
)
from inspector.views.table import lines
from inspector.views.table import table as as_table

ARMS = (GENERATION, NOISELESS, INVERSION, MEAN_OF_SEEDS, LATENT, DECODED, NOISE_ONCE)
TIMESTEPS = (1, 101, 301, 501, 701)
SEEDS = 4
SCENES = 128  # that set the judge's limits, and as many that its masks are compared with the truth on
METRIC = "ap"
DEFINITION = (
    "lost: generation at t less one noise of the 8-bit picture at t; noise: generation less the exact latents with "
    "one noise; decode and encode: the exact latents less the decoded and encoded ones with its noise; 8 bits: these "
    "less the 8-bit picture with it"
)


@dataclass(frozen=True)
class Witness:
    """Who says where a word is: CLIP with its limits, and the promptable segmenter."""

    judge: Judge
    segmenter: PromptableSegmenter

    def masks(self, image: np.ndarray, words: Sequence[str]) -> dict[str, "Found"]:
        """Word -> where it is in a picture uint8 (h, w, 3), without those that CLIP does not find there."""
        clip, texts = self.judge.clip, self.judge.texts
        trunk = clip.trunk(clip.pixels(image))
        cosines = (texts.float().cpu() @ embed_trunk(clip, trunk)).numpy()
        patches = (clip.logit_scale * dense_scores(clip, trunk, texts)).softmax(0).numpy()  # (class, gh, gw)
        embedding = self.segmenter.embed(image)
        found = {}
        for word in words:
            place = world.CLASSES.index(word)
            if cosines[place] > self.judge.presence[place]:
                point = peak(patches[place], image.shape[:2])
                masks, _ = self.segmenter.ask(embedding, points_yx=np.array([point], np.float32))
                found[word] = Found(point, masks[0])
        return found


@dataclass(frozen=True)
class Found:
    """A word in a picture. point: (y, x) in pixels, where CLIP is surest of it; mask: bool (h, w), of that point."""

    point: tuple[float, float]
    mask: np.ndarray


def peak(grid: np.ndarray, size: tuple[int, int]) -> tuple[float, float]:
    """(y, x) in pixels of a picture (h, w): the middle of the cell where a grid (gh, gw) is highest."""
    row, column = np.unravel_index(int(grid.argmax()), grid.shape)
    return float((row + 0.5) * size[0] / grid.shape[0]), float((column + 0.5) * size[1] / grid.shape[1])


def evaluate(
    count: int,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    clip: str = "scenes-clip",
    diffusion: str = "scenes-diffusion",
    segmenter: str = "scenes-sam",
    timesteps: Sequence[int] = TIMESTEPS,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """AP of every arm's mean map on pictures generated from the captions of the scenes seed ... seed + count - 1.

    Each starts from its own seed, as the verdict's do. Returns {count, seed, models, revisions, timesteps, seeds,
    steps, guidance_scale, named, found, chance, curves, attribution, drawn}, JSON-ready. named, found: words of the
    captions, and those that CLIP finds; chance: AP of a map that knows nothing; drawn: as `on_drawn`, of scenes that
    follow. Raises ChoiceError for counts and t that cannot be, ModelError for models.
    """
    check_number("count", count, 2, 100_000, whole=True)
    check_number("seeds", seeds, 1, MOST_SEEDS, whole=True)
    model = load_diffusion(diffusion)
    timesteps = check_timesteps(model, timesteps)
    judging = [world.scene(seed + count + number) for number in range(SCENES)]
    witness = Witness(calibrate(load_clip(clip), judging), load_promptable(segmenter))
    step = batch_size(model)
    total = -(-count // step) * (1 + generated_total(len(timesteps), seeds))
    report = counted(progress, "Noising generated pictures", total)
    columns, chances, named = Columns([MEAN], [METRIC]), list[float](), 0
    for first in range(0, count, step):
        scenes = [world.scene(seed + number, world.MIN_SIZE) for number in range(first, min(first + step, count))]
        words, positions = words_of(model, scenes)
        prompts, numbers = [scene.caption for scene in scenes], own_seeds([scene.seed for scene in scenes])
        run = generation(model, prompts, numbers, positions, timesteps)
        report()
        masks = _masks(witness, model.decode(run.latents), words)
        columns.sampled([word.name for word in masks], [scenes[word.picture].seed for word in masks])
        chances += [chance(mask) for mask in masks.values()]
        named += len(words)
        for timestep in timesteps:
            own = Pass(GENERATION, timestep, None, run.at(timestep), run.features[timestep])
            columns.add(own, _scores(own, masks))
        for one in generated_passes(model, run.latents, prompts, timesteps, numbers, seeds, positions):
            columns.add(one, _scores(one, masks))
            report()
    chains = [(timestep, matched_chain(timestep)) for timestep in timesteps]
    used: dict[str, Any] = {"clip": witness.judge.clip, "diffusion": model, "segmenter": witness.segmenter}
    found = {
        "count": count,
        "seed": seed,
        "models": {kind: one.spec.name for kind, one in used.items()},
        "revisions": {one.spec.name: one.revision for one in used.values()},
        "timesteps": list(timesteps),
        "seeds": seeds,
        "steps": STEPS,
        "guidance_scale": GUIDANCE,
        "named": named,
        "found": len(columns.words),
        "chance": columns.band(np.array(chances)),
        "curves": columns.rows(),
        "attribution": {"definition": DEFINITION, "rows": attributions(columns, chains, METRIC)},
        "drawn": on_drawn(witness, judging),
    }
    return dict(rounded(found))


def on_drawn(witness: Witness, scenes: Sequence[world.Scene]) -> dict[str, Any]:
    """How far the masks are from the truth: {count, named, found, iou, inside} of drawn scenes, asked in the same way.

    iou: with the true masks of the words that are found; inside: share of points in them; means over scenes with half
    of the 95% interval.
    """
    named = found = 0
    overlaps, inside = list[float](), list[float]()
    for scene in scenes:
        words = [word for word in dict.fromkeys(name for *_, name in scene.spans) if word in scene.masks]
        masks = witness.masks(scene.image, words)
        named, found = named + len(words), found + len(masks)
        if masks:
            overlaps.append(float(np.mean([iou(one.mask, scene.masks[word]) for word, one in masks.items()])))
            inside.append(float(np.mean([holds(scene.masks[word], one.point) for word, one in masks.items()])))
    return {
        "count": len(scenes),
        "named": named,
        "found": found,
        "iou": summarise(overlaps),
        "inside": summarise(inside),
    }


def holds(mask: np.ndarray, point: tuple[float, float]) -> bool:
    """Whether a point (y, x) lies in a mask."""
    return bool(mask[int(point[0]), int(point[1])])


def _masks(witness: Witness, images: np.ndarray, words: Sequence[Word]) -> dict[Word, np.ndarray]:
    """Word -> its mask at the size of scoring, of the words that are found and have one."""
    masks: dict[Word, np.ndarray] = {}
    for place, image in enumerate(images):
        own = [word for word in words if word.picture == place]
        found = witness.masks(image, [word.name for word in own])
        masks |= {word: fit_mask(found[word.name].mask) for word in own if word.name in found}
    return {word: mask for word, mask in masks.items() if mask.any()}


def _scores(one: Pass, masks: Mapping[Word, np.ndarray]) -> list[list[list[float]]]:
    """(word, 1, 1): AP of the mean map of each word."""
    shown = ((word_layers(one.maps, word)[MEAN], mask) for word, mask in masks.items())
    return [[[average_precision(resize_maps(map_, mask.shape), mask)]] for map_, mask in shown]


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text: arms by t, what one noise loses, and how good the masks are."""
    rows: dict[str, dict[str, str]] = {}
    for what, cells in told(result):
        rows[what] = {"AP of": what} | {f"t={timestep}": text for timestep, text in cells.items()}
    return f"{heading(result)}\n\n{lines(as_table(rows.values()))}\n\n{DEFINITION[0].upper()}{DEFINITION[1:]}."


def heading(result: Mapping[str, Any]) -> str:
    """What was measured, with whom, and how good the masks are on drawn scenes."""
    models, drawn = result["models"], result["drawn"]
    return (
        f"`{models['diffusion']}`, {result['count']} generated pictures, {result['seeds']} noises each: AP of the mean "
        f"map of each word against the mask that `{models['segmenter']}` gives where `{models['clip']}` is surest of "
        f"the word, of the {result['found']} of {result['named']} words that it finds; ± is half of a 95% interval "
        f"over pictures. Chance is {with_spread(result['chance'])}. On {drawn['count']} drawn scenes such masks have "
        f"an IoU of {with_spread(drawn['iou'])} with the true ones, and {with_spread(drawn['inside'])} of the points "
        "lie in them."
    )


def told(result: Mapping[str, Any]) -> Iterator[tuple[str, dict[int, str]]]:
    """(what, t -> text): a row for each arm, then for what one noise loses and its parts."""
    for arm in ARMS:
        own = [row for row in result["curves"] if row["arm"] == arm]
        yield arm, {row["timestep"]: with_spread(row[METRIC]) for row in own}
    rows = result["attribution"]["rows"]
    yield "lost to one noise", {row["timestep"]: with_spread(row["whole"]) for row in rows}
    for name in rows[0]["parts"]:
        yield f"of which {name}", {row["timestep"]: with_spread(row["parts"][name]) for row in rows}
