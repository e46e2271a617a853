"""k-means, its stability and order, and principal components, on grids whose answer is known."""

from itertools import product

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from inspector.analysis import clusters
from inspector.errors import ChoiceError, NotFiniteError


def blobs(sizes: tuple[int, ...] = (40, 30, 20, 10), channels: int = 5) -> tuple[torch.Tensor, np.ndarray]:
    """Points around far apart centres, and their blob's number."""
    generator = torch.Generator().manual_seed(3)
    centres = 10 * torch.randn(len(sizes), channels, generator=generator)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return centres[truth] + 0.1 * torch.randn(len(truth), channels, generator=generator), truth


def stripes(height: int = 8, width: int = 6) -> torch.Tensor:
    """A (2, h, w) grid: the upper half points one way, the lower half the other, nearly."""
    grid = torch.zeros(2, height, width)
    grid[0, : height // 2] = 1
    grid[1, height // 2 :] = 1
    return grid + 0.01 * torch.rand(2, height, width, generator=torch.Generator().manual_seed(0))


def test_kmeans_finds_the_best_of_all_partitions_of_six_points():
    points = torch.tensor([[0.0], [1.0], [4.0], [5.0], [10.0], [12.0]])
    labels, inertia = clusters.kmeans(points, 3, restarts=8, metric="euclid")

    def cost(assignment):
        groups = [points[torch.tensor(assignment) == label] for label in range(3)]
        return sum(float((group - group.mean()).square().sum()) for group in groups if len(group))

    best = min(cost(assignment) for assignment in product(range(3), repeat=6))  # 0.5 + 0.5 + 2
    assert best == pytest.approx(3.0)
    assert float(inertia.min()) == pytest.approx(best, rel=1e-4)
    assert cost(labels[inertia.argmin()].tolist()) == pytest.approx(best)


def test_kmeans_is_as_good_as_sklearn():
    points = torch.rand(300, 6, generator=torch.Generator().manual_seed(1))
    _, inertia = clusters.kmeans(points, 5, restarts=20, metric="euclid")
    reference = KMeans(5, n_init=20, random_state=0).fit(points.numpy()).inertia_
    assert float(inertia.min()) < 1.01 * reference


@pytest.mark.parametrize("metric", clusters.METRICS)
def test_every_restart_ends_where_no_point_has_a_nearer_centre(metric):
    points = torch.randn(200, 4, generator=torch.Generator().manual_seed(2)) + 3  # far off the origin
    labels, inertia = clusters.kmeans(points, 4, restarts=3, metric=metric)
    if metric == "cosine":
        points = torch.nn.functional.normalize(points, dim=-1)
    for run in range(3):
        centres = torch.stack([points[labels[run] == label].mean(0) for label in range(4)])
        if metric == "cosine":
            centres = torch.nn.functional.normalize(centres, dim=-1)
        squares = torch.cdist(points, centres).square()
        assert torch.equal(squares.argmin(-1), labels[run])
        assert float(squares.amin(-1).sum()) == pytest.approx(float(inertia[run]), rel=1e-4)


def test_cosine_sees_direction_and_euclid_sees_length():
    angle = torch.tensor([0.0, 0.05, 1.5, 1.55])
    points = torch.stack([angle.cos(), angle.sin()], dim=1) * torch.tensor([1.0, 9.0, 1.0, 9.0])[:, None]
    by_angle, _ = clusters.kmeans(points, 2, metric="cosine")
    assert all(run[0] == run[1] != run[2] == run[3] for run in by_angle.tolist())
    _, inertia = clusters.kmeans(points, 2, restarts=10, metric="euclid")
    lengths = (points[[0, 2]] - points[[0, 2]].mean(0)).square().sum() + (points[[1, 3]].var(0).sum())
    assert float(inertia.min()) <= float(lengths) + 1e-3


def test_seeds_of_kmeans_plus_plus_hit_every_far_blob():
    points, truth = blobs()
    draws = torch.rand(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    centroids = clusters._seeds(points, draws)
    nearest = torch.cdist(centroids, points[None].expand(30, -1, -1)).argmin(-1)
    assert all(len(set(truth[run])) == 4 for run in nearest.numpy())  # uniform seeds would miss about nine in ten


def test_an_emptied_cluster_moves_to_the_point_worst_served():
    points = torch.tensor([[0.0], [1.0], [9.0]])
    centroids = torch.zeros(1, 2, 1)
    means = clusters._update(points, centroids, torch.zeros(1, 3, dtype=torch.long))
    assert means[0, :, 0].tolist() == pytest.approx([10 / 3, 9.0])


def test_a_flat_grid_gives_one_cluster_and_no_fault():
    found = clusters.cluster(torch.ones(3, 4, 4), k=5)
    assert set(found.labels.ravel()) == {0}
    assert found.inertia == pytest.approx(0, abs=1e-4)
    assert found.stability == pytest.approx(1)


@pytest.mark.parametrize("k", [0, 13])
def test_more_clusters_than_positions_are_refused_in_a_sentence(k):
    with pytest.raises(ChoiceError, match=rf"k is {k}.* 12"):
        clusters.kmeans(torch.rand(12, 2), k)
    if k:
        with pytest.raises(ChoiceError, match="3x4 positions; use 1 to 12"):
            clusters.cluster(torch.rand(2, 3, 4), k)


def test_the_same_seed_gives_the_same_clusters_and_global_randomness_is_untouched():
    grid = torch.rand(6, 9, 7, generator=torch.Generator().manual_seed(5))
    before = torch.random.get_rng_state()
    first, again, other = (clusters.cluster(grid, 5, seed=seed) for seed in (1, 1, 2))
    colours = clusters.pca_colours(grid)
    assert np.array_equal(first.labels, again.labels)
    assert first.inertia == again.inertia
    assert not np.array_equal(first.labels, other.labels)
    assert np.array_equal(colours, clusters.pca_colours(grid))
    assert torch.equal(before, torch.random.get_rng_state())


def test_stability_and_agreement_are_one_when_the_answer_is_plain_and_fall_on_noise():
    plain = clusters.cluster(stripes(), 2)
    noise = clusters.cluster(torch.randn(8, 16, 16, generator=torch.Generator().manual_seed(0)), 8)
    assert plain.stability == 1
    assert plain.agreement.min() == 1
    assert noise.stability < 0.5
    assert 1 / 5 <= noise.agreement.min() < noise.agreement.max()
    assert noise.agreement.dtype == np.float32
    assert noise.agreement.shape == (16, 16)


def test_the_best_restart_is_kept():
    grid = torch.randn(8, 12, 12, generator=torch.Generator().manual_seed(0))
    _, inertia = clusters.kmeans(grid.flatten(1).T, 6, seed=3, restarts=6)
    assert inertia.min() < inertia.max()
    assert clusters.cluster(grid, 6, seed=3, restarts=6).inertia == pytest.approx(float(inertia.min()))


def test_a_common_offset_changes_nothing():
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(6))
    near, _ = clusters.kmeans(points, 4, metric="euclid")
    far, inertia = clusters.kmeans(points + 4096, 4, metric="euclid")
    assert (near == far).float().mean() > 0.99
    assert float(inertia.min()) < 100


def test_clusters_are_numbered_from_the_top():
    for seed in range(4):
        labels = clusters.cluster(stripes(), 2, seed=seed).labels
        assert labels.dtype == np.int32
        assert (labels[:4] == 0).all()
        assert (labels[4:] == 1).all()


def test_order_falls_back_to_the_column_and_leaves_no_gaps():
    labels = np.array([[7, 7, 2], [7, 7, 2]])
    assert clusters.top_to_bottom(labels).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_matching_undoes_a_renaming_and_keeps_strangers_apart():
    reference = np.array([0, 0, 0, 1, 1, 2])
    assert clusters.match_labels(np.array([5, 5, 5, 0, 0, 3]), reference).tolist() == reference.tolist()
    split = clusters.match_labels(np.array([4, 4, 1, 2, 2, 0]), reference)
    assert split[[0, 1, 3, 4, 5]].tolist() == [0, 0, 1, 1, 2]
    assert split[2] not in reference


def test_reduced_features_keep_their_cosines():
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(300, 40, generator=generator) @ torch.randn(40, 90, generator=generator) + 2
    grid = (mixed + 0.01 * torch.randn(300, 90, generator=generator)).reshape(300, 9, 10)
    small = clusters.reduce_channels(grid, 48)
    assert small.shape == (48, 9, 10)

    def cosines(features):
        unit = torch.nn.functional.normalize(features.flatten(1), dim=0)
        return unit.T @ unit

    assert torch.allclose(cosines(small), cosines(grid), atol=1e-3)
    assert torch.equal(clusters.reduce_channels(grid[:7], 48), grid[:7])


def test_axes_are_the_singular_vectors_with_the_largest_loading_positive():
    points = torch.randn(60, 12, generator=torch.Generator().manual_seed(4)) * torch.arange(1, 13)
    axes = clusters.principal_axes(points, 3)
    exact = torch.linalg.svd(points, full_matrices=False).Vh[:3].T
    assert torch.allclose((axes * exact).sum(0).abs(), torch.ones(3), atol=1e-4)
    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_pca_colours_follow_the_first_component_and_grey_marks_no_variance():
    ramp = torch.linspace(-1, 1, 200).reshape(1, 10, 20)
    colours = clusters.pca_colours(torch.cat([ramp, 0 * ramp, 0 * ramp + 5]))  # what all share is no component
    red = colours[..., 0].astype(int).ravel()
    assert colours.shape == (10, 20, 3)
    assert colours.dtype == np.uint8
    assert red[0] == 0
    assert red[-1] == 255
    assert (np.diff(red) >= 0).all()
    assert set(colours[..., 1:].ravel()) == {128}


def test_an_outlier_does_not_take_the_colours_range():
    grid = torch.linspace(0, 1, 400).reshape(1, 20, 20).clone()
    grid[0, 0, 0] = 1000
    red = clusters.pca_colours(grid)[..., 0]
    assert red.ravel()[1:].std() > 60


def test_baselines_cluster_colour_and_place_at_the_grid():
    image = np.zeros((40, 80, 3), np.uint8)
    image[::8, :, 0] = 255
    image[:, 40:] = (0, 0, 255)
    found = clusters.baselines(image, (5, 10), 2)
    assert tuple(found) == clusters.BASELINES
    place = clusters.plain_features(image, (5, 10))["xy"]
    assert place[:, 0, 0].tolist() == pytest.approx([0.05, 0.05])
    assert place[:, -1, -1].tolist() == pytest.approx([0.45, 0.95])
    assert found["rgb"].labels.tolist() == [[0] * 5 + [1] * 5] * 5
    assert found["xy"].labels.tolist() == [[0] * 5 + [1] * 5] * 5  # the wide picture's longer side is cut


def test_features_that_are_no_numbers_have_no_clusters():
    features = torch.randn(4, 5, 6)
    features[1, 2, 3] = torch.nan
    with pytest.raises(NotFiniteError, match="no clusters"):
        clusters.cluster(features, 3)
