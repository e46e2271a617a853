"""What segmenters find, as scores of a request's classes."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from inspector.errors import ClassesError
from inspector.models import catalog
from inspector.models.clip_adapter import OpenClipAdapter
from inspector.models.protocols import Segmented
from inspector.pipelines import segmentation
from inspector.pipelines.loaded_segmenters import clip_names, segmenter_proposals, segmenter_scores
from inspector.pipelines.readings import Asked, Readings
from inspector.results import SegmentationRequest, SegmentationResult
from inspector.views import segmentation as views

LEFT = np.array([[1, 1, 0, 0]] * 4, np.float32)
CLASSES = (("horse", "pony"), ("boat",))
NAMED = np.array([[0.5, 0.1], [0.2, 0.3]], np.float32)
SURE = np.array([1, 0.5], np.float32)


class Fake:
    """Finds what it is told to, named where names are given."""

    spec = SimpleNamespace(name="fake", origin="hub", told="")
    revision, device, dtype = "toy", torch.device("cpu"), torch.float32

    def __init__(self, named: Any, labels: Any = (), queries: bool = True, masks: Any = (LEFT, 1 - LEFT)) -> None:
        self.named, self.labels, self.queries, self.wordless = named, labels, queries, named is None
        self.masks = np.stack(masks) if len(masks) else np.zeros((0, 4, 6), np.float32)

    def segment(self, image: np.ndarray, classes: Any, template: str) -> Segmented:
        named = self.named
        if named is not None:  # background words are what no mask is called
            named = np.pad(named, ((0, 0), (0, len(classes) - named.shape[1])))
        return Segmented(self.masks, named, SURE[: len(self.masks)])


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)


@pytest.fixture(scope="module")
def clip() -> OpenClipAdapter:
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8}
    text = {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    statistics = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    model = open_clip.CLIP(12, vision, text)
    return OpenClipAdapter(catalog.spec("openai-vit-b-16"), model, SimpleTokenizer(), statistics, "toy")


def asked(rule: str = "constant") -> Asked:
    picture = np.zeros((16, 16, 3), np.uint8)
    return Asked.of(CLASSES, SegmentationRequest(picture, CLASSES, "segmenter", background_rule=rule))


def readings(image: np.ndarray, model: Any, clip: Any = None) -> Readings:
    models = {"segmenter": model} | ({} if clip is None else {"clip": clip})
    return Readings(SegmentationRequest(image, CLASSES, "segmenter"), models)


def test_scores_are_names_times_masks_times_how_sure_they_are(image: np.ndarray) -> None:
    scores = segmenter_scores(readings(image, Fake(NAMED)), asked())
    assert scores[:, 0, 0] == pytest.approx([0.5, 0.1])
    assert scores[:, 0, 3] == pytest.approx([0.1, 0.15])


def test_masks_without_names_are_named_by_clip_among_background_words_too(image: np.ndarray, clip: Any) -> None:
    own = readings(image, Fake(None), clip)
    named = clip_names(own, asked(), np.stack([LEFT, 1 - LEFT]))
    assert named.shape == (2, 2)
    assert (named.sum(1) < 1).all()  # background words take their share
    scores = segmenter_scores(own, asked())
    assert scores[:, 0, 0] == pytest.approx(named[0])
    assert scores[:, 0, 3] == pytest.approx(named[1] / 2)
    assert not np.allclose(named[0], named[1], atol=1e-7)
    compete = clip_names(own, asked("words"), np.stack([LEFT, 1 - LEFT]))
    assert compete.sum(1) == pytest.approx(1, abs=1e-5)
    assert compete[:, :2] == pytest.approx(named)


def test_a_run_that_finds_no_mask_says_so(image: np.ndarray, clip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"clip": clip, "segmenter": Fake(None, masks=())}
    monkeypatch.setattr(segmentation, "_models", lambda request: iter_of(models))
    result = segmentation.run(SegmentationRequest(image, CLASSES, "segmenter"))
    assert (result.proposals, result.panoptic) == (None, None)
    assert not result.grid_scores.any()
    assert "fake found no mask in this picture." in result.provenance.warning
    assert "clipseg, which found no mask, template" in views.basis(result)


def iter_of(models: Any) -> Any:
    """A generator that loads nothing and returns these."""
    yield from ()
    return models


def test_where_nothing_is_found_all_scores_are_nought(image: np.ndarray, clip: Any) -> None:
    scores = segmenter_scores(readings(image, Fake(None, masks=()), clip), asked())
    assert scores.tolist() == np.zeros((2, 4, 6)).tolist()


def test_proposals_are_the_masks_with_what_makes_the_scores(image: np.ndarray) -> None:
    own = readings(image, Fake(NAMED, labels=(("ponies",), ("sky",))))
    found = segmenter_proposals(own, asked("words"))
    assert found is not None
    assert found.named((0.3, 0.7)) == pytest.approx(SURE[:, None] * NAMED)
    assert found.seen.tolist() == [1, 0]
    assert segmenter_proposals(readings(image, Fake(NAMED, queries=False)), asked()) is None


def run(monkeypatch: Any, image: np.ndarray, model: Any, clip: Any = None, **more: Any) -> SegmentationResult:
    """Through the pipeline; a CLIP that is not given must not be asked for."""
    monkeypatch.setattr(segmentation, "load_segmenter", lambda name, report=None: model)
    monkeypatch.setattr(segmentation, "load_clip", lambda name, report=None: clip or pytest.fail("asked for CLIP"))
    return segmentation.run(SegmentationRequest(image, CLASSES, "segmenter", clip="openai-vit-b-16", **more))


def test_a_label_that_is_missing_is_told_and_none_is_refused(monkeypatch: Any, image: np.ndarray) -> None:
    result = run(monkeypatch, image, Fake(NAMED, labels=(("horse",), ("sky",))))
    assert result.provenance.warning == "fake has no label for boat: its scores are nought."
    assert run(monkeypatch, image, Fake(NAMED, labels=(("horse",), ("boat", "ship")))).provenance.warning == ""
    with pytest.raises(ClassesError, match=r"fake knows 1 labels, and none of the .* some of sky, or"):
        run(monkeypatch, image, Fake(NAMED, labels=(("sky",),)))


def test_clip_is_loaded_for_masks_without_names_alone(monkeypatch: Any, image: np.ndarray, clip: Any) -> None:
    assert run(monkeypatch, image, Fake(NAMED)).provenance.models == {"fake": "toy"}
    result = run(monkeypatch, image, Fake(None), clip)
    assert result.provenance.models == {"openai-vit-b-16": "toy", "fake": "toy"}
