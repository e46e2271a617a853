"""Peaks of memory at the largest pictures and class lists that a visitor may choose, and blocks that change nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from torch.nn import functional as F

from inspector.analysis import clusters, memory
from inspector.analysis.dense_clip import VARIANTS, dense_scores
from inspector.analysis.saliency import gradcam
from inspector.bench.memory import peak_of_arrays, peak_of_tensors
from inspector.models import catalog, load_clip
from inspector.models.clip_adapter import OpenClipAdapter
from inspector.settings import settings
from tests.toy_clip import ToyClip

LARGEST = settings().limits.work_side
MOST = settings().limits.max_classes


def photo(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)


def unit(count: int, width: int) -> torch.Tensor:
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(0)), dim=-1)


def full_size() -> OpenClipAdapter:
    """ViT-B/16 with random weights."""
    torch.manual_seed(0)
    model = open_clip.CLIP(**open_clip.get_model_config("ViT-B-16"))
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return OpenClipAdapter(catalog.spec("laion-vit-b-16"), model, None, statistics, "")


def peak_of_gradcam(model: Any, side: int, pooling: str) -> int:
    """Bytes beyond what is there with the trunk's tokens, for as many classes as a request may have."""
    width = len(gradcam(model, model.trunk(model.pixels(photo(64), 64)), *small_texts(model), pooling).scores)
    assert width == 2
    trunk = model.trunk(model.pixels(photo(side), side))
    text, background = unit(MOST, small_texts(model)[0].shape[1]), small_texts(model)[1]
    return peak_of_tensors(lambda: gradcam(model, trunk, text, background, pooling))


def small_texts(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    width = model.visual.proj.shape[1] if isinstance(model, ToyClip) else model.model.visual.proj.shape[1]
    return unit(2, width), unit(25, width)


@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_grad_cam_of_many_classes_and_patches_stays_within_its_budget(pooling: str) -> None:
    """4,096 patches, as many as 1,024 px have: the attention of one class alone would take 134 MB twice."""
    assert peak_of_gradcam(ToyClip(dtype=torch.float32), 512, pooling) < memory.BUDGET / 2


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["class", "mean"])
@pytest.mark.parametrize(("make", "side"), [(load_clip, LARGEST), (full_size, 448)])
def test_and_on_the_models_themselves(make: Callable[[], Any], side: int, pooling: str) -> None:
    assert peak_of_gradcam(make(), side, pooling) < memory.BUDGET


@pytest.mark.slow
def test_the_image_tower_and_the_dense_variants_stay_within_it_too() -> None:
    model = full_size()
    pixels = model.pixels(photo(LARGEST), LARGEST)
    assert peak_of_tensors(lambda: model.trunk(pixels)) < memory.BUDGET
    trunk, text = model.trunk(pixels), unit(MOST, 512)
    peaks = {name: peak_of_tensors(lambda name=name: dense_scores(model, trunk, text, name)) for name in VARIANTS}
    assert max(peaks.values()) < memory.BUDGET, peaks


@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_at_a_time_give_what_all_give(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ToyClip(registers=2)
    trunk, text = model.trunk(model.pixels(photo(64))), unit(3, 12).double()
    together = dense_scores(model, trunk, text, variant)
    monkeypatch.setattr(memory, "BUDGET", 1)
    torch.testing.assert_close(dense_scores(model, trunk, text, variant), together, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("metric", clusters.METRICS)
def test_restarts_at_a_time_give_what_all_give(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.randn(300, 5, generator=torch.Generator().manual_seed(0))
    labels, inertia = clusters.kmeans(points, 6, seed=3, restarts=7, metric=metric)
    monkeypatch.setattr(memory, "BUDGET", 3 * clusters.DISTANCES * 6 * 300 * 4)  # three restarts, three, one
    again, same = clusters.kmeans(points, 6, seed=3, restarts=7, metric=metric)
    assert torch.equal(labels, again)
    torch.testing.assert_close(inertia, same)


def test_many_restarts_on_the_grid_of_a_larger_model() -> None:
    """96 x 96 positions, as a model of 768 px has."""
    points = torch.randn(96 * 96, 8, generator=torch.Generator().manual_seed(0))
    clusters.kmeans(points[:64], 2)
    limits = settings().limits
    ended = clusters.ITERATIONS
    clusters.ITERATIONS = 1
    try:
        assert peak_of_tensors(lambda: clusters.kmeans(points, limits.max_k, restarts=50)) < memory.BUDGET
    finally:
        clusters.ITERATIONS = ended


def test_blocks_cover_all_once_and_something_always_fits() -> None:
    assert [(part.start, part.stop) for part in memory.blocks(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert list(memory.blocks(0, 3)) == []
    assert [memory.fitting(10, each, 100) for each in (1, 10, 30, 1000, 0)] == [10, 10, 3, 1, 10]


def test_a_peak_is_what_was_there_at_once() -> None:
    def work() -> None:
        for _ in range(5):
            torch.empty(1_000_000)  # let go of before the next one

    assert 4_000_000 <= peak_of_tensors(work) < 5_000_000
    assert 1_000_000 <= peak_of_arrays(lambda: [np.zeros(1_000_000, np.uint8).sum() for _ in range(5)]) < 2_000_000
