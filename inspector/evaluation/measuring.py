"""One picture of a data set, measured: the pure function that every engine runs.

A row is JSON-ready: {key, seconds, error, models, numbers, parts}. `numbers` are the picture's own scores, for
tables; `parts` is what the scores of the whole data set are made of. What is wrong with one picture is its row's
`error`, and the other pictures go on; what is wrong with a model stops the run.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.analysis import metrics
from inspector.analysis.attention import MEAN, average_layers, word_map
from inspector.errors import ClassesError, ImageError, InputError, ModelError, ModelMemoryError, RecordingError
from inspector.evaluation import requested
from inspector.evaluation.clusters import SCORES
from inspector.evaluation.datasets import VOID, Dataset, Entry
from inspector.evaluation.saliency import score
from inspector.pipelines import attention, clusters, saliency, segmentation
from inspector.results import NOISE_ONCE, resize_maps, span_tokens
from inspector.settings import settings
from inspector.views.images import read_image

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is asked of every picture of a data set. options: fields of the subject's request, models among them.

    Raises ChoiceError for an unknown subject, ClassesError where more classes would be asked for than are allowed.
    """

    subject: str
    dataset: Dataset
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        count, most = len(self.dataset.names), settings().limits.max_classes
        if self.subject == "segmentation" and count > most:
            raise ClassesError(
                f"{self.dataset.title}: all {count} are asked for at once, and {most} are allowed; set "
                f"INSPECTOR_MAX_CLASSES={count}."
            )


def measure(task: Task, entry: Entry) -> Row:
    """The row of one picture. Raises ModelError when the model cannot be had or read."""
    started = time.perf_counter()
    row: Row = {"key": entry.key, "error": "", "models": {}, "numbers": {}, "parts": {}}
    problem: Exception | None = None
    try:
        image, labels = load(task.dataset, entry)
        row |= SUBJECTS[task.subject](task, image, labels)
    except ModelError as error:
        if not isinstance(error, ModelMemoryError):
            raise
        problem = error
    except (InputError, RecordingError) as error:
        problem = error
    if problem is not None:
        row["error"] = " ".join(str(problem).split())
    return row | {"seconds": time.perf_counter() - started}


def load(dataset: Dataset, entry: Entry) -> tuple[np.ndarray, np.ndarray]:
    """The picture uint8 (h, w, 3) as `read_image` reads it, and its labels int32 at the mask's own size.

    Raises ImageError where one is missing or damaged, or where the two are of different sizes. A picture larger than
    `limits.work_side` is read smaller, and its mask is not.
    """
    if not entry.image.is_file():
        raise ImageError(f"There is no picture {str(entry.image)!r}; put it there, or take it out of the list.")
    image, labels = read_image(Path(entry.image)), dataset.decode(entry)
    scale = min(1.0, settings().limits.work_side / max(labels.shape))
    expected = [length * scale for length in labels.shape]
    if any(abs(length - side) > (scale < 1) for length, side in zip(image.shape[:2], expected, strict=True)):
        shown, masked = ("x".join(map(str, shape[1::-1])) for shape in (image.shape[:2], labels.shape))
        raise ImageError(f"The picture is {shown} and its mask {masked} pixels; they belong to different pictures.")
    return image, labels


def _segmentation(task: Task, image: np.ndarray, labels: np.ndarray) -> Row:
    """Confusion of all classes, sparse: (true class, predicted class, pixels); the class after the last is none."""
    names = task.dataset.names
    result = segmentation.run(requested.segmentation(task.options, names, image))
    ids = requested.asked_ids(names)
    predicted = ids[enlarged(result.labels, labels.shape)]
    matrix = metrics.confusion(predicted, labels, len(names) + 1)
    rows, columns = np.nonzero(matrix)
    cells = np.stack([rows, columns, matrix[rows, columns]], 1)
    numbers = {"miou": metrics.miou(matrix), "pixel_accuracy": metrics.pixel_accuracy(matrix)}
    return _row(result, numbers, {"matrix": cells.tolist()})


def _saliency(task: Task, image: np.ndarray, labels: np.ndarray) -> Row:
    """Scores of the Grad-CAM map of each class that the picture shows, asked for together."""
    shown = requested.shown(task.dataset.names, labels)
    if not shown:
        return {}
    result = saliency.run(requested.saliency(task.options, task.dataset.names, image, shown))
    return _row(result, *_scores(dict(zip(shown, result.grid, strict=True)), labels))


def _attention(task: Task, image: np.ndarray, labels: np.ndarray) -> Row:
    """Scores of the map of each class's name in a prompt of all that the picture shows, with noise added once."""
    shown = requested.shown(task.dataset.names, labels)
    if not shown:
        return {}
    request, spans = requested.attention(task.options, task.dataset.names, image, shown)
    result = attention.run(request)
    maps = {}
    for index, span in zip(shown, spans, strict=True):
        positions = span_tokens(result.tokens, [span])
        if positions:  # else the prompt was cut before it
            layers = {layer: word_map(found, positions) for layer, found in result.maps[NOISE_ONCE].items()}
            maps[index] = average_layers(layers)[MEAN][0]
    return _row(result, *_scores(maps, labels))


def _clusters(task: Task, image: np.ndarray, labels: np.ndarray) -> Row:
    """Scores of as many clusters as the picture shows classes, matched by an oracle, and of colour and place alone."""
    if not (labels != VOID).any():
        return {}
    result = clusters.run(requested.clusters(task.options, image, labels))
    grids = {"unet": result.grid_labels, **result.baselines}
    methods = {name: clusters.scores(grid, labels) for name, grid in grids.items()}
    return _row(result, {name: methods["unet"][name] for name in SCORES}, {"methods": methods})


SUBJECTS: Mapping[str, Callable[[Task, np.ndarray, np.ndarray], Row]] = {
    "segmentation": _segmentation,
    "saliency": _saliency,
    "attention": _attention,
    "clusters": _clusters,
}


def enlarged(labels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Labels (h, w) at another size, nearest neighbour; as they are where it is theirs."""
    return labels if labels.shape == size else cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST)


def _scores(grids: Mapping[int, np.ndarray], labels: np.ndarray) -> tuple[dict[str, float], dict[str, Any]]:
    """Means over classes, and {"classes": {index: scores and baselines}}; pixels that are void count nowhere.

    grids: class -> map (gh, gw). A class's mask is where the labels are it.
    """
    known, centre = labels != VOID, metrics.centre_prior(*labels.shape)
    classes = {}
    for index, grid in grids.items():
        mask = (labels == index)[known]
        blind = {"chance": metrics.chance(mask), "centre prior": metrics.average_precision(centre[known], mask)}
        classes[index] = score(resize_maps(grid, labels.shape)[known], mask) | blind
    names = next(iter(classes.values()), {})
    return {name: float(np.mean([row[name] for row in classes.values()])) for name in names}, {"classes": classes}


def _row(result: Any, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> Row:
    return {"models": dict(result.provenance.models), "numbers": dict(numbers), "parts": dict(parts)}
