"""How good a CLIP and a diffusion model are on held-out drawn scenes, and what generation draws.

retrieval_top1: image-text retrieval among 64, both directions averaged, equal captions count as right. Each
    picture's caption is the fullest of twelve: one that says only "the sky" fits half of all pictures.
presence_auc: zero-shot cosine against presence, averaged over the world's classes.
psnr: of the autoencoder, in dB.
found, colour_right: generated images, judged as `evaluation.judge` says.
"""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch

from inspector import world
from inspector.analysis.metrics import auc, decibels, summarise
from inspector.analysis.vocabulary import embed_classes
from inspector.evaluation import judge
from inspector.evaluation.generation import generate, prompts
from inspector.evaluation.retrieval import GROUP, embed_images, embed_texts, full_caption, grouped_hits, informed_hits
from inspector.evaluation.tally import half_interval
from inspector.evaluation.texts import TEMPLATE, single
from inspector.models import load_clip, load_diffusion
from inspector.models.protocols import ClipModel, DiffusionModel
from inspector.results import Progress
from inspector.views.table import lines
from inspector.views.table import table as rows_table

LATENT_FACTOR = 8
GENERATED = 112  # images, eight of each thing; fewer where fewer scenes are asked for
Report = Callable[[Progress], None]


def class_texts(clip: ClipModel) -> np.ndarray:
    """Unit embeddings float32 (class, embed) of "a photo of {}." for the world's classes."""
    return embed_classes(clip, single(world.CLASSES), TEMPLATE).float().cpu().numpy()


def presence(scenes: Sequence[world.Scene]) -> np.ndarray:
    """bool (n, class): whether a scene shows each of the world's classes."""
    return np.array([[word in scene.masks for word in world.CLASSES] for scene in scenes])


def class_aucs(scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """AUC per class (class,) of scores against presence (n, class); NaN where a class is in none or all."""
    return np.array([auc(scores[:, index], present[:, index]) for index in range(scores.shape[1])])


def mean_area(scores: np.ndarray, present: np.ndarray) -> float:
    """Mean of `class_aucs` over the classes where it is defined; NaN where it nowhere is."""
    areas = class_aucs(scores, present)
    return float(areas[np.isfinite(areas)].mean()) if np.isfinite(areas).any() else float("nan")


def reconstructions(diffusion: DiffusionModel, images: np.ndarray, batch: int = 8) -> np.ndarray:
    """The pictures through the autoencoder and back, uint8 (n, h, w, 3)."""
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    with torch.no_grad():
        return np.concatenate([diffusion.decode(diffusion.encode_images(part)) for part in parts])


def shrunk(images: np.ndarray, factor: int = LATENT_FACTOR) -> np.ndarray:
    """The pictures averaged over factor x factor blocks and enlarged again: the autoencoder's baseline."""
    height, width = images.shape[1:3]
    small = [cv2.resize(image, (width // factor, height // factor), interpolation=cv2.INTER_AREA) for image in images]
    return np.stack([cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC) for image in small])


def evaluate(
    count: int,
    seed: int,
    progress: Report | None = None,
    clip: str = "scenes-clip",
    diffusion: str = "scenes-diffusion",
) -> dict[str, Any]:
    """Every metric on `count` scenes from `seed` on, JSON-ready.

    {"retrieval_top1": number, ...} with "details": metric -> {mean, std, ci95, count, "baselines": {name: number}}.
    The judge's thresholds come from the `count` scenes after those it is measured on.
    """
    say = progress or (lambda _: None)
    clip_model, diffusion_model = load_clip(clip), load_diffusion(diffusion)
    scenes = []
    for row in range(2 * count):
        say(Progress(row, 2 * count, "Drawing scenes"))
        scenes.append(world.scene(seed + row))
    held_out, others = scenes[:count], scenes[count:]
    say(Progress(0, 3, "Retrieval and presence"))
    details = clip_metrics(clip_model, held_out)
    say(Progress(1, 3, "The autoencoder"))
    details |= autoencoder_metrics(diffusion_model, held_out)
    say(Progress(2, 3, "The judge on drawn scenes"))
    referee = judge.calibrate(clip_model, others)
    asked = prompts(min(count, GENERATED), seed)
    images = generate(diffusion_model, [prompt.text for prompt in asked], seed, say)
    details |= judge.drawn_metrics(referee, held_out) | judge.generated_metrics(referee, images, asked)
    return {
        "subject": "models",
        "count": count,
        "seed": seed,
        "world": world.VERSION,
        "models": {model.spec.name: model.revision for model in (clip_model, diffusion_model)},
        **{name: detail["mean"] for name, detail in details.items()},
        "details": details,
    }


def clip_metrics(clip: ClipModel, scenes: Sequence[world.Scene]) -> dict[str, dict[str, Any]]:
    """retrieval_top1 and presence_auc with spread and baselines."""
    captions = [full_caption(scene) for scene in scenes]
    texts = [caption.text for caption in captions]
    images = embed_images(clip, (scene.image for scene in scenes))
    group = min(GROUP, len(scenes))
    informed = float(informed_hits(scenes, captions).mean())
    scores, present = images @ class_texts(clip).T, presence(scenes)
    areas = class_aucs(scores, present)
    interval = half_interval(lambda rows: mean_area(scores[rows], present[rows]), len(scenes))
    return {
        "retrieval_top1": {
            **summarise(grouped_hits(images, embed_texts(clip, texts), texts)),
            "among": group,
            "baselines": {"chance": 1 / group, "knowing words and colours": informed},
        },
        "presence_auc": {
            **summarise(areas),
            "ci95": interval,
            "classes": {word: float(a) for word, a in zip(world.CLASSES, areas, strict=True) if np.isfinite(a)},
            "baselines": {"chance": 0.5},
        },
    }


def autoencoder_metrics(diffusion: DiffusionModel, scenes: Sequence[world.Scene]) -> dict[str, dict[str, Any]]:
    """psnr in dB with its spread, beside pictures averaged over the 8 x 8 pixels that share a latent."""
    images = np.stack([scene.image for scene in scenes])
    values = summarise(decibels(images, reconstructions(diffusion, images)))
    return {"psnr": {**values, "baselines": {"8 x 8 averages": float(decibels(images, shrunk(images)).mean())}}}


def table(result: dict[str, Any]) -> str:
    """The numbers as text: one row per metric, then the judge's rates by thing."""
    rows = []
    for name, detail in result["details"].items():
        beside = ", ".join(f"{key} {value:.3f}" for key, value in detail["baselines"].items() if value is not None)
        row = {"metric": name, "mean": detail["mean"], "std": detail["std"], "± 95%": detail["ci95"]}
        rows.append(row | {"n": detail["count"], "beside it": beside})
    rates = {name: result["details"][name]["by_name"] for name in ("found_on_drawn", "found")}
    things = [{"thing": word} | {name: rate.get(word) for name, rate in rates.items()} for word in world.THINGS]
    head = f"{' and '.join(result['models'])} on {result['count']} drawn scenes from seed {result['seed']}"
    return "\n\n".join([head, lines(rows_table(rows)), lines(rows_table(things))])
