"""The clusters pipeline on a small random model: what it returns, refuses, repeats and scores."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from inspector.analysis.clusters import Clustering, pca_colours
from inspector.analysis.features import preset_features
from inspector.errors import ChoiceError
from inspector.pipelines import clusters
from inspector.pipelines.common import fit_image
from inspector.results import ClustersRequest, ClustersResult, Progress, plain
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


@pytest.fixture(autouse=True)
def loaded(model, monkeypatch) -> None:
    monkeypatch.setattr(clusters, "load_diffusion", lambda name, report=None: model)


def picture(height: int = 100, width: int = 150) -> np.ndarray:
    """Blue above, green below, a red square in the middle, and a little noise."""
    image = np.zeros((height, width, 3), np.float32)
    image[: height // 2] = (40, 90, 220)
    image[height // 2 :] = (60, 160, 50)
    image[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = (210, 40, 40)
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def masks(height: int = 100, width: int = 150) -> dict[str, np.ndarray]:
    square = np.zeros((height, width), bool)
    square[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    upper = np.arange(height)[:, None] < height // 2
    return {"sky": upper & ~square, "grass": ~upper & ~square, "car": square}


def test_a_result_refers_to_the_image_and_not_to_its_scaled_copy():
    result = clusters.run(ClustersRequest(picture(), k=4))
    assert isinstance(result, ClustersResult)
    assert result.grid_labels.shape == (16, 24)  # latents of 128 x 192 pixels
    assert result.labels.shape == (100, 150)
    assert result.pca.shape == (100, 150, 3)
    assert set(np.unique(result.grid_labels)) <= set(range(4))
    assert result.features.dtype == np.float16
    assert result.features.shape == (64, *result.grid_labels.shape)
    assert result.agreement.shape == result.grid_labels.shape
    assert -1 <= result.stability <= 1
    assert result.inertia > 0
    assert len(result.layers) == 6
    assert set(result.baselines) == {"rgb", "xy"}
    assert result.metrics == ()
    assert result.provenance.models == {"toy-diffusion": "toy"}
    json.dumps(plain(result), allow_nan=False)


def test_similarity_of_the_reduced_features_is_that_of_the_whole_ones(model):
    request = ClustersRequest(picture(), k=3)
    result = clusters.run(request)
    whole = clusters.image_features(model, request)
    unit = torch.nn.functional.normalize(whole.flatten(1), dim=0)
    cosines = (unit.T @ unit).numpy()
    channels, _height, _width = result.features.shape
    flat = result.features.reshape(channels, -1).astype(np.float32)
    flat /= np.linalg.norm(flat, axis=0)
    assert np.abs(flat.T @ flat - cosines).max() < 5e-3  # half precision, 64 of 72 channels
    similarity = result.similarity(34, 128)  # the middle of cell (5, 20)
    assert similarity.shape == (100, 150)
    assert similarity[34, 128] == pytest.approx(1, abs=0.05)


def test_the_stages_are_told_in_order():
    *progress, result = clusters.stream(ClustersRequest(picture(), timestep=321))
    assert all(isinstance(item, Progress) for item in progress)
    assert [(item.step, item.total) for item in progress] == [(0, 100), (1, 3), (2, 3)]
    assert "321" in progress[1].message
    assert isinstance(result, ClustersResult)


def test_the_same_request_gives_the_same_result():
    request = ClustersRequest(picture(), k=5, seed=4)
    first, again = clusters.run(request), clusters.run(request)
    for name in ("grid_labels", "features", "grid_pca", "agreement"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert first.inertia == again.inertia
    other = clusters.run(ClustersRequest(picture(), k=5, seed=5))
    assert not np.array_equal(first.features, other.features)


@pytest.mark.parametrize(
    "choice", [{"prompt": "a horse"}, {"timestep": 500}, {"seed": 7}, {"preset": "B"}, {"preset": "C"}, {"timestep": 0}]
)
def test_every_choice_reaches_the_features(model, choice):
    base = ClustersRequest(picture(64, 64), k=2)
    request = replace(base, **choice)
    result = clusters.run(request)
    states = model.encode_prompts([request.prompt])
    latents = model.encode_images(fit_image(request.image, 128, 64)[None])
    expected = preset_features(model, latents, states, [request.timestep], request.seed, request.preset)[0]
    assert np.array_equal(result.grid_pca, pca_colours(expected))
    assert not np.array_equal(result.features, clusters.run(base).features)


def test_more_clusters_than_positions_are_refused(model, monkeypatch):
    monkeypatch.setattr(clusters, "preset_features", lambda *_: torch.rand(1, 3, 2, 4))
    with pytest.raises(ChoiceError, match="k is 9, but the features have only 2x4 positions; use 1 to 8"):
        clusters.run(ClustersRequest(picture(), k=9))


def test_masks_bring_a_row_per_method_and_colour_solves_the_coloured_picture():
    result = clusters.run(ClustersRequest(picture(), k=3, masks=masks()))
    by_method = {row["method"]: row for row in result.metrics}
    assert list(by_method) == ["unet", "rgb", "xy"]
    for row in result.metrics:
        assert set(row) == {"method", "miou", "ari", "homogeneity", "completeness"}
        assert all(isinstance(value, (str, float)) for value in row.values())
    assert by_method["rgb"]["miou"] > 0.85
    assert by_method["xy"]["miou"] < by_method["rgb"]["miou"]


def test_rows_are_exact_where_the_answer_is_known():
    labels = np.array([[0, 0], [1, 1]], np.int32)
    one = Clustering(labels=labels, inertia=0, stability=1, agreement=np.ones((2, 2), np.float32))
    left = np.zeros((4, 4), bool)
    left[:, :2] = True
    top = left.T
    (row,) = clusters.rows({"unet": one}, {"top": top})
    assert row == {"method": "unet", "miou": 1, "ari": 1, "homogeneity": 1, "completeness": 1}
    (row,) = clusters.rows({"unet": one}, {"left": left})
    assert row["miou"] == pytest.approx(1 / 3)
    assert row["homogeneity"] == pytest.approx(0, abs=1e-9)


def test_a_part_wins_over_its_whole_whatever_the_order():
    whole, part = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    whole[1:5, 1:5] = True
    part[2, 2:4] = True
    for order in (("whole", "part"), ("part", "whole")):
        given = {name: {"whole": whole, "part": part}[name] for name in order}
        labels = clusters.label_map(given)
        assert (labels[part] == 1 + order.index("part")).all()
        assert (labels[whole & ~part] == 1 + order.index("whole")).all()
        assert (labels[~whole] == 0).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((256, 256), (256, 256)),
        ((64, 64), (256, 256)),
        ((300, 400), (192, 256)),
        ((100, 150), (192, 320)),
        ((1000, 63), (1024, 64)),
    ],
)
def test_images_are_scaled_to_a_size_the_model_takes(shape, expected):
    """300 x 400 at the area of 256 x 256 is 222 x 296: 192 x 256 keeps its shape, 256 x 320 and 192 x 320 do not."""
    image = np.full((*shape, 3), 77, np.uint8)
    fitted = fit_image(image, 256, 64)
    assert fitted.shape == (*expected, 3)
    assert (fitted == 77).all()
