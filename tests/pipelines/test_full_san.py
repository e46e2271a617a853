"""An imported SAN head of random weights at work on a small CLIP."""

from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch.nn import functional as F

from inspector.errors import UnsupportedModelError
from inspector.models import catalog
from inspector.models.clip_adapter import OpenClipAdapter
from inspector.models.heads.full_san import FullSan, SanSizes
from inspector.models.imported import turn
from inspector.pipelines.full_san import TEMPLATES, propose_san
from tests.models import published

SIZES = SanSizes(
    side=64, clip_width=20, clip_heads=2, clip_embed=12, clip_tokens=17, fused=(0, 1), steered=2, width=24, heads=3,
    blocks=3, queries=6, inner=10, hidden=14,
)  # fmt: skip
CLASSES = (("horse", "pony"), ("boat",))


@pytest.fixture(scope="module")
def clip() -> OpenClipAdapter:
    """Three blocks of width 20 at 32 px, patches of 8."""
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 8, "width": 20, "layers": 3, "head_width": 10}
    text = {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    model = open_clip.CLIP(12, vision, text)
    return OpenClipAdapter(catalog.spec("openai-vit-b-16"), model, SimpleTokenizer(), statistics, "toy")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return published.checkpoint("san", SIZES)


def opened(state: Any) -> FullSan:
    head = FullSan(SIZES)
    head.load_state_dict(turn("san", state, SIZES).state)
    return head.eval().requires_grad_(False)


def test_proposals_are_those_of_the_published_names(clip: OpenClipAdapter, state: Any) -> None:
    """Of a picture of the side network's own size, so that only CLIP's is scaled."""
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    found = propose_san(opened(state), image, CLASSES, clip)
    mean, std = (
        torch.tensor(item).view(3, 1, 1) for item in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    pixels = ((torch.from_numpy(image).permute(2, 0, 1) / 255 - mean) / std)[None]
    smaller = F.interpolate(pixels, scale_factor=0.5, mode="bilinear", align_corners=False)
    trained, own = state["clip_visual_extractor.positional_embedding"], clip.model.visual.positional_embedding
    before = own.data.clone()
    own.data.copy_(trained)
    layers = clip.layers(smaller)
    own.data.copy_(before)
    assert layers.grid == (4, 4)
    patches = [layers.tokens[layer][:, 1:] for layer in SIZES.fused]
    masks, biases = published.side_network(state, SIZES, pixels, patches, layers.grid)
    assert np.allclose(found.masks, masks[0].sigmoid(), atol=6e-4)  # kept in half precision
    embeddings = clip.steered(layers.tokens[2], 2, biases, sees_class=False)
    words = [
        F.normalize(clip.text([text.replace("{}", word) for word in CLASSES[0]]).mean(0), dim=-1) for text in TEMPLATES
    ]
    boats = [clip.text([text.replace("{}", "boat")])[0] for text in TEMPLATES]
    known = torch.stack([torch.stack(words).mean(0), torch.stack(boats).mean(0), state["ov_classifier.bg_embed"][0]])
    logits = clip.logit_scale * F.cosine_similarity(embeddings[0, :, None], known[None], dim=-1)
    assert np.allclose(found.null, logits.softmax(-1)[:, -1], atol=1e-4)
    assert np.allclose(found.head, logits[:, :-1].softmax(-1), atol=1e-4)
    assert found.clip is None


def test_a_clip_of_another_size_is_refused(clip: OpenClipAdapter) -> None:
    head = FullSan(replace(SIZES, clip_tokens=5))
    with pytest.raises(
        UnsupportedModelError, match=r"2 heads and 17 positions, and the head was trained on 12, 2 and 5"
    ):
        propose_san(head, np.zeros((64, 64, 3), np.uint8), CLASSES, clip)


def test_there_are_fourteen_templates() -> None:
    assert len(set(TEMPLATES)) == 14
    assert all(template.count("{}") == 1 for template in TEMPLATES)
