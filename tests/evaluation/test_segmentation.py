"""The evaluation of segmentation agrees with the pipeline, and its numbers with a confusion matrix by hand."""

import json

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import colours as colours_module
from inspector.evaluation import segmentation as evaluation
from inspector.evaluation.colours import ClassColours
from inspector.evaluation.segmentation import VOID
from inspector.pipelines import segmentation as pipeline
from inspector.results import SEGMENTATION_METHODS, SegmentationRequest
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

SEED = world.EVALUATION_SEEDS.start


@pytest.fixture(autouse=True)
def models(monkeypatch):
    clip, diffusion = ToyClip(), ToyDiffusion()
    for module in (evaluation, pipeline):
        monkeypatch.setattr(module, "load_clip", lambda name, report=None: clip)
        monkeypatch.setattr(module, "load_diffusion", lambda name, report=None: diffusion)
    monkeypatch.setattr(colours_module, "SCENES", 8)
    colours_module.class_colours.cache_clear()
    yield clip, diffusion
    colours_module.class_colours.cache_clear()


@pytest.mark.parametrize("method", SEGMENTATION_METHODS)
def test_labels_are_those_of_the_pipeline(models, method):
    scene = world.scene(SEED)
    words = tuple(scene.masks)
    labels = pipeline.run(SegmentationRequest(scene.image, words, method=method)).labels
    expected = np.array([0, *(world.CLASS_IDS[word] for word in words)])[labels]
    clip, diffusion = models
    scorer = evaluation.Scorer({"clip": clip, "diffusion": diffusion}, (method,))
    found = scorer(scene, words)[method, "present"]
    assert (found != expected).mean() < 1e-2  # attention is kept in half precision, in batches of other sizes


def test_target_leaves_out_nothing_and_what_is_not_shown():
    car, sea = world.CLASS_IDS["car"], world.CLASS_IDS["sea"]
    labels = np.array([[0, car, sea]], np.uint8)
    assert evaluation.target_ids(labels, ("car",)).tolist() == [[VOID, car, VOID]]


def test_one_matrix_over_all_scenes_by_hand():
    """Two classes: scene one 3 right of 4 of class 1; scene two 1 pixel of class 2, taken for 1."""
    size = len(world.CLASSES) + 1
    stack = np.zeros((2, size, size), np.int64)
    stack[0, 1, 1], stack[0, 1, 2] = 3, 1
    stack[1, 2, 1] = 1
    right = np.zeros_like(stack)
    right[0, 1, 1], right[1, 2, 2] = 4, 1
    found = evaluation.summaries({"maskclip": stack, "class colour": right, "largest class": right})
    assert found["miou"]["maskclip"]["mean"] == pytest.approx((3 / 5 + 0) / 2)
    assert found["pixel_accuracy"]["maskclip"]["mean"] == pytest.approx(3 / 5)
    assert found["scene_miou"]["maskclip"]["mean"] == pytest.approx((3 / 4 + 0) / 2)
    assert found["miou"]["baselines"]["class colour"] == {"mean": 1.0, "ci95": 0.0, "count": 2}
    first, second = world.CLASSES[:2]
    assert set(found["classes"]) == {first, second}
    assert found["classes"][first]["maskclip"] == pytest.approx(3 / 5)


def test_the_largest_class_scores_its_share():
    scene = world.scene(SEED)
    result = evaluation.evaluate(1, SEED, methods=())
    target = evaluation.target_ids(scene.labels, tuple(scene.masks))
    largest = world.CLASS_IDS[colours_module.class_colours().largest(tuple(scene.masks))]
    share = (target == largest).sum() / (target != VOID).sum()
    assert result["present"]["pixel_accuracy"]["baselines"]["largest class"]["mean"] == pytest.approx(share)


def test_result_is_json_with_progress_and_table():
    seen = []
    result = evaluation.evaluate(2, SEED, seen.append, methods=("gradcam", "maskclip"))
    assert [item.step for item in seen] == [0, 1]
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result["present"]["miou"]) == {"gradcam", "maskclip", "baselines"}
    shown = evaluation.table(result)
    assert all(name in shown for name in ("present", "all", "gradcam", "maskclip", "class colour", "largest class"))


def test_class_colours_by_hand():
    colours = np.zeros((len(world.CLASSES), 3))
    car, sea = (world.CLASS_IDS[word] - 1 for word in ("car", "sea"))
    colours[car] = 255
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 255
    learned = ClassColours(colours, np.linspace(0, 1, len(world.CLASSES)))
    np.testing.assert_allclose(learned.maps(image, ("car", "sea")), [[[0, 1]], [[1, 0]]], atol=1e-6)
    assert learned.largest(("car", "sea")) == ("car" if car > sea else "sea")
