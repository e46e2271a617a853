"""One picture's row: classes asked for, confusion by hand, and one clear line for what is wrong with a picture."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from inspector.errors import ClassesError, ModelFilesError, ModelMemoryError
from inspector.evaluation import measuring, of_dataset, requested
from inspector.evaluation.datasets import VOID, read_dataset
from inspector.evaluation.measuring import Task, measure
from inspector.results import SegmentationRequest
from inspector.views.images import read_image
from tests.evaluation.datasets import making
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

PROVENANCE = SimpleNamespace(models={"toy": "1"})


@dataclass(frozen=True)
class Labelling:
    """Segmentation that gives every picture the same labels, one or (h, w), in place of a model."""

    label: int | np.ndarray

    def run(self, request: SegmentationRequest) -> SimpleNamespace:
        return SimpleNamespace(
            labels=np.broadcast_to(np.int32(self.label), request.image.shape[:2]).copy(), provenance=PROVENANCE
        )


@pytest.fixture
def folder(tmp_path) -> Path:
    making.folder(tmp_path, 8)
    return tmp_path


def test_labels_are_told_in_the_data_sets_numbers(folder, monkeypatch):
    """Label 2 of a result is "dog", which the data set, with its background, numbers 2; label 0 is the background."""
    half = making.HEIGHT * making.WIDTH // 2
    task = Task("segmentation", read_dataset("folder", folder), {})
    monkeypatch.setattr(measuring, "segmentation", Labelling(2))
    row = measure(task, task.dataset.entries[1])
    assert row["parts"]["matrix"] == [[0, 2, half], [2, 2, half]]
    assert row["numbers"] == {"miou": 0.25, "pixel_accuracy": 0.5}  # 0 of background, half of dog
    assert (row["key"], row["error"], row["models"]) == ("p1", "", {"toy": "1"})
    monkeypatch.setattr(measuring, "segmentation", Labelling(0))
    assert measure(task, task.dataset.entries[1])["parts"]["matrix"] == [[0, 0, half], [2, 0, half]]


def test_without_a_background_class_no_class_is_none_of_them(tmp_path, monkeypatch):
    making.folder(tmp_path, 1, "cat\ndog\n")
    task = Task("segmentation", read_dataset("folder", tmp_path), {})
    monkeypatch.setattr(measuring, "segmentation", Labelling(0))
    assert {cell[1] for cell in measure(task, task.dataset.entries[0])["parts"]["matrix"]} == {2}


def test_classes_that_are_only_predicted_do_not_count(folder, monkeypatch):
    """detectron2's rule. Cats are right and their background is said to be dog, which is nowhere: 0 and 1 have a mean
    of a half; with dog's own 0 it would be a third."""
    task = Task("segmentation", read_dataset("folder", folder), {})
    monkeypatch.setattr(measuring, "segmentation", Labelling(making.halves(2, 1)))
    found = of_dataset.summary(task, [measure(task, entry) for entry in task.dataset.entries[::2]])
    assert found["metrics"]["miou"]["mean"] == 0.5
    assert [(row["class"], row["iou"]) for row in found["classes"]] == [("background", 0), ("cat", 1)]


def test_frequent_classes_weigh_more_in_fwiou():
    """Three of four pixels of class 0 right (IoU .75), the one of class 1 wrong (0): 4/5 of .75."""
    matrix = np.zeros((3, 3), np.int64)
    matrix[0, 0], matrix[0, 2], matrix[1, 2] = 3, 1, 1
    assert of_dataset.fwiou(matrix) == pytest.approx(0.6)
    assert np.isnan(of_dataset.fwiou(np.zeros((2, 2), np.int64)))


def test_one_matrix_over_the_data_set_and_not_a_mean_of_pictures(folder, monkeypatch):
    """One picture of background and cat, one of background and dog, all said to be cat: a quarter is right."""
    task = Task("segmentation", read_dataset("folder", folder), {})
    monkeypatch.setattr(measuring, "segmentation", Labelling(1))
    rows = [measure(task, entry) for entry in task.dataset.entries[:2]]
    assert [row["numbers"]["miou"] for row in rows] == [0.25, 0]
    found = of_dataset.summary(task, rows)
    assert found["metrics"]["miou"]["mean"] == pytest.approx((0 + 1 / 4 + 0) / 3)
    assert found["metrics"]["pixel_accuracy"]["mean"] == 0.25
    assert found["metrics"]["fwiou"]["mean"] == pytest.approx(1 / 4 * 1 / 4)
    assert found["worst"] == ["p1", "p0"]
    assert found["best"] == ["p0", "p1"]
    assert of_dataset.summary(task, rows[::-1])["metrics"] == found["metrics"]


def test_what_is_wrong_with_a_picture_is_one_line_of_its_row(folder, monkeypatch):
    monkeypatch.setattr(measuring, "segmentation", Labelling(1))
    expected = making.spoil(folder)
    task = Task("segmentation", read_dataset("folder", folder), {})
    rows = {entry.key: measure(task, entry) for entry in task.dataset.entries}
    assert len(rows) == 8
    for key, row in rows.items():
        assert expected.get(key, "") in row["error"]
        assert bool(row["error"]) == (key in expected)
        assert "\n" not in row["error"]
    result = of_dataset.summary(task, list(rows.values()))
    assert result["pictures"] == 2
    told = of_dataset.table(result)
    assert all(f"{key}: {rows[key]['error']}" in told for key in expected)


def test_a_model_that_is_missing_stops_and_one_that_lacks_room_for_a_picture_does_not(folder, monkeypatch):
    task = Task("segmentation", read_dataset("folder", folder), {})

    def failing(error: Exception) -> SimpleNamespace:
        def run(_: object) -> None:
            raise error

        return SimpleNamespace(run=run)

    monkeypatch.setattr(measuring, "segmentation", failing(ModelMemoryError("too large")))
    assert measure(task, task.dataset.entries[0])["error"] == "too large"
    monkeypatch.setattr(measuring, "segmentation", failing(ModelFilesError("no weights")))
    with pytest.raises(ModelFilesError):
        measure(task, task.dataset.entries[0])


def test_a_large_picture_is_read_smaller_and_its_mask_is_not(tmp_path, monkeypatch):
    making.folder(tmp_path, 1, side=50)
    task = Task("segmentation", read_dataset("folder", tmp_path), {})
    monkeypatch.setattr(measuring, "segmentation", Labelling(1))
    image, labels = measuring.load(task.dataset, task.dataset.entries[0])
    assert max(image.shape) == 1024
    assert labels.shape == (800, 1200)
    row = measure(task, task.dataset.entries[0])
    assert sum(cell[2] for cell in row["parts"]["matrix"]) == 800 * 1200


@pytest.fixture
def toys(monkeypatch):
    clip, diffusion = ToyClip(), ToyDiffusion()
    monkeypatch.setattr(measuring, "read_image", lambda file: read_image(file).copy())  # the toys do not copy
    for module in (measuring.saliency, measuring.segmentation):
        monkeypatch.setattr(module, "load_clip", lambda name, report=None: clip)
    for module in (measuring.attention, measuring.clusters):
        monkeypatch.setattr(module, "load_diffusion", lambda name, report=None: diffusion)


@pytest.mark.parametrize("subject", ["segmentation", "saliency", "attention", "clusters"])
def test_every_subject_measures_a_picture(folder, toys, subject):
    task = Task(subject, read_dataset("folder", folder), {})
    rows = [measure(task, entry) for entry in task.dataset.entries[:2]]
    assert [row["error"] for row in rows] == ["", ""]
    result = of_dataset.summary(task, rows)
    found = result["metrics"][of_dataset.HEADLINE[subject]]
    assert 0 <= found["mean"] <= 1
    if subject in ("saliency", "attention"):
        assert result["metrics"]["chance"]["mean"] == pytest.approx(0.5)  # each class covers half
        assert [row["class"] for row in result["classes"]] == ["cat", "dog"]  # background is not asked for
    assert of_dataset.table(result)


def test_void_counts_in_no_score_of_a_map(folder, toys):
    """The map is right but for a pixel of the background; where that is void, the map is right."""
    labels = making.halves(0, 1)
    grid = labels.astype(np.float32)
    grid[0, 0] = 1
    spoilt = labels.astype(np.int32)
    spoilt[0, 0] = VOID
    missed, _ = measuring._scores({1: grid}, labels.astype(np.int32))
    spared, _ = measuring._scores({1: grid}, spoilt)
    assert spared["iou"] == 1 > missed["iou"]


def test_each_word_goes_to_one_class_and_names_stay():
    names = (
        ("screen door", "screen"),
        ("blind", "screen"),
        ("screen", "silver screen"),
        ("background",),
        ("step", "s" * 61),
    )
    asked = requested.askable(names)
    assert asked == {0: ("screen door",), 1: ("blind",), 2: ("screen", "silver screen"), 4: ("step",)}
    assert requested.asked_ids(names).tolist() == [3, 0, 1, 2, 4]


def test_masks_of_a_name_that_means_two_classes_are_left_out():
    """ "clothes" is a plural of "cloth" as far as words go, and COCO-Stuff has both."""
    labels = np.array([[0, 1, 2]])
    assert set(requested.word_masks((("cloth",), ("clothes",), ("dog",)), labels)) == {"dog"}


def test_names_in_a_prompt_are_found_by_their_place():
    names = (("table",), ("coffee table",))
    request, spans = requested.attention({}, names, np.zeros((16, 16, 3), np.uint8), (1, 0))
    assert request.prompt == "coffee table, table"
    assert [request.prompt[start:stop] for start, stop in spans] == ["coffee table", "table"]


def test_more_classes_than_are_allowed_end_before_the_first_picture(tmp_path):
    making.ade(tmp_path)
    with pytest.raises(ClassesError, match="INSPECTOR_MAX_CLASSES=150"):
        Task("segmentation", read_dataset("ade", tmp_path), {})
