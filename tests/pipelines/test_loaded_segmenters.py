"""What segmenters find, as scores of a request's classes."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from inspector.errors import UnsupportedModelError
from inspector.models import catalog
from inspector.models.clip_adapter import OpenClipAdapter
from inspector.models.protocols import Segmented
from inspector.pipelines.loaded_segmenters import clip_names, score_segmenter
from inspector.results import SegmentationRequest

LEFT = np.array([[1, 1, 0, 0]] * 4, np.float32)
CLASSES = (("horse", "pony"), ("boat",))


class Fake:
    """Finds what it is told to."""

    spec = SimpleNamespace(name="fake")

    def __init__(self, *found: Any) -> None:
        self.found = Segmented(*found)

    def segment(self, image: np.ndarray, classes: Any, template: str) -> Segmented:
        assert classes == CLASSES
        return self.found


@pytest.fixture(scope="module")
def request_() -> SegmentationRequest:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    return SegmentationRequest(image, CLASSES)


@pytest.fixture(scope="module")
def clip() -> OpenClipAdapter:
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8}
    text = {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    model = open_clip.CLIP(12, vision, text)
    return OpenClipAdapter(catalog.spec("openai-vit-b-16"), model, SimpleTokenizer(), statistics, "toy")


def test_scores_are_names_times_masks_times_how_sure_they_are(request_):
    named = np.array([[0.5, 0.1], [0.2, 0.3]], np.float32)
    model: Any = Fake(np.stack([LEFT, 1 - LEFT]), named, np.array([1, 0.5], np.float32))
    scores = score_segmenter(model, request_)
    assert scores[:, 0, 0] == pytest.approx([0.5, 0.1])
    assert scores[:, 0, 3] == pytest.approx([0.1, 0.15])


def test_masks_without_names_are_named_by_clip_or_refused(request_, clip):
    found = Segmented(np.stack([LEFT, 1 - LEFT]), None, np.ones(2, np.float32))
    model: Any = Fake(found.masks, None, found.sure)
    with pytest.raises(UnsupportedModelError, match="fake finds masks without names; choose a CLIP that names them"):
        score_segmenter(model, request_)
    scores = score_segmenter(model, request_, clip)
    named = clip_names(clip, found, CLASSES, request_)
    assert named.shape == (2, 2)
    assert (named.sum(1) < 1).all()  # background words take their share
    assert scores[:, 0, 0] == pytest.approx(named[0])
    assert scores[:, 0, 3] == pytest.approx(named[1])
    assert not np.allclose(named[0], named[1], atol=1e-7)


def test_where_nothing_is_found_all_scores_are_nought(request_, clip):
    nothing = np.zeros((0, 4, 6), np.float32)
    model: Any = Fake(nothing, None, np.zeros(0, np.float32))
    assert score_segmenter(model, request_, clip).tolist() == np.zeros((2, 4, 6)).tolist()
