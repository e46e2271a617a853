"""How well UNet clusters follow the masks of drawn scenes, beside clusters of what needs no UNet.

k is the number of classes visible in a scene, the same for every method. Clusters are matched to classes one
to one in each scene by an oracle (Hungarian), so only differences between methods mean something; they
are taken scene by scene. The headline is the request's default preset and timestep, fixed before anything was
measured; the sweep beside it shows what other choices would have given on the same scenes.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch

from inspector import world
from inspector.analysis.clusters import Clustering, cluster, plain_features, reduce_channels
from inspector.analysis.features import preset_features
from inspector.analysis.metrics import summarise
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import clusters
from inspector.pipelines.common import fit_image
from inspector.results import CLUSTER_PRESETS, ClustersRequest, Progress, check_number
from inspector.views.table import lines
from inspector.views.table import table as as_table

TIMESTEPS = (20, 100, 200, 400)
SCORES = ("miou", "ari", "homogeneity", "completeness")
FLOORS = ("rgb", "xy")  # the default must beat both


def evaluate(
    count: int,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    diffusion: str = "scenes-diffusion",
    timesteps: Sequence[int] = TIMESTEPS,
    presets: Sequence[str] = CLUSTER_PRESETS,
) -> dict[str, Any]:
    """Scores of the scenes seed ... seed + count - 1, JSON-ready.

    methods: name -> each of SCORES summarised; differences: baseline -> mIoU of "unet" minus its mIoU, per scene,
    with the share of scenes won; sweep: one row per preset and timestep; grid_limit: mIoU of the masks themselves
    at the features' grid, which no method can be expected to pass.
    """
    check_number("count", count, 1, 100_000, whole=True)
    model = load_diffusion(diffusion)
    methods: dict[str, list[dict[str, float]]] = defaultdict(list)
    sweep: dict[tuple[str, int], list[float]] = defaultdict(list)
    ks, stability, limit = [], [], []
    started = time.monotonic()
    for index in range(count):
        scene = world.scene(seed + index, min(model.image_size, world.MAX_SIZE))
        k = len(np.unique(scene.labels))
        found = scene_clusters(model, scene.image, k, diffusion)
        for name, clustering in found.items():
            methods[name].append(clusters.scores(clustering.labels, scene.labels))
        for choice, clustering in sweep_clusters(model, scene.image, k, timesteps, presets).items():
            sweep[choice].append(clusters.scores(clustering.labels, scene.labels)["miou"])
        ks.append(k)
        stability.append(found["unet"].stability)
        limit.append(grid_limit(scene.labels, found["unet"].labels.shape))
        if progress:
            left = (time.monotonic() - started) / (index + 1) * (count - index - 1)
            progress(Progress(index + 1, count, "Clustering scenes", left))
    return {
        "count": count,
        "seed": seed,
        "model": diffusion,
        "revision": model.revision,
        "matching": "one to one, per scene, by an oracle",
        "k": summarise(ks),
        "stability": summarise(stability),
        "grid_limit": summarise(limit),
        **compare(methods, sweep),
    }


def scene_clusters(model: DiffusionModel, image: np.ndarray, k: int, name: str) -> dict[str, Clustering]:
    """The pipeline's default request, and k-means of what the UNet could have copied: colour, place, latents."""
    result = clusters.run(ClustersRequest(image, k=k, model=name))
    unet = Clustering(result.grid_labels, result.inertia, result.stability, result.agreement)
    plain = plain_features(image, unet.labels.shape)
    latents = model.encode_images(fit_image(image, model.image_size, model.latent_factor * 8)[None])
    plain |= {"rgb+xy": torch.cat([plain["rgb"], plain["xy"]]), "latents": latents[0]}
    return {"unet": unet} | {key: cluster(value, k, metric="euclid") for key, value in plain.items()}


def sweep_clusters(
    model: DiffusionModel, image: np.ndarray, k: int, timesteps: Sequence[int], presets: Sequence[str]
) -> dict[tuple[str, int], Clustering]:
    """Clusters for every preset and timestep; the image is encoded once, the timesteps are one batch."""
    fitted = fit_image(image, model.image_size, model.latent_factor * 8)
    latents, conditions = model.encode_images(fitted[None]), model.encode_prompts([""])
    found = {}
    for preset in presets:
        features = preset_features(model, latents, conditions, timesteps, 0, preset)
        for timestep, grid in zip(timesteps, features, strict=True):
            found[preset, timestep] = cluster(reduce_channels(grid), k)
    return found


def grid_limit(target: np.ndarray, grid: tuple[int, int]) -> float:
    """mIoU of the masks sampled at a grid (h, w) and enlarged again."""
    small = cv2.resize(target, grid[::-1], interpolation=cv2.INTER_NEAREST)
    return clusters.scores(small, target)["miou"]


def compare(
    methods: Mapping[str, Sequence[Mapping[str, float]]], sweep: Mapping[tuple[str, int], Sequence[float]]
) -> dict[str, Any]:
    """Summaries of the scenes' scores, and paired differences of mIoU to every baseline."""
    miou = {name: np.array([row["miou"] for row in scenes]) for name, scenes in methods.items()}
    return {
        "methods": {
            name: {score: summarise(row[score] for row in scenes) for score in SCORES}
            for name, scenes in methods.items()
        },
        "differences": {name: difference(miou["unet"], values) for name, values in miou.items() if name != "unet"},
        "sweep": [
            {
                "preset": preset,
                "timestep": timestep,
                "miou": summarise(values),
                "differences": {name: difference(np.array(values), miou[name]) for name in FLOORS},
            }
            for (preset, timestep), values in sweep.items()
        ],
    }


def difference(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """Summary of the scenes' differences, the share of scenes won, and whether the 95% interval is above 0."""
    found = summarise(ours - theirs)
    above = found["ci95"] is not None and found["mean"] is not None and found["mean"] > found["ci95"]
    return {**found, "won": float((ours > theirs).mean()), "above": above}


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text: methods with 95% intervals, then the sweep."""
    rows = []
    for name, scores in result["methods"].items():
        gap = result["differences"].get(name)
        row = {"method": name} | {score: _interval(scores[score]) for score in SCORES}
        rows.append(row | {"unet minus it": _interval(gap) if gap else "", "won": _share(gap)})
    swept = [
        {"preset": row["preset"], "t": str(row["timestep"]), "miou": _interval(row["miou"])}
        | {f"minus {name}": _interval(gap) for name, gap in row["differences"].items()}
        for row in result["sweep"]
    ]
    head = (
        f"UNet clusters of {result['model']} on {result['count']} scenes from seed {result['seed']}; "
        f"k = classes visible, {result['k']['mean']:.1f} on average; matched {result['matching']}; "
        f"stability {result['stability']['mean']:.2f}; "
        f"the masks themselves score {result['grid_limit']['mean']:.3f} at this grid; ± is half of a 95% interval"
    )
    return "\n\n".join([head, lines(as_table(rows)), lines(as_table(swept))])


def _interval(found: Mapping[str, Any]) -> str:
    spread = "" if found["ci95"] is None else f" ±{found['ci95']:.3f}"
    return f"{found['mean']:.3f}{spread}"


def _share(gap: Mapping[str, Any] | None) -> str:
    return f"{gap['won']:.0%}" if gap else ""
