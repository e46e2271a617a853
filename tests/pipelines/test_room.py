"""What a run takes is known before it runs, refused with its numbers where it is not free, and no more than it must."""

import numpy as np
import pytest
import torch

from inspector.analysis import memory
from inspector.bench.memory import peak_of_arrays, peak_of_tensors
from inspector.errors import ModelMemoryError
from inspector.models import load_diffusion
from inspector.pipelines import attention, clusters, diffusion_reading, room, segmentation, segmenters
from inspector.pipelines.readings import Asked, Readings
from inspector.pipelines.room import pass_bytes, run_bytes
from inspector.results import AttentionRequest, ClustersRequest, SegmentationRequest
from inspector.settings import settings
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

GB = 1e9


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ToyDiffusion:
    """A toy whose UNet cannot run."""
    toy = ToyDiffusion()
    for pipeline in (attention, clusters, segmentation):
        monkeypatch.setattr(pipeline, "load_diffusion", lambda name, report=None: toy)
    monkeypatch.setattr(toy.unet, "forward", None)
    monkeypatch.setattr(toy.vae, "encode", None)
    return toy


def picture(side: int = 64) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (side, side, 3), dtype=np.uint8)


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(room, "free_gb", lambda device: gigabytes)


def test_estimates_by_hand() -> None:
    model = ToyDiffusion()  # 4 channels in the autoencoder's first block, 8 in the UNet's, 8 px a latent pixel
    assert run_bytes(model, (256, 512)) == room.DECODING * 4 * 256 * 512 * 4
    assert pass_bytes(model, (256, 512)) == room.PASSING * 8 * 32 * 64 * 4
    assert run_bytes(model, (256, 512), batch=16) == 16 * pass_bytes(model, (256, 512))


@pytest.mark.usefixtures("model")
def test_each_pipeline_refuses_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0.1)
    told = r"about 0\.2 GB of memory at 1024 x 1024 pixels and 0\.1 GB are free on cpu; choose a smaller picture"
    with pytest.raises(ModelMemoryError, match=told):
        attention.run(AttentionRequest("a horse", size=1024, steps=1))
    with pytest.raises(ModelMemoryError, match=told):
        segmentation.run(SegmentationRequest(picture(), "car", method="attention", side=1024))
    free(monkeypatch, 0.001)
    with pytest.raises(ModelMemoryError, match=r"128 x 128 pixels and 0\.0 GB are free"):
        clusters.run(ClustersRequest(picture()))


@pytest.mark.usefixtures("model")
def test_the_maps_of_many_steps_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0.2)  # enough for the autoencoder: 10 arrays of 4 channels at 1,024 px are 0.17 GB
    request = AttentionRequest("a horse", size=1024, steps=100)  # 107,776 places, 5 tokens, 102 calls, 2 bytes: 0.11 GB
    with pytest.raises(ModelMemoryError, match=r"about 0\.3 GB"):
        attention.run(request)


@pytest.mark.parametrize(
    ("device", "asked"), [("cpu", {"cpu": 12.0}), ("meta", {"cpu": 12.0, "meta": 12.0})], ids=["one", "two"]
)
def test_the_maps_lie_in_the_machine_s_memory(
    monkeypatch: pytest.MonkeyPatch, device: str, asked: dict[str, float]
) -> None:
    model, seen = ToyDiffusion(), {}
    model.device = torch.device(device)

    def told(where: torch.device) -> float:
        return seen.setdefault(str(where), 12.0)

    monkeypatch.setattr(room, "free_gb", told)
    room.check_room(model, (64, 64), kept=11 * 10**9)
    assert seen == asked
    with pytest.raises(ModelMemoryError, match=r"13\.0 GB of memory .* 12\.0 GB are free on cpu"):
        room.check_room(model, (64, 64), kept=13 * 10**9)


def test_fewer_prompts_at_once_on_larger_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batches = ToyDiffusion(), []
    record_once = diffusion_reading.record_once

    def counted(model, latents, *args, **options):
        batches.append(len(latents))
        return record_once(model, latents, *args, **options)

    monkeypatch.setattr(diffusion_reading, "record_once", counted)
    classes = tuple((f"thing{number}",) for number in range(7))
    request = SegmentationRequest(picture(), classes, "attention", side=64)
    asked = Asked.of(request.classes, request)
    together = segmenters.attention(Readings(request, {"diffusion": model}), asked)
    monkeypatch.setattr(memory, "BUDGET", 3 * pass_bytes(model, (64, 64)))
    parts = segmenters.attention(Readings(request, {"diffusion": model}), asked)
    assert batches == [7, 3, 3, 1]
    np.testing.assert_allclose(parts, together, atol=2e-3)  # recorded in half precision


def test_segmentation_of_many_classes_enlarges_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All scores at 1,024 px would take 268 MB, and as much again while they are stacked."""
    clip, limits = ToyClip(), settings().limits
    monkeypatch.setattr(segmentation, "load_clip", lambda name, report=None: clip)
    names = tuple((f"thing{number}",) for number in range(limits.max_classes))
    segmentation.run(SegmentationRequest(picture(), names))
    request = SegmentationRequest(picture(limits.work_side), names, side=64)
    found = []
    assert peak_of_arrays(lambda: found.append(segmentation.run(request))) < memory.BUDGET / 2
    np.testing.assert_array_equal(found[0].labels, found[0].scores.argmax(0) + 1)


@pytest.mark.slow
def test_the_embedded_model_takes_what_is_estimated() -> None:
    model = load_diffusion()
    side = settings().limits.work_side
    latents = torch.zeros(1, 4, side // 8, side // 8)
    model.decode(latents[..., :8, :8])
    peak = peak_of_tensors(lambda: model.decode(latents))
    assert 0.5 * run_bytes(model, (side, side)) < peak < 1.5 * run_bytes(model, (side, side))
