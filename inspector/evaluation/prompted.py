"""How well a point and a box give the masks of drawn scenes, beside GrabCut of the same prompts.

Every visible thing, part and stretch of stuff is asked for by one point, the first of its mask's innermost pixels, and
by the box around it. A point in a window may mean the window or its house: what the model is surest of counts, and
beside it stands the best of its three masks, chosen by looking at the truth.

GrabCut (Rother, Kolmogorov and Blake 2004; OpenCV's, five rounds) begins with a box as it is meant to: outside is
background, inside is perhaps the mask. Of a point, our rule: a disc around it is the mask, a square of half the
picture's side around that is perhaps so, the rest is background. Where nothing is left outside a box it gives the box.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from inspector import world
from inspector.analysis.metrics import iou, summarise
from inspector.models import load_promptable
from inspector.models.protocols import PictureEmbedding, PromptableSegmenter
from inspector.results import Progress, check_number
from inspector.views.table import lines
from inspector.views.table import table as as_table

PROMPTS = ("point", "box")
SIZES: Mapping[str, tuple[float, float]] = {"small": (0, 0.01), "medium": (0.01, 0.1), "large": (0.1, 1.01)}  # shares
ROUNDS = 5
DISC, SQUARE = 0.02, 0.25  # radius, and half of the side, as shares of the picture's shorter side
MODEL = "segmenter"
Row = dict[str, float]  # method -> IoU, and "share" of the picture


def evaluate(
    count: int, seed: int, progress: Callable[[Progress], None] | None = None, segmenter: str = "scenes-sam"
) -> dict[str, Any]:
    """IoU of the masks of the scenes seed ... seed + count - 1, JSON-ready.

    found: prompt -> method -> "all" or a size of SIZES -> mean over scenes of the mean over a scene's masks of that
    size, with half of the 95% interval over scenes; masks: size -> how many there are.
    """
    check_number("count", count, 1, 100_000, whole=True)
    model = load_promptable(segmenter)
    scenes: dict[str, list[list[Row]]] = {prompt: [] for prompt in PROMPTS}
    started = time.monotonic()
    for index in range(count):
        scene = world.scene(seed + index)
        embedding = model.embed(scene.image)
        masks = [instance.mask for instance in scene.instances]
        for prompt, measure in (("point", by_point), ("box", by_box)):
            scenes[prompt].append([measure(model, embedding, scene.image, mask) for mask in masks])
        if progress:
            left = (time.monotonic() - started) / (index + 1) * (count - index - 1)
            progress(Progress(index + 1, count, "Asking for masks", left))
    return {
        "count": count,
        "seed": seed,
        "model": segmenter,
        "revision": model.revision,
        "masks": {name: sum(len(of_size(rows, name)) for rows in scenes["box"]) for name in ("all", *SIZES)},
        "found": {prompt: spread(rows) for prompt, rows in scenes.items()},
    }


def by_point(model: PromptableSegmenter, embedding: PictureEmbedding, image: np.ndarray, mask: np.ndarray) -> Row:
    """IoU with a mask of what its innermost pixel gives."""
    place = innermost(mask)
    masks, sure = model.ask(embedding, points_yx=np.array([place]))
    reached = [iou(found, mask) for found in masks]
    return {
        MODEL: reached[0],
        "best of three": max(reached),
        "GrabCut": iou(grabcut_of_point(image, place), mask),
        "error of the expected IoU": abs(float(sure[0]) - reached[0]),
        "share": float(mask.mean()),
    }


def by_box(model: PromptableSegmenter, embedding: PictureEmbedding, image: np.ndarray, mask: np.ndarray) -> Row:
    """IoU with a mask of what the box around it gives."""
    box = box_around(mask)
    masks, sure = model.ask(embedding, box_xyxy=np.array(box))
    reached = iou(masks[0], mask)
    return {
        MODEL: reached,
        "GrabCut": iou(grabcut_of_box(image, box), mask),
        "the box, filled": iou(filled(box, mask.shape), mask),
        "error of the expected IoU": abs(float(sure[0]) - reached),
        "share": float(mask.mean()),
    }


def innermost(mask: np.ndarray) -> tuple[int, int]:
    """(y, x) of the first pixel that is farthest from what is not in a mask; beyond the picture nothing is."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), mask.shape)
    return int(y), int(x)


def box_around(mask: np.ndarray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the edges of a mask that is not empty, in pixels from the picture's corner."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def filled(box: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
    """bool (h, w): all of a box."""
    mask = np.zeros(shape, bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def grabcut_of_box(image: np.ndarray, box: Sequence[int]) -> np.ndarray:
    """bool (h, w): what GrabCut takes out of a box."""
    inside = filled(box, image.shape[:2])
    trimap = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    return inside if inside.all() else _grabcut(image, trimap)


def grabcut_of_point(image: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    """bool (h, w): what GrabCut takes around a point (y, x)."""
    height, width = image.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    down, across, side = abs(rows - place[0]), abs(columns - place[1]), min(height, width)
    trimap = np.full((height, width), cv2.GC_BGD, np.uint8)
    trimap[np.maximum(down, across) <= SQUARE * side] = cv2.GC_PR_FGD
    trimap[down**2 + across**2 <= (DISC * side) ** 2] = cv2.GC_FGD
    return _grabcut(image, trimap)


def _grabcut(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    cv2.setRNGSeed(0)  # its clusters of colours begin with random ones
    outside, inside = np.zeros((1, 65)), np.zeros((1, 65))
    colours, nowhere = np.ascontiguousarray(image[..., ::-1]), (0, 0, 1, 1)  # a box is not looked at in this mode
    cv2.grabCut(colours, trimap, nowhere, outside, inside, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)


def of_size(rows: Sequence[Row], name: str) -> list[Row]:
    """The masks of a scene that are of a size, or "all"."""
    low, high = SIZES.get(name, (0, 2))
    return [row for row in rows if low <= row["share"] < high]


def spread(scenes: Sequence[Sequence[Row]]) -> dict[str, dict[str, Any]]:
    """method -> size -> summary over scenes of a scene's mean over its masks."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    methods = [name for name in scenes[0][0] if name != "share"]
    for name in ("all", *SIZES):
        kept = [own for own in (of_size(rows, name) for rows in scenes) if own]
        for method in methods:
            found[method][name] = summarise(float(np.mean([row[method] for row in own])) for own in kept)
    return dict(found)


def card_numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """What a model's card tells: mIoU of each prompt, beside GrabCut's."""
    return {
        f"mIoU of a {prompt}{'' if method == MODEL else f', {method}'}": methods[method]["all"]["mean"]
        for prompt, methods in result["found"].items()
        for method in (MODEL, "GrabCut")
    }


def table(result: Mapping[str, Any]) -> str:
    """The numbers as text, a row for each prompt and method."""
    counts = ", ".join(f"{count} {name}" for name, count in result["masks"].items() if name != "all")
    head = (
        f"Masks of a point and of a box by {result['model']} on {result['count']} scenes from seed {result['seed']}: "
        f"{result['masks']['all']} masks, {counts}; mIoU, ± is half of a 95% interval over scenes"
    )
    return f"{head}\n\n{lines(as_table([dict(row) for row in told(result)]))}"


def told(result: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """Rows of texts: prompt, method, mIoU of all and of each size."""
    for prompt, methods in result["found"].items():
        for method, sizes in methods.items():
            name = result["model"] if method == MODEL else method
            yield {"prompt": prompt, "method": name} | {size: _interval(found) for size, found in sizes.items()}


def _interval(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "–"
    return f"{found['mean']:.3f}" + ("" if found["ci95"] is None else f" ± {found['ci95']:.3f}")
