"""The normalised cut against all cuts, scikit-learn's eigenvectors and cliques; regions of features."""

from itertools import combinations

import numpy as np
import pytest
import torch

from inspector.analysis import diffcut


def normalised_cut(weights: np.ndarray, side: list[int]) -> float:
    """Shi and Malik, equation 2."""
    inside = np.zeros(len(weights), bool)
    inside[side] = True
    cut = weights[inside][:, ~inside].sum()
    return cut / weights[inside].sum() + cut / weights[~inside].sum()


def cliques(sizes: tuple[int, ...], between: float) -> np.ndarray:
    """Weight 1 inside a clique, `between` across."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return np.where(owner[:, None] == owner, 1.0, between)


def test_two_cliques_are_cut_apart_and_the_value_is_theirs():
    side, value = diffcut.best_cut(cliques((3, 5), 0.01))
    assert sorted((side.sum(), (~side).sum())) == [3, 5]
    assert len(set(side[:3])) == 1
    # cut = 3 * 5 * .01; assoc = 9 + .15 and 25 + .15
    assert value == pytest.approx(0.15 / 9.15 + 0.15 / 25.15)


@pytest.mark.parametrize("seed", range(3))
def test_no_cut_is_less_where_two_groups_show(seed):
    noise = np.random.default_rng(seed).uniform(0, 0.15, (8, 8))
    weights = cliques((3, 5), 0.1) + noise + noise.T
    _, value = diffcut.best_cut(weights)
    sides = (list(side) for size in range(1, 8) for side in combinations(range(8), size))
    assert value == pytest.approx(min(normalised_cut(weights, side) for side in sides))


def test_the_cut_value_is_the_side_s_own():
    weights = np.random.default_rng(0).uniform(0, 1, (12, 12))
    weights += weights.T
    side, value = diffcut.best_cut(weights)
    assert value == pytest.approx(normalised_cut(weights, list(np.flatnonzero(side))))


def test_cuts_agree_with_scikit_learn_s():
    cluster = pytest.importorskip("sklearn.cluster")
    weights = cliques((6, 9), 0.05)
    side, _ = diffcut.best_cut(weights)
    other = cluster.SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(weights).astype(bool)
    assert np.array_equal(side, other) or np.array_equal(side, ~other)


@pytest.mark.parametrize(("between", "count"), [(0.01, 3), (0.9, 1)])
def test_cutting_goes_on_until_no_cut_is_below_tau(between, count):
    labels = diffcut.recursive_cut(cliques((4, 5, 6), between))
    assert sorted(np.unique(labels)) == list(range(count))
    if count == 3:
        assert [len(set(labels[place])) for place in (slice(0, 4), slice(4, 9), slice(9, 15))] == [1, 1, 1]


def test_affinity_is_stretched_and_sharpened():
    features = torch.tensor([[[1.0, 0.0, 1.0]], [[0.0, 1.0, 1.0]]])  # cosines 1, 0 and sqrt(1/2)
    found = diffcut.affinity(features, alpha=10)
    np.testing.assert_allclose(found[0], [1, 0, 0.5**5], atol=1e-6)


def test_regions_of_two_kinds_of_features():
    features = torch.zeros(2, 4, 6)
    features[0, :, :3], features[1, :, 3:] = 1, 2  # lengths do not matter
    labels = diffcut.regions(features, (8, 12))
    assert labels.dtype == np.int32
    assert (labels[:, :6] == labels[0, 0]).all()
    assert (labels[:, 6:] == 1 - labels[0, 0]).all()


def test_large_grids_are_averaged_before_they_are_cut(monkeypatch):
    seen = []
    cut = diffcut.recursive_cut
    monkeypatch.setattr(diffcut, "MOST_CELLS", 10)
    monkeypatch.setattr(diffcut, "recursive_cut", lambda weights, tau: seen.append(len(weights)) or cut(weights, tau))
    features = torch.zeros(2, 6, 6)
    features[0, :, :4], features[1, :, 4:] = 1, 1
    labels = diffcut.regions(features, (12, 12))
    assert seen == [9]
    assert (labels[:, :7] == labels[0, 0]).all()
