"""Metrics on numbers that can be checked by hand, and against scikit-learn on random arrays."""

import math

import numpy as np
import pytest
import sklearn.metrics as sk

from inspector.analysis import metrics
from inspector.errors import NotFiniteError


def stripe(width: int = 10) -> np.ndarray:
    """bool (4, width): the left half."""
    return np.broadcast_to(np.arange(width) < width // 2, (4, width)).copy()


def test_average_precision_by_hand() -> None:
    # Ranked: hit, miss, hit: precision 1/1 and 2/3 at half the recall each.
    value = metrics.average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[1, 0, 1]]))
    assert value == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_of_a_constant_map_is_chance() -> None:
    mask = np.zeros((5, 8), bool)
    mask[:2, :4] = True
    assert metrics.average_precision(np.ones((5, 8)), mask) == pytest.approx(8 / 40)
    assert metrics.chance(mask) == pytest.approx(8 / 40)


@pytest.mark.parametrize("levels", [3, 1000])
def test_ranking_scores_equal_sklearn_with_ties_and_signs(levels: int) -> None:
    random = np.random.default_rng(levels)
    map_ = random.integers(-levels, levels, (13, 17)) / levels
    mask = random.random((13, 17)) < 0.2
    assert metrics.average_precision(map_, mask) == pytest.approx(
        sk.average_precision_score(mask.ravel(), map_.ravel())
    )
    assert metrics.auc(map_, mask) == pytest.approx(sk.roc_auc_score(mask.ravel(), map_.ravel()))


def test_what_is_undefined_is_nan() -> None:
    map_, empty = np.ones((2, 2)), np.zeros((2, 2), bool)
    assert math.isnan(metrics.average_precision(map_, empty))
    assert math.isnan(metrics.map_scores(map_, empty)["iou_best"])
    assert math.isnan(metrics.iou(empty, empty))
    assert math.isnan(metrics.pointing(map_, empty))
    assert math.isnan(metrics.auc(map_, empty))
    assert math.isnan(metrics.entropy(np.zeros((2, 2))))


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="equal, non-empty shapes"):
        metrics.average_precision(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="not finite"):
        metrics.average_precision(np.array([[1.0, np.nan]]), np.array([[1, 0]]))


def test_iou_at_a_share_of_the_maximum() -> None:
    map_, mask = np.array([[10.0, 4.0, 3.9, 0.0]]), np.array([[True, True, True, False]])
    assert metrics.iou_at(map_, mask, 0.4) == pytest.approx(2 / 3)
    assert metrics.iou_at(-map_, mask, 0.4) == 0.0  # nothing positive: nothing predicted
    assert metrics.iou_at(np.zeros((1, 4)), mask, 0.4) == 0.0


def test_map_scores_equal_the_single_functions_and_the_best_of_all_thresholds() -> None:
    random = np.random.default_rng(2)
    mask = random.random((8, 8)) < 0.3
    map_ = random.integers(0, 30, (8, 8)) / 30 + mask / 2
    assert metrics.map_scores(map_, mask, 0.7) == {
        "ap": metrics.average_precision(map_, mask),
        "iou": metrics.iou_at(map_, mask, 0.7),
        "iou_best": max(metrics.iou(map_ >= level, mask) for level in np.unique(map_)),
        "entropy": metrics.entropy(map_),
    }


def test_a_floor_leaves_the_ranking_and_raises_the_entropy() -> None:
    map_ = np.exp(-(np.linspace(-3, 3, 20) ** 2))[None, :] * np.ones((4, 1))
    mask = map_ > 0.5
    floored = map_ + 1.0
    assert metrics.average_precision(floored, mask) == metrics.average_precision(map_, mask) == 1.0
    assert metrics.map_scores(floored, mask)["iou_best"] == 1.0
    assert metrics.iou_at(floored, mask, 0.4) < metrics.iou_at(map_, mask, 0.4)
    assert metrics.entropy(floored) > metrics.entropy(map_)


def test_pointing_shares_ties() -> None:
    mask = stripe(10)
    mask[:, 2:] = False  # a fifth of the image
    peak = np.zeros((4, 10))
    peak[1, 1] = 1
    assert metrics.pointing(peak, mask) == 1.0
    assert metrics.pointing(peak[:, ::-1], mask) == 0.0
    assert metrics.pointing(np.ones((4, 10)), mask) == pytest.approx(0.2)


def test_entropy_of_one_pixel_two_pixels_and_uniform() -> None:
    assert metrics.entropy(np.array([[0.0, 5.0, -3.0, 0.0]])) == 0.0
    assert metrics.entropy(np.array([[1.0, 1.0, 0.0, 0.0]])) == pytest.approx(0.5)
    assert metrics.entropy(np.full((3, 3), 0.2)) == pytest.approx(1.0)
    assert metrics.entropy(np.ones((1, 1))) == 0.0


def test_centre_prior_peaks_at_the_centre_and_is_symmetric() -> None:
    prior = metrics.centre_prior(5, 9)
    assert prior.shape == (5, 9)
    assert prior[2, 4] == prior.max() == 1.0
    assert np.array_equal(prior, prior[::-1, ::-1])
    assert prior[2, 8] == pytest.approx(np.exp(-((4 / 9) ** 2) / (2 * 0.0625)))


def test_auc_of_three_scores_by_hand() -> None:
    assert metrics.auc([0.9, 0.5, 0.5], [True, True, False]) == pytest.approx(0.75)  # one win, one tie


def test_confusion_and_miou_by_hand() -> None:
    target = np.array([[0, 0, 0, 1], [1, 1, 1, 255]])
    prediction = np.array([[0, 0, 1, 1], [1, 1, 2, 2]])
    matrix = metrics.confusion(prediction, target, 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 3, 1], [0, 0, 0]]
    assert metrics.class_ious(matrix)[:2] == pytest.approx([2 / 3, 3 / 5])
    assert math.isnan(metrics.class_ious(matrix)[2])  # predicted, but without ground truth
    assert metrics.miou(matrix) == pytest.approx((2 / 3 + 3 / 5) / 2)
    assert metrics.pixel_accuracy(matrix) == pytest.approx(5 / 7)
    with pytest.raises(ValueError, match="from 0 to 2"):
        metrics.confusion(prediction, target, 2)


def test_metrics_without_ground_truth_are_nan() -> None:
    matrix = np.zeros((3, 3), np.int64)
    assert math.isnan(metrics.miou(matrix))
    assert math.isnan(metrics.pixel_accuracy(matrix))


def test_hungarian_miou_of_split_and_merged_regions() -> None:
    target = np.repeat([0, 1, 2], 6)[None, :]
    split = np.repeat(np.arange(9), 2)[None, :]
    merged = np.repeat([0, 0, 5], 6)[None, :]
    assert metrics.hungarian_miou(target[:, ::-1], target) == 1.0  # names do not matter
    assert metrics.hungarian_miou(split, target) == pytest.approx(1 / 3)
    assert metrics.hungarian_miou(merged, target) == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert metrics.match_clusters(merged, target)[5] == 2


def test_hungarian_matching_is_the_best_of_all_assignments() -> None:
    # Greedy takes 0 -> 0 (IoU 4/9) and leaves cluster 1 nothing; the optimum swaps them.
    labels = np.array([[0] * 7 + [1] * 3])
    target = np.array([[0] * 4 + [1] * 3 + [0] * 3])
    # IoU: (0,0) 4/10, (0,1) 3/7, (1,0) 3/7, (1,1) 0/6.
    assert metrics.match_clusters(labels, target) == {0: 1, 1: 0}
    assert metrics.hungarian_miou(labels, target) == pytest.approx(3 / 7)


def test_clusterings_ignore_negative_targets() -> None:
    target = np.array([[0, 0, 1, 1, -1, -1]])
    labels = np.array([[3, 3, 4, 4, 3, 4]])
    assert metrics.hungarian_miou(labels, target) == 1.0
    assert metrics.adjusted_rand_index(labels, target) == 1.0
    with pytest.raises(ValueError, match="No pixel"):
        metrics.hungarian_miou(labels, np.full((1, 6), -1))


@pytest.mark.parametrize("seed", range(4))
def test_clustering_scores_equal_sklearn(seed: int) -> None:
    random = np.random.default_rng(seed)
    target = random.integers(0, 4, (9, 11))
    labels = np.where(random.random((9, 11)) < 0.6, target * 2, random.integers(0, 9, (9, 11)))
    flat = target.ravel(), labels.ravel()
    assert metrics.adjusted_rand_index(labels, target) == pytest.approx(sk.adjusted_rand_score(*flat))
    expected = sk.homogeneity_completeness_v_measure(*flat)[:2]
    assert metrics.homogeneity_completeness(labels, target) == pytest.approx(expected)


def test_clustering_scores_at_the_edges() -> None:
    one, many = np.zeros((2, 3), int), np.arange(6).reshape(2, 3)
    assert metrics.adjusted_rand_index(one, one) == metrics.adjusted_rand_index(many, many) == 1.0
    assert metrics.adjusted_rand_index(one, many) == 0.0
    assert metrics.homogeneity_completeness(one, many) == (0.0, 1.0)
    assert metrics.homogeneity_completeness(many, one) == (1.0, 0.0)


def test_summary_leaves_out_what_is_undefined() -> None:
    summary = metrics.summarise([1.0, 3.0, math.nan])
    assert summary == {
        "mean": 2.0,
        "std": pytest.approx(math.sqrt(2)),
        "ci95": pytest.approx(1.96),
        "count": 2,
    }
    assert metrics.summarise([]) == {"mean": None, "std": None, "ci95": None, "count": 0}
    assert metrics.summarise([4.0])["std"] is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_no_numbers_has_no_score(value):
    map_, mask = np.ones((4, 4)), np.eye(4, dtype=bool)
    map_[0, 0] = value
    for measure in (
        metrics.average_precision,
        metrics.map_scores,
        metrics.pointing,
        lambda map_, mask: metrics.iou_at(map_, mask, 0.4),
        lambda map_, mask: metrics.entropy(map_),
        lambda map_, mask: metrics.auc(map_, mask),
    ):
        with pytest.raises(NotFiniteError, match="not finite"):
            measure(map_, mask)


def test_an_even_map_has_entropy_one_and_no_more():
    for side in range(2, 40):
        assert metrics.entropy(np.full((side, side), 0.1, np.float32)) <= 1


def test_labels_are_whole_numbers():
    with pytest.raises(ValueError, match="Labels are float64; give whole numbers"):
        metrics.confusion(np.array([0.7]), np.array([0]), 2)
    with pytest.raises(ValueError, match="Labels are float64"):
        metrics.confusion(np.array([0]), np.array([0.5]), 2)


def test_what_is_infinite_is_no_mean():
    with pytest.raises(NotFiniteError):
        metrics.summarise([1.0, math.inf])
    assert metrics.summarise([1.0, math.nan])["count"] == 1
