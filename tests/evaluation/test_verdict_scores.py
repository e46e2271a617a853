"""What a pass scores: against masks, against generation, and how coarse its maps are, by hand."""

import math

import numpy as np
import pytest
import torch

from inspector import world
from inspector.analysis.attention import MEAN, average_layers
from inspector.evaluation import verdict_coarse, verdict_generated, verdict_given, verdict_words
from inspector.evaluation.verdict_columns import Columns
from inspector.evaluation.verdict_passes import Pass
from inspector.results import GENERATION
from tests.toys import ToyDiffusion

LEFT = np.broadcast_to(np.arange(4) < 2, (4, 4)).copy()


def test_scores_against_a_mask_by_hand() -> None:
    layers = {"mean": LEFT + 0.1, "resolution 4": ~LEFT + 0.0}
    found = verdict_given.word_scores(layers, ["resolution 4", "mean"], LEFT)
    assert verdict_given.METRICS == ("ap", "iou", "iou_best", "entropy")
    assert found[0] == pytest.approx([0.5, 0, 0.5, math.log(8) / math.log(16)])
    assert found[1][:3] == pytest.approx([1, 1, 1])


def test_maps_are_enlarged_to_the_mask_and_never_the_mask_to_them() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:, :4] = True
    coarse = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert verdict_given.word_scores({"mean": coarse}, ["mean"], mask)[0][0] == pytest.approx(1)
    assert verdict_given.against(mask)(coarse) == pytest.approx(1)


def test_agreement_with_generation_by_hand() -> None:
    matched, last = np.array([[0.0, 1.5], [1.5, 3.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    own = np.array([[1.0, 1.0], [5.0, 7.0]])
    found = dict(zip(verdict_generated.METRICS, verdict_generated.word_agreement(own, matched, last), strict=True))
    assert found["correlation"] == pytest.approx(np.corrcoef(own.ravel(), matched.ravel())[0, 1])
    assert found["correlation_last"] == pytest.approx(np.corrcoef(own.ravel(), last.ravel())[0, 1])
    assert found["agreement"] == pytest.approx(2 / 3)  # 5 and 7 are above 2.8; 1.5, 1.5 and 3 above 1.2
    assert found["entropy"] != found["entropy_generation"]
    assert found["entropy_generation"] == pytest.approx(
        -sum(share * math.log(share, 4) for share in (1 / 4, 1 / 4, 1 / 2))
    )


def test_clusters_of_a_scenes_own_labels_match_them() -> None:
    labels = np.array([[0, 1], [0, 2]], np.uint8).repeat(16, 0).repeat(16, 1)
    features = torch.eye(3)[torch.from_numpy(labels[::4, ::4].astype(np.int64))].permute(2, 0, 1)
    assert verdict_given.cluster_miou(features, labels) == pytest.approx(1)
    assert verdict_given.cluster_miou(torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0)), labels) < 0.6


def test_labels_of_equal_features_are_equal() -> None:
    features = torch.randn(80, 8, 8, generator=torch.Generator().manual_seed(0))
    first, second = (verdict_generated.feature_labels(item) for item in (features, features.clone()))
    assert first.shape == (64,)
    assert np.array_equal(first, second)


def test_a_word_takes_its_own_picture_and_tokens() -> None:
    maps = {"layer": np.arange(6.0).reshape(2, 3, 1, 1) * np.ones((1, 1, 4, 4))}
    found = verdict_words.word_layers(maps, verdict_words.Word(1, "sea", (1, 2)))
    assert (found["layer"] == 4.5).all()
    assert (found[MEAN] == 4.5).all()


def test_labels_are_those_of_the_maps() -> None:
    model = ToyDiffusion()
    averages, every, layers = verdict_words.labels_of(model)
    assert averages == (MEAN, "resolution 16", "resolution 8", "resolution 4", "resolution 2")
    assert set(every) == {*averages, *layers}
    assert len(layers) == 16


def test_words_of_captions_that_the_model_reads() -> None:
    scenes = [world.scene(500_000 + number, world.MIN_SIZE) for number in range(6)]
    words, positions = verdict_words.words_of(ToyDiffusion(), scenes)
    assert words
    for word in words:
        assert word.name in {name for *_, name in scenes[word.picture].spans}
        assert max(word.positions) < len(positions) <= 16


def test_coarse_to_fine_by_hand() -> None:
    """Of two layers and two steps, which are a wave of one and of two cycles a picture."""
    columns = np.arange(8) / 8
    wave = [1 + np.broadcast_to(np.cos(2 * np.pi * cycles * columns), (8, 8)) for cycles in (1, 2)]
    target, flat = wave[1], np.ones((4, 4))
    found = None
    for timestep, fine in ((501, wave[0]), (1, wave[1])):
        layers = average_layers({"coarse layer": flat, "fine layer": fine})
        found = found or Columns(tuple(layers), verdict_coarse.METRICS)
        found.sampled(["sea"], [3]) if timestep == 501 else None
        scores = [verdict_coarse.measured(layers, verdict_generated.like(target))]
        found.add(Pass(GENERATION, timestep, None, {}, torch.empty(0)), scores)
    first, last = verdict_coarse.rows(found, ("coarse layer", "fine layer"), "correlation")
    assert (first["timestep"], last["timestep"]) == (501, 1)
    assert first["correlation"]["mean"] == pytest.approx(0, abs=1e-6)
    assert last["correlation"]["mean"] == pytest.approx(1)
    assert (first["centroid"]["mean"], last["centroid"]["mean"]) == pytest.approx((1, 2))
    assert last["shares"]["resolution 8"]["mean"] == pytest.approx(1)
    assert last["shares"]["resolution 4"]["mean"] == pytest.approx(0)
    assert last["best"] == "fine layer"
    assert last["layers"]["coarse layer"] is None
    assert last["sizes"]["resolution 8"]["mean"] == pytest.approx(1)


def test_the_best_layer_has_the_highest_score() -> None:
    found = Columns(("low", "high", "resolution 8", MEAN), verdict_coarse.METRICS)
    found.sampled(["sea"], [3])
    scores = [[[0.2, 1, 0.1], [0.7, 1, 0.1], [0.5, 1, 0.1], [0.9, 1, 0.1]]]
    found.add(Pass(GENERATION, 1, None, {}, torch.empty(0)), scores)
    (row,) = verdict_coarse.rows(found, ("low", "high"), "ap")
    assert row["best"] == "high"
    assert row["layers"] == {"low": 0.2, "high": 0.7}
    assert row["ap"]["mean"] == 0.9
    assert row["shares"]["resolution 8"]["mean"] == 1
