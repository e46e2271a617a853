"""Weights that hold no numbers end in one sentence that names the model, the part and the step."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from inspector.errors import NotFiniteError
from inspector.models import load_clip, load_diffusion
from inspector.pipelines import attention, clusters, saliency, segmentation
from inspector.results import AttentionRequest, ClustersRequest, SaliencyRequest, SegmentationRequest
from inspector.settings import ASSETS

pytestmark = pytest.mark.skipif(not (ASSETS / "models" / "scenes-diffusion").is_dir(), reason="no embedded weights yet")
IMAGE = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
ATTENTION = AttentionRequest("a sheep", steps=3, size=128)
GIVEN = AttentionRequest("a sheep", image=IMAGE)
CLUSTERS = ClustersRequest(IMAGE, restarts=2)
SALIENCY = SaliencyRequest(IMAGE, "car, sky")


@contextmanager
def spoiled(owner: Any, name: str, value: float) -> Iterator[None]:
    """One of a model's weights is no number while the block runs."""
    weight = owner.get_parameter(name)
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.view(-1)[0] = value
    try:
        yield
    finally:
        with torch.no_grad():
            weight.copy_(kept)


LAYER = "up_blocks.2.attentions.0.transformer_blocks.0.attn2"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("part", "weight", "run", "said"),
    [
        ("unet", f"{LAYER}.to_q.weight", ATTENTION, rf"layer {LAYER} at step 1, t = \d+"),
        ("unet", "conv_out.weight", ATTENTION, r"layer conv_out of the UNet at step 1 of 3, t = \d+"),
        ("unet", f"{LAYER}.to_q.weight", GIVEN, rf"layer {LAYER} at step 1, t = 100"),
        ("unet", "conv_in.weight", CLUSTERS, r"layer up_blocks\S+, t = 100"),
        ("vae", "decoder.conv_out.weight", ATTENTION, "the autoencoder, first in its layer decoder.conv_out"),
        ("vae", "encoder.conv_out.weight", GIVEN, "the autoencoder, first in its layer encoder.conv_out"),
        ("text_encoder", "final_layer_norm.weight", ATTENTION, "the text encoder, first in its layer final_layer_norm"),
    ],
)
def test_a_diffusion_model(part: str, weight: str, run: Any, said: str, value: float) -> None:
    model = getattr(load_diffusion(), part)
    name = next(name for name, _ in model.named_parameters() if name.endswith(weight))
    pipeline = clusters if isinstance(run, ClustersRequest) else attention
    with spoiled(model, name, value), pytest.raises(NotFiniteError) as caught:
        pipeline.run(run)
    assert re.search(f"^scenes-diffusion gives values that are no numbers .* in {said}; its weights", str(caught.value))
    pipeline.run(run)  # no hook is left, and the weights are whole again


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("visual.conv1.weight", "the image tower's tokens before its last block"),
        ("visual.transformer.resblocks.-1.mlp.c_proj.weight", "its last block"),
        ("ln_final.weight", "the text tower's embeddings"),
    ],
)
@pytest.mark.parametrize("method", ["gradcam", "maskclip", ""])
def test_a_clip(weight: str, said: str, method: str) -> None:
    model = load_clip().model
    last = len(model.visual.transformer.resblocks) - 1
    request: Any = SegmentationRequest(IMAGE, "car, sky", method) if method else SALIENCY
    pipeline = segmentation if method else saliency
    wanted = pytest.raises(NotFiniteError, match=f"^scenes-clip gives values that are no numbers .*{said}")
    with spoiled(model, weight.replace("-1", str(last)), float("nan")), wanted:
        pipeline.run(request)
