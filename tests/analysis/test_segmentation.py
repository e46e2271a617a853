"""Winners, segments, targets and quality on pictures small enough to count by hand."""

import numpy as np
import pytest

from inspector.analysis.segmentation import own_maximum, quality, segments, target_labels, winners

CLASSES = (("building", "tower"), ("windows",), ("car",))


def masks() -> dict[str, np.ndarray]:
    """A building of 2x2 at the left with one window inside, 4x3 pixels in all."""
    building, window = np.zeros((3, 4), bool), np.zeros((3, 4), bool)
    building[:2, :2] = True
    window[0, 1] = True
    return {"building": building, "window": window}


def test_winners_and_background():
    scores = np.array([[[0.5, 0.2, 0.1]], [[0.5, 0.3, 0.0]]], np.float32)
    assert winners(scores).tolist() == [[1, 2, 1]]  # of equal classes the first
    assert winners(scores, 0.3).tolist() == [[1, 2, 0]]  # 0.3 is reached, 0.1 is not


def test_segments_of_two_classes():
    labels = np.array([[1, 1, 0, 2], [0, 0, 1, 2], [1, 0, 0, 2]], np.int32)
    scores = np.zeros((2, 3, 4), np.float32)
    scores[0] = [[0.2, 0.4, 0, 0], [0, 0, 0.9, 0], [0.7, 0, 0, 0]]
    scores[1, :, 3] = [0.1, 0.2, 0.6]
    found = segments(labels, scores, ("car", "sea"))
    assert [(item.name, item.class_index, item.box_xyxy) for item in found] == [
        ("car", 1, (0, 0, 3, 2)),  # joined at a corner: 8 neighbours
        ("sea", 2, (3, 0, 4, 3)),
        ("car", 1, (0, 2, 1, 3)),
    ]
    assert [item.area for item in found] == pytest.approx([3 / 12, 3 / 12, 1 / 12])
    assert [item.score for item in found] == pytest.approx([0.5, 0.3, 0.7])


def test_the_smaller_mask_wins_and_the_rest_is_background():
    assert target_labels(CLASSES, masks()).tolist() == [[1, 2, 0, 0], [1, 1, 0, 0], [0] * 4]
    assert target_labels(CLASSES[::-1], masks())[0].tolist() == [3, 2, 0, 0]
    assert target_labels((("horse",),), masks()) is None


def test_quality_by_hand():
    labels = np.array([[1, 1, 3, 3], [1, 2, 3, 3], [0, 3, 1, 3]], np.int32)
    # Building 1 1 / 1 2 and one pixel of no class, against building 1 2 / 1 1.
    assert quality(labels, CLASSES, masks()) == {
        "miou": pytest.approx((2 / 5 + 0 / 2) / 2),
        "pixel_accuracy": pytest.approx(3 / 12),  # two of the building, and one that is left background
        "iou": {"building": pytest.approx(2 / 5), "windows": 0.0},
    }
    assert quality(labels, (("horse",),), masks()) == {}


def test_painting_everything_is_worth_the_class_s_share():
    everything = np.ones((3, 4), np.int32)
    assert quality(everything, (("building",),), masks())["miou"] == pytest.approx(4 / 12)


def test_each_class_by_its_own_maximum():
    maps = np.array([[[2.0, 1.0, -3.0]], [[-1.0, -2.0, -0.5]], [[1e-30, 5e-31, 0.0]]])
    assert own_maximum(maps).tolist() == [[[1.0, 0.5, 0.0]], [[0.0, 0.0, 0.0]], [[1.0, 0.5, 0.0]]]
