"""The saliency pipeline end to end on a toy CLIP: stages, scales, metrics, errors."""

import numpy as np
import pytest

from inspector.errors import ClassesError
from inspector.pipelines import saliency
from inspector.pipelines.common import model_side
from inspector.results import Progress, SaliencyRequest, SaliencyResult
from tests.toy_clip import ToyClip


@pytest.fixture
def model(monkeypatch):
    toy = ToyClip()
    monkeypatch.setattr(saliency, "load_clip", lambda name, report=None: toy)
    return toy


def image(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_stages_then_the_result(model):
    items = list(saliency.stream(SaliencyRequest(image(), "car, trees/palms")))
    assert all(isinstance(item, Progress) for item in items[:-1])
    assert [(item.step, item.total) for item in items[:-1]] == [(0, 100), (1, 3), (2, 3)]
    result = items[-1]
    assert isinstance(result, SaliencyResult)
    assert result.names == ("car", "trees")
    assert result.grid_signed.shape == (2, 6, 9)
    assert result.maps.shape == (2, 60, 90)
    assert result.grid_signed.dtype == result.maps.dtype == np.float32
    assert result.maps.min() >= 0 > result.signed.min()
    assert result.probabilities.sum() + result.background_probability == pytest.approx(1)
    assert result.provenance.models == {"toy-clip": "toy"}
    assert model.trunks == 1


def test_the_same_request_twice_is_the_same_result(model):
    request = SaliencyRequest(image(), "car, horse", pooling="class")
    first, second = saliency.run(request), saliency.run(request)
    np.testing.assert_array_equal(first.grid_signed, second.grid_signed)


def test_each_class_has_a_map_of_its_own_and_others_change_it(model):
    two = saliency.run(SaliencyRequest(image(), "car, horse"))
    three = saliency.run(SaliencyRequest(image(), "car, horse, kite"))
    assert not np.allclose(two.grid_signed[0], two.grid_signed[1])
    assert not np.allclose(two.grid_signed, three.grid_signed[:2])  # the softmax has one more word
    np.testing.assert_allclose(two.scores, three.scores[:2])  # cosines have not


def test_a_background_word_that_is_asked_for_does_not_compete(model):
    asked = saliency.run(SaliencyRequest(image(), "trees, car", background=("tree", "wall")))
    without = saliency.run(SaliencyRequest(image(), "trees, car", background=("wall",)))
    np.testing.assert_array_equal(asked.grid_signed, without.grid_signed)


def test_a_template_may_hold_other_braces(model):
    odd = saliency.run(SaliencyRequest(image(), "car, horse", template="a {photo} of {} {0}"))
    np.testing.assert_allclose(odd.scores.shape, (2,))


def test_metrics_by_hand(model):
    mask = np.zeros((60, 90), bool)
    mask[:, :45] = True
    request = SaliencyRequest(image(), "cars/vans, horse", threshold=0.5, masks={"car": mask, "sea": ~mask})
    signed = np.full((2, 2, 2), -1.0, np.float32)
    signed[0, :, 0] = 1.0
    rows = saliency.rows(request, signed)
    assert [row["class"] for row in rows] == ["cars"]
    row = rows[0]
    assert row["ap"] == row["iou_best"] == row["pointing"] == 1.0
    assert row["chance"] == 0.5
    assert row["threshold"] == 0.5
    # A map of 1 left and 0 right falls linearly from pixel 22 to 67; it is at .5 or more in columns 0 to 44.
    assert row["iou"] == 1.0
    assert saliency.run(request).metrics[0]["class"] == "cars"


def test_one_class_without_background_is_refused(model):
    with pytest.raises(ClassesError, match="add a class or a background word"):
        saliency.run(SaliencyRequest(image(), "tree", background="trees"))


def test_long_pictures_stay_within_the_work_side():
    assert model_side((256, 256), None, 224) == 224
    assert model_side((100, 200), 512, 224) == 512
    assert model_side((100, 400), 512, 224) == 256  # 1024 wide
    assert model_side((1600, 100), None, 256) == 64
