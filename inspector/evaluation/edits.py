"""What prompt-to-prompt keeps of a picture's layout, over seeds: attention kept, against the same seed without.

Of drawn captions that name a thing one word is swapped for another thing's, a colour is put before it, or it weighs
twice. Maps recorded while attention is kept are the source's by construction and prove nothing. So what is compared is
made of the finished pictures: each is noised once at t = 100 and read in one pass, the edited ones with the edited
prompt, by the model alone. `map`: Pearson's correlation of the changed word's map, mean over layers, with that of the
word it stands for on the source's picture. `picture`: the same of the two pictures' grey levels. `said`: how sure CLIP
is of what was asked for: of the new word against the old, of the coloured thing against the plain one, of the word that
weighs against the world's others. Two pictures of one seed look alike without anything kept, since they begin with the
same noise: so `without` is the number to beat, and `other seed`, the source against the next seed's picture without
anything kept, says what any two pictures share.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from scipy import stats

from inspector import world
from inspector.analysis.attention import MEAN, average_layers, word_map
from inspector.analysis.metrics import summarise
from inspector.analysis.vocabulary import embed_words
from inspector.evaluation.attention_arms import correlation
from inspector.evaluation.retrieval import embed_images
from inspector.evaluation.texts import TEMPLATE
from inspector.models import load_clip, load_diffusion
from inspector.models.protocols import ClipModel, DiffusionModel
from inspector.results import AttentionRequest, Edit, Progress, check_number, span_tokens
from inspector.trace.edits import follow
from inspector.trace.trajectories import denoise, first_latents, record_once
from inspector.views.table import lines
from inspector.views.table import table as as_table
from inspector.world.classes import KINDS, PLURALS

SEEDS, TIMESTEP, WEIGHT = 4, 100, 2
KINDS_OF_EDIT = ("swap", "refine", "weigh")
MEASURES = ("map", "picture", "said")
Span = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """One edit of one caption. old, new: the word's span in source and prompt. asked, others: what CLIP compares."""

    kind: str
    source: str
    prompt: str
    old: Span
    new: Span
    asked: str
    others: tuple[str, ...]
    weights: str = ""


def evaluate(
    count: int,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    clip: str = "scenes-clip",
    diffusion: str = "scenes-diffusion",
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Scores over `count` captions of the scenes from seed on, JSON-ready.

    seeds: pictures of each, from seed 0 on. rows: {kind, measure, kept, without, gain, beside}; kept, without and gain,
    their difference, are {mean, std, ci95, count} over seeds of the mean over captions, `over_seeds`.
    """
    check_number("count", count, 1, 1000, whole=True)
    check_number("seeds", seeds, 2, 64, whole=True)
    models = load_diffusion(diffusion), load_clip(clip)
    known, started = list(cases(count, seed)), time.monotonic()
    scores: dict[str, list[dict[str, np.ndarray]]] = {kind: [] for kind in KINDS_OF_EDIT}
    for done, group in enumerate(known):
        source = pictures(models[0], group[0].source, range(seeds))
        for case in group:
            scores[case.kind].append(measured(case, source, *models))
        if progress:
            left = (time.monotonic() - started) / (done + 1) * (count - done - 1)
            progress(Progress(done + 1, count, "Editing prompts", left))
    return {
        "count": count,
        "seed": seed,
        "seeds": seeds,
        "steps": AttentionRequest.steps,
        "shares": {"cross": Edit.cross_kept, "self": Edit.self_kept},
        "models": {model.spec.name: model.revision for model in models},
        "captions": [[case.prompt for case in group] for group in known],
        "rows": [row(kind, measure, scores[kind]) for kind in KINDS_OF_EDIT for measure in MEASURES],
    }


def cases(count: int, seed: int) -> Iterator[list[Case]]:
    """The three edits of each of so many captions, of scenes from seed on whose caption names a thing without colour.

    A person is left out, who is not red but in red.
    """
    number = seed
    while count:
        scene, rng = world.scene(number, world.MIN_SIZE), np.random.default_rng(number)
        number += 1
        spans = [span for span in scene.spans if _can_change(scene.caption, *span)]
        if spans:
            count -= 1
            yield _edits(scene, spans[int(rng.integers(len(spans)))], rng)


def _can_change(caption: str, start: int, stop: int, word: str) -> bool:
    before = (caption[:start].split() or [""])[-1]
    return word in KINDS and word != "person" and before not in world.COLOURS


def _edits(scene: world.Scene, span: tuple[int, int, str], rng: np.random.Generator) -> list[Case]:
    start, stop, word = span
    caption, plural = scene.caption, scene.caption[start:stop] == PLURALS[word] != word
    named = {name for *_, name in scene.spans}
    other = str(rng.choice([name for name in KINDS if name not in named]))
    written = PLURALS[other] if plural else other
    colour = str(rng.choice([name for name in dict.fromkeys(KINDS[word].colours) if name[0] not in "aeiou"]))
    tinted = f"{colour} "
    return [
        Case(
            "swap",
            caption,
            caption[:start] + written + caption[stop:],
            (start, stop),
            (start, start + len(written)),
            f"a {other}",
            (f"a {word}",),
        ),
        Case(
            "refine",
            caption,
            caption[:start] + tinted + caption[start:],
            (start, stop),
            (start + len(tinted), stop + len(tinted)),
            f"a {colour} {word}",
            (f"a {word}",),
        ),
        Case(
            "weigh",
            caption,
            caption,
            (start, stop),
            (start, stop),
            word,
            tuple(name for name in world.CLASSES if name != word),
            f"@{start}:{stop}: {WEIGHT}",
        ),
    ]


def measured(case: Case, source: np.ndarray, model: DiffusionModel, clip: ClipModel) -> dict[str, np.ndarray]:
    """ "measure, run" -> float64 (seed,); source: its pictures, uint8 (seed, h, w, 3)."""
    seeds = range(len(source))
    runs = {
        "kept": pictures(model, case.prompt, seeds, Edit(case.source, weights=case.weights)),
        "without": pictures(model, case.prompt, seeds, Edit(case.source, 0, 0, case.weights)),
    }
    beside = maps(model, source, case.source, case.old), grey(source)
    found = {"said, source": said(clip, source, case)}
    for name, made in runs.items():
        own = maps(model, made, case.prompt, case.new), grey(made)
        for measure, ours, theirs in zip(("map", "picture"), own, beside, strict=True):
            found[f"{measure}, {name}"] = _pairs(ours, theirs)
            if name == "without":
                found[f"{measure}, other seed"] = _pairs(np.roll(ours, -1, 0), theirs)
        found[f"said, {name}"] = said(clip, made, case)
    return found


def pictures(model: DiffusionModel, prompt: str, seeds: Sequence[int], edit: Edit | None = None) -> np.ndarray:
    """uint8 (seed, h, w, 3) of a prompt, with the page's default steps, guidance and sampler."""
    side, own = model.image_size, AttentionRequest
    latents = torch.cat([first_latents(model, seed, side, side) for seed in seeds])
    options: dict[str, Any] = {
        "steps": own.steps,
        "guidance_scale": own.guidance_scale,
        "scheduler": own.scheduler,
        "seed": 0,
    }
    steps = denoise(model, latents, [prompt] * len(latents), **options)
    following = follow(model, edit, prompt, latents, options) if edit else None
    while True:
        with following.step() if following else nullcontext():
            step = next(steps, None)
        if step is None:
            return model.decode(latents)
        latents = step.denoised


def maps(model: DiffusionModel, images: np.ndarray, prompt: str, span: Span) -> np.ndarray:
    """float32 (seed, h, w): the word's map of pictures noised once, mean over layers."""
    positions = span_tokens(model.tokenize(prompt).tokens, [span])
    conditions = model.encode_prompts([prompt] * len(images))
    latents, seeds = model.encode_images(images), range(len(images))
    recording, _ = record_once(model, latents, conditions, TIMESTEP, seeds, positions)
    layers = {layer: word_map(calls[0], range(len(positions))) for layer, calls in recording.maps.items()}
    return average_layers(layers)[MEAN]


def grey(images: np.ndarray) -> np.ndarray:
    """uint8 (seed, h, w)."""
    return np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])


def said(clip: ClipModel, images: np.ndarray, case: Case) -> np.ndarray:
    """CLIP's probability (seed,) of what was asked for, against the others."""
    texts = embed_words(clip, [case.asked, *case.others], TEMPLATE).float().cpu().numpy()
    logits = clip.logit_scale * embed_images(clip, images) @ texts.T
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds[:, 0] / odds.sum(1), np.float64)


def _pairs(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.array([correlation(*pair) for pair in zip(ours, theirs, strict=True)])


def row(kind: str, measure: str, scores: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """One row of `evaluate`, from the scores of each caption."""
    means = {
        name.partition(", ")[2]: np.nanmean([one[name] for one in scores], 0)
        for name in scores[0]
        if name.startswith(f"{measure}, ")
    }  # run -> (seed,)
    kept, without = means.pop("kept"), means.pop("without")
    return {
        "kind": kind,
        "measure": measure,
        "kept": over_seeds(kept),
        "without": over_seeds(without),
        "gain": over_seeds(kept - without),
        "beside": {name: over_seeds(values) for name, values in means.items()},
    }


def over_seeds(values: np.ndarray) -> dict[str, Any]:
    """As `summarise`; ci95 is half of Student's interval, since seeds are few."""
    found = summarise(values)
    if found["std"] is not None and found["count"]:
        wide = stats.t.ppf(0.975, found["count"] - 1)
        found["ci95"] = float(wide * found["std"] / found["count"] ** 0.5)
    return found


def cells(result: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The rows as texts, mean, standard deviation and half of the 95% interval over seeds."""
    for one in result["rows"]:
        beside = "; ".join(f"{name} {spread(found)}" for name, found in one["beside"].items())
        told = {name: spread(one[name]) for name in ("kept", "without", "gain")}
        yield {"edit": one["kind"], "measure": one["measure"], **told, "beside": beside}


def spread(found: Mapping[str, Any]) -> str:
    """ "0.912 (sd 0.010) ± 0.016"."""
    if found["std"] is None:
        return "–"
    return f"{found['mean']:.3f} (sd {found['std']:.3f}) ± {found['ci95']:.3f}"


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text."""
    head = (
        f"Prompt-to-prompt of {' and '.join(result['models'])} on {result['count']} drawn captions from seed "
        f"{result['seed']}, {result['seeds']} seeds each, {result['steps']} steps; cross-attention kept for "
        f"{result['shares']['cross']:g} and self-attention for {result['shares']['self']:g} of the steps.\n"
        "Correlation with the source's word map and picture, and CLIP's word for it; mean over captions, standard "
        "deviation (sd) and half of the 95% interval over seeds."
    )
    return f"{head}\n\n{lines(as_table(list(cells(result))))}"
