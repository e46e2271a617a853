"""Training-free segmentation on drawn scenes: mIoU and pixel accuracy, beside colour and the largest class.

Each method is asked once for the words a scene shows ("present") and once for all words of the world ("all").
The target is `scene.labels`, where a part wins over its whole; one confusion matrix over all scenes gives the
numbers, and drawing scenes anew gives their spread. Pixels of nothing, or of a word too hidden to count as
shown, are left out.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from inspector import world
from inspector.analysis import metrics
from inspector.analysis.segmentation import winners
from inspector.evaluation.colours import class_colours
from inspector.evaluation.tally import half_interval, with_spread
from inspector.evaluation.texts import TEMPLATE, VOCABULARIES, single, vocabulary
from inspector.models import load_clip, load_diffusion
from inspector.pipelines.readings import Asked, Readings, Texts
from inspector.pipelines.segmenters import METHODS, score
from inspector.results import ALL_METHODS, SEGMENTATION_METHODS, Progress, SegmentationRequest, resize_maps
from inspector.views.table import lines
from inspector.views.table import table as rows_table

TIMESTEP = 100  # of the noise added once, for the methods that take it; the request's default
MEASURES = ("miou", "pixel_accuracy", "scene_miou")
BASELINES = ("class colour", "largest class")
VOID = -1  # in a target: pixels that do not count, since all words that are shown are asked for
Report = Callable[[Progress], None]
Labels = dict[tuple[str, str], np.ndarray]  # (method, vocabulary) -> int (h, w), the world's class ids


def evaluate(
    count: int,
    seed: int,
    progress: Report | None = None,
    clip: str = "scenes-clip",
    diffusion: str = "scenes-diffusion",
    methods: Sequence[str] = SEGMENTATION_METHODS,
) -> dict[str, Any]:
    """Scores of `count` scenes from `seed` on, JSON-ready.

    "present" and "all", the vocabularies, hold "miou", "pixel_accuracy" and "scene_miou" (mean of the scenes' own
    mIoU), each {method: {mean, ci95, count}} and "baselines" alike, and "classes": {word: {method: IoU}}.
    """
    models = load(methods, clip, diffusion)
    scorers: list[Callable[[world.Scene, tuple[str, ...]], Labels]] = [blind_labels]
    if methods:
        scorers.append(Scorer(models, methods))
    matrices: dict[tuple[str, str], list[np.ndarray]] = {}
    for row in range(count):
        if progress is not None:
            progress(Progress(row, count, "Labelling drawn scenes"))
        scene = world.scene(seed + row)
        words = tuple(scene.masks)
        target = target_ids(scene.labels, words)
        for scorer in scorers:
            for key, labels in scorer(scene, words).items():
                matrices.setdefault(key, []).append(metrics.confusion(labels, target, len(world.CLASSES) + 1))
    by_vocabulary = {
        name: summaries({method: np.stack(found) for (method, asked), found in matrices.items() if asked == name})
        for name in VOCABULARIES
    }
    return {
        "subject": "segmentation",
        "count": count,
        "seed": seed,
        "world": world.VERSION,
        "models": {model.spec.name: model.revision for model in models.values()},
        "template": TEMPLATE,
        "timestep": TIMESTEP,
        **by_vocabulary,
    }


def load(methods: Sequence[str], clip: str, diffusion: str) -> dict[str, Any]:
    """Kind -> model, of the kinds that the methods need."""
    kinds = {kind for method in methods for kind in METHODS[method].models}
    loaders = {"clip": (load_clip, clip), "diffusion": (load_diffusion, diffusion)}
    return {kind: loaded(name) for kind, (loaded, name) in loaders.items() if kind in kinds}


class Scorer:
    """Labels by methods, with what they share of a picture, and of texts, computed once.

    The longer vocabulary is asked first, so that a word's maps in a prompt of its own are there for the shorter.
    """

    def __init__(self, models: dict[str, Any], methods: Sequence[str]) -> None:
        self.models, self.methods, self.texts = models, methods, Texts()

    def __call__(self, scene: world.Scene, words: tuple[str, ...]) -> Labels:
        """Labels of one scene that shows `words`."""
        method = self.methods[0] if len(self.methods) == 1 else ALL_METHODS
        request = SegmentationRequest(scene.image, single(world.CLASSES), method, template=TEMPLATE, timestep=TIMESTEP)
        readings, found = Readings(request, self.models, self.texts), {}
        for name in reversed(VOCABULARIES):
            known = vocabulary(words, name)
            asked = Asked.of(single(known), request)
            for method in self.methods:
                found[method, name] = to_ids(score(readings, method, asked), scene.image.shape[:2], known)
        return found


def blind_labels(scene: world.Scene, words: tuple[str, ...]) -> Labels:
    """Labels of the baselines: the nearest mean colour, and the one word that covers most of the training scenes."""
    image, found = scene.image, Labels()
    for name in VOCABULARIES:
        known = vocabulary(words, name)
        found["class colour", name] = to_ids(class_colours().maps(image, known), image.shape[:2], known)
        largest = world.CLASS_IDS[class_colours().largest(known)]
        found["largest class", name] = np.full(image.shape[:2], largest)
    return found


def to_ids(scores: np.ndarray, size: tuple[int, int], words: Sequence[str]) -> np.ndarray:
    """The world's class ids int (h, w) of the winners of scores (word, gh, gw) enlarged to `size`."""
    ids = np.array([0, *(world.CLASS_IDS[word] for word in words)])
    return ids[winners(resize_maps(scores, size))]


def target_ids(labels: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
    """The scene's labels as int32 with everything but the shown words VOID."""
    shown = np.isin(labels, [world.CLASS_IDS[word] for word in words])
    return np.where(shown, labels.astype(np.int32), VOID)


def summaries(matrices: dict[str, np.ndarray]) -> dict[str, Any]:
    """The metrics of one vocabulary from method -> int (scene, class, class)."""
    found: dict[str, Any] = {name: {"baselines": {}} for name in MEASURES}
    for method, stack in matrices.items():
        scenes = np.array([metrics.miou(matrix) for matrix in stack])
        chosen = {
            "miou": partial(_of_all, metrics.miou, stack),
            "pixel_accuracy": partial(_of_all, metrics.pixel_accuracy, stack),
            "scene_miou": partial(_mean, scenes),
        }
        for name, measure in chosen.items():
            place = found[name]["baselines"] if method in BASELINES else found[name]
            place[method] = _summary(measure, len(stack))
    ious = {method: metrics.class_ious(stack.sum(0)) for method, stack in matrices.items()}
    found["classes"] = dict(_class_rows(ious))
    return found


def _of_all(measure: Callable[[np.ndarray], float], stack: np.ndarray, rows: np.ndarray) -> float:
    return measure(stack[rows].sum(0))


def _mean(values: np.ndarray, rows: np.ndarray) -> float:
    return float(values[rows].mean())


def _summary(measure: Callable[[np.ndarray], float], scenes: int) -> dict[str, float | int | None]:
    return {"mean": measure(np.arange(scenes)), "ci95": half_interval(measure, scenes), "count": scenes}


def _class_rows(ious: dict[str, np.ndarray]) -> Iterator[tuple[str, dict[str, float]]]:
    for word in world.CLASSES:
        values = {method: float(iou[world.CLASS_IDS[word]]) for method, iou in ious.items()}
        if not any(np.isnan(value) for value in values.values()):
            yield word, values


def table(result: dict[str, Any]) -> str:
    """The result as text: one row per method and vocabulary, then IoU per class among the words present."""
    rows = []
    for name in VOCABULARIES:
        part = result[name]
        for method in [*(key for key in part["miou"] if key != "baselines"), *BASELINES]:
            row: dict[str, Any] = {"vocabulary": name, "method": method}
            for measure in MEASURES:
                row[measure] = with_spread(part[measure].get(method) or part[measure]["baselines"][method])
            rows.append(row)
    classes = [{"class: IoU": word, **values} for word, values in result["present"]["classes"].items()]
    head = (
        f"Segmentation by {', '.join(result['models'])} of {result['count']} drawn scenes from seed {result['seed']}; "
        "value ± half the 95% interval."
    )
    return "\n\n".join([head, lines(rows_table(rows)), lines(rows_table(classes))])
