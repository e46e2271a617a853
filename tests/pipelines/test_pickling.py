"""Requests, progress and results survive the way to another process and back, as on a ZeroGPU host."""

import pickle
from typing import Any

import numpy as np
import pytest

from inspector.pipelines import attention, clusters, saliency, segmentation
from inspector.results import AttentionRequest, ClustersRequest, SaliencyRequest, SegmentationRequest
from inspector.views.archive import ENTRY, take_apart
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
MASKS = {"car": np.arange(96) < np.full((64, 1), 48)}
RUNS = {
    "saliency": (saliency, SaliencyRequest(IMAGE, "car, trees/palms", masks=MASKS, scene=1)),
    "attention": (attention, AttentionRequest("a car on the grass", steps=2, size=64, heads=True)),
    "clusters": (clusters, ClustersRequest(IMAGE, k=3, masks=MASKS)),
    "segmentation": (segmentation, SegmentationRequest(IMAGE, "car, sky", masks=MASKS, method="attention")),
}


def assert_the_same(one: Any, other: Any) -> None:
    """Every array with its type, and all else as text."""
    assert type(one) is type(other)
    first, second = take_apart(one), take_apart(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    assert str(first[ENTRY]) == str(second[ENTRY])


@pytest.mark.parametrize("tab", RUNS)
def test_everything_a_run_takes_and_gives_comes_back_equal(tab: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, request = RUNS[tab]
    for name, toy in (("load_clip", ToyClip), ("load_diffusion", ToyDiffusion)):
        monkeypatch.setattr(module, name, lambda *_, toy=toy: toy(), raising=False)
    assert_the_same(pickle.loads(pickle.dumps(request)), request)
    items = list(module.stream(request))
    assert len(items) > 2
    for item in items:
        assert_the_same(pickle.loads(pickle.dumps(item)), item)
    assert_the_same(pickle.loads(pickle.dumps(items[-1])).request, request)
