"""How long a GPU is borrowed for: longer for more of anything, within bounds, and by which numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inspector.errors import UnknownModelError
from inspector.pipelines import durations
from inspector.pipelines.durations import LEAST, MOST
from inspector.results import AttentionRequest, ClustersRequest, SaliencyRequest, SegmentationRequest

IMAGE = np.zeros((64, 96, 3), np.uint8)
FULL, CLIP = "stable-diffusion-1.5", "laion-vit-b-16"
ANIMALS = "cat, dog, horse, cow, sheep, goat, pig, hen, duck, goose, fox, deer"
BY_HEAD, HEADS = {"clip": CLIP, "diffusion": FULL, "side": 896, "classes": ANIMALS}, ("lseg", "vpd")
SMALL = {
    "attention": AttentionRequest("a horse on the grass"),
    "clusters": ClustersRequest(IMAGE),
    "saliency": SaliencyRequest(IMAGE, "car, building, windows, trees/palms"),
    "segmentation": SegmentationRequest(IMAGE, "car, sky"),
}


def seconds(tab: str, request: Any, **changes: Any) -> int:
    return getattr(durations, tab)(replace(request, **changes))


@pytest.mark.parametrize("tab", SMALL)
def test_an_embedded_model_takes_the_least(tab):
    assert seconds(tab, SMALL[tab]) == LEAST


def test_a_guided_generation_counts_every_pass():
    # 15 to start, 2.1 GB at 15 s each, 20 x 2 + 1 passes of 0.02 + 0.12 x 1.066 s: 15 + 31.5 + 6.07
    assert seconds("attention", SMALL["attention"], model=FULL) == 53


@pytest.mark.parametrize(
    ("tab", "plain", "more"),
    [
        ("attention", {"model": FULL, "guidance_scale": 1}, {"guidance_scale": 7.5}),
        ("attention", {"model": FULL}, {"steps": 40}),
        ("attention", {"model": FULL}, {"heads": True}),
        ("attention", {"model": FULL}, {"seeds": 16}),
        ("attention", {"model": FULL}, {"noise_timesteps": "every"}),
        ("attention", {"model": FULL, "steps": 5}, {"arms": "inversion"}),
        ("attention", {"model": FULL, "steps": 5, "arms": "inversion"}, {"arms": "inversion, denoised again"}),
        ("attention", {"model": FULL, "size": 512}, {"size": 768}),
        ("attention", {"model": FULL, "image": IMAGE, "steps": 100}, {"image": None}),
        ("clusters", {"model": FULL}, {"restarts": 20}),
        ("saliency", {"model": CLIP, "side": 896, "classes": ANIMALS}, {"classes": f"{ANIMALS}, car, sky"}),
        ("saliency", {"model": CLIP, "side": 896, "classes": ANIMALS}, {"side": 1024}),
        ("segmentation", {"method": "attention", "diffusion": FULL}, {"classes": "car/bus/taxi/cab/lorry/van, sky"}),
        ("segmentation", {"method": "segmenter", "clip": CLIP, "segmenter": "sam-vit-base"}, {"segmenter": "clipseg"}),
        ("segmentation", {"method": "odise", "clip": CLIP, "diffusion": FULL}, {"head": "local:odise"}),
        ("segmentation", {"clip": CLIP, "side": 896, "classes": ANIMALS}, {"side": 1024}),
    ],
)
def test_more_takes_longer(tab, plain, more):
    assert LEAST < seconds(tab, SMALL[tab], **plain) < seconds(tab, SMALL[tab], **plain | more) <= MOST


def test_a_full_size_model_takes_longer_than_an_embedded_one():
    by_attention = {"method": "attention"}
    assert seconds("segmentation", SMALL["segmentation"], **by_attention) == LEAST
    assert seconds("segmentation", SMALL["segmentation"], **by_attention, diffusion=FULL) > LEAST


def test_a_trained_head_counts_the_unet_and_the_crops_that_it_asks_about(monkeypatch):
    by = {method: seconds("segmentation", SMALL["segmentation"], **BY_HEAD, method=method) for method in HEADS}
    assert by["lseg"] < by["vpd"]
    monkeypatch.setattr(durations, "_pass", lambda model: 0.5)
    found = [seconds("segmentation", SMALL["segmentation"], method=method) for method in ("lseg", "ovseg")]
    assert found[1] - found[0] == pytest.approx(20 * 0.5, abs=1)  # a pass for each crop


def test_nothing_asks_for_more_than_a_visitor_may_have():
    longest = {"model": "stable-diffusion-1.4", "steps": 100, "size": 1024, "heads": True}
    assert seconds("attention", SMALL["attention"], **longest) == MOST


def test_an_unknown_model_is_told_before_a_gpu_is_asked_for():
    with pytest.raises(UnknownModelError, match="no model named 'sd3'"):
        seconds("clusters", SMALL["clusters"], model="sd3")
