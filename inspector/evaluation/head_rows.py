"""One trained head on held-out drawn scenes: mIoU of seen and unseen classes, panoptic quality, what CLIP adds."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from inspector import world
from inspector.analysis import metrics
from inspector.analysis.panoptic_quality import PanopticTally
from inspector.analysis.proposals import class_scores, panoptic
from inspector.analysis.segmentation import winners
from inspector.analysis.vocabulary import embed_classes
from inspector.evaluation.segmentation import VOID, target_ids
from inspector.evaluation.segments import THINGS, segments_of
from inspector.evaluation.texts import TEMPLATE, single
from inspector.models.heads.specs import UNSEEN, HeadSpec
from inspector.models.protocols import ClipModel, DiffusionModel
from inspector.pipelines.diffusion_reading import class_tokens
from inspector.pipelines.mask_heads import Inputs, dense_logits, inputs_of_picture, propose
from inspector.results import Proposed, resize_maps

SEEN = np.array([word not in UNSEEN for word in world.CLASSES])
ASKED = {"ensemble": (0.3, 0.7), "head alone": (0.0, 0.0), "clip alone": (1.0, 1.0)}
AT_ONCE, TIMED = 4, 5


class HeldOut(Protocol):
    """Scenes from seed `pictures.first` on, and what frozen models compute of them, however it is kept."""

    pictures: Any  # training.head_data.Pictures: first, images, captions
    clip: ClipModel
    diffusion: DiffusionModel

    def inputs(self, spec: HeadSpec, rows: np.ndarray, head: Any = None, tokens: torch.Tensor | None = None) -> Inputs:
        """What a head is given of pictures `rows`; tokens: (class, width) for a row that asks."""
        ...


@torch.no_grad()
def measure(spec: HeadSpec, head: Any, held: HeldOut) -> dict[str, Any]:
    """Scores of the head on all of `held`'s pictures, every word of the world asked for.

    {"miou", "seen", "unseen", "pq", "pq_seen", "pq_unseen"} as published, and "by": {"head alone" and so on: the three
    of mIoU} where a head and CLIP both have an opinion. One confusion matrix over all pictures.
    """
    head.eval()
    text, tokens = embed_classes(held.clip, single(world.CLASSES), TEMPLATE), tokens_of(spec, held.diffusion)
    matrices: dict[str, np.ndarray] = {}
    quality = PanopticTally(len(world.CLASSES))
    for rows in np.array_split(np.arange(len(held.pictures)), -(-len(held.pictures) // AT_ONCE)):
        inputs = held.inputs(spec, rows, head, tokens)
        if spec.dense:
            dense = dense_logits(spec, head, inputs, held.clip, text).softmax(1).numpy()
            found = [{"ensemble": item} for item in dense]
            named: Sequence[Proposed | None] = [None] * len(rows)
        else:
            named = propose(head, spec, inputs, held.clip, text, SEEN.astype(np.uint8))
            found = [opinions(item) for item in named]
        for row, scores, proposals in zip(rows, found, named, strict=True):
            scene = world.scene(held.pictures.first + int(row))
            target = target_ids(scene.labels, tuple(scene.masks))
            for name, values in scores.items():
                labels = winners(resize_maps(values, scene.labels.shape))
                matrix = metrics.confusion(labels, target, len(world.CLASSES) + 1)
                matrices[name] = matrices.get(name, 0) + matrix
            if proposals is not None:
                quality.add(*segments_found(proposals, scene), *segments_true(scene))
    kept = {name: ious(matrix) for name, matrix in matrices.items()}
    return {
        **kept["ensemble"],
        **panoptic_means(quality),
        "picture_seconds": picture_seconds(spec, head, held, text, tokens),
        "by": {name: found for name, found in kept.items() if name != "ensemble"},
    }


def tokens_of(spec: HeadSpec, diffusion: DiffusionModel) -> torch.Tensor | None:
    """(class, width) of the world's words for a row that asks, else None."""
    if not spec.asks:
        return None
    return class_tokens(diffusion, single(world.CLASSES), TEMPLATE, diffusion.encode_prompts)


def picture_seconds(spec: HeadSpec, head: Any, held: HeldOut, text: torch.Tensor, tokens: torch.Tensor | None) -> float:
    """Median time from a picture to its named proposals, with all that the frozen models compute for it."""
    found = []
    diffusion = held.diffusion if "diffusion" in spec.kinds else None
    for row in range(min(TIMED, len(held.pictures))):
        image, caption = np.asarray(held.pictures.images[row]), held.pictures.captions[row]
        started = time.perf_counter()
        inputs = inputs_of_picture(spec, head, image, held.clip, diffusion, caption, tokens=tokens)
        if spec.dense:
            dense_logits(spec, head, inputs, held.clip, text)
        else:
            propose(head, spec, inputs, held.clip, text, SEEN.astype(np.uint8))
        found.append(time.perf_counter() - started)
    return round(float(np.median(found)), 3)


def opinions(named: Proposed) -> dict[str, np.ndarray]:
    """Scores (k, h, w) as published, and by the head alone and by CLIP alone where both have an opinion."""
    asked = ASKED if named.clip is not None else {"ensemble": ASKED["ensemble"]}
    return {name: class_scores(named.masks.astype(np.float32), named.named(weights)) for name, weights in asked.items()}


def segments_found(named: Proposed, scene: world.Scene) -> tuple[np.ndarray, list[int]]:
    """Panoptic ids (h, w) of the proposals, 0 nothing, and each segment's class id."""
    size = scene.labels.shape[::-1]
    masks = np.stack(
        [cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) for mask in named.masks]
    )
    things = [number in THINGS for number in range(1, len(world.CLASSES) + 1)]
    ids, found = panoptic(masks, named.named(ASKED["ensemble"]), things)
    return ids, [item.index + 1 for item in found]


def segments_true(scene: world.Scene) -> tuple[np.ndarray, list[int]]:
    """Panoptic ids (h, w) of the scene, 0 nothing, -1 void, and each segment's class id."""
    segments = segments_of(scene, scene.size)
    void = target_ids(scene.labels, tuple(scene.masks)) == VOID
    return np.where(void, -1, segments.ids + 1), list(segments.classes)


def ious(matrix: np.ndarray) -> dict[str, float]:
    """{"miou", "seen", "unseen"} over classes with ground truth."""
    values = metrics.class_ious(matrix)[1:]
    return {
        "miou": float(np.nanmean(values)),
        "seen": float(np.nanmean(values[SEEN])),
        "unseen": float(np.nanmean(values[~SEEN])),
    }


def panoptic_means(quality: PanopticTally) -> Mapping[str, float | None]:
    """PQ over all, seen and unseen classes; None where nothing was proposed."""
    if not quality.pictures:
        return {"pq": None, "pq_seen": None, "pq_unseen": None}
    values = quality.by_class()
    return {
        "pq": float(np.nanmean(values)),
        "pq_seen": float(np.nanmean(values[SEEN])),
        "pq_unseen": float(np.nanmean(values[~SEEN])),
    }
