"""The segmentation pipeline on toy models: every method, its scale, the background, metrics, errors."""

import numpy as np
import pytest

from inspector.errors import PromptError
from inspector.pipelines import diffusion_reading, segmentation, segmenters
from inspector.results import CLIP_ES_BACKGROUND, LOADED, SEGMENTATION_METHODS, TRAINED_METHODS, SegmentationRequest
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

CLASSES = "car, trees/palms, sea"


@pytest.fixture
def models(monkeypatch):
    clip, diffusion = ToyClip(), ToyDiffusion()
    monkeypatch.setattr(segmentation, "load_clip", lambda name, report=None: clip)
    monkeypatch.setattr(segmentation, "load_diffusion", lambda name, report=None: diffusion)
    return clip, diffusion


def image(height: int = 64, width: int = 100) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_methods_are_those_a_request_may_name():
    assert tuple(segmenters.METHODS) == (*SEGMENTATION_METHODS, *TRAINED_METHODS, LOADED)


@pytest.mark.parametrize("method", SEGMENTATION_METHODS)
def test_every_method_labels_every_pixel(models, method):
    result = segmentation.run(SegmentationRequest(image(), CLASSES, method=method))
    assert result.labels.shape == (64, 100)
    assert result.labels.dtype == np.int32
    assert set(np.unique(result.labels)) <= {1, 2, 3}
    assert result.scores.shape == (3, 64, 100)
    assert result.scores.dtype == np.float32
    assert result.scores.min() >= 0
    assert result.scores.max() <= 1
    assert sum(segment.area for segment in result.segments) == pytest.approx(1)
    assert result.metrics == {}
    again = segmentation.run(SegmentationRequest(image(), CLASSES, method=method))
    np.testing.assert_array_equal(result.scores, again.scores)


@pytest.mark.parametrize("method", SEGMENTATION_METHODS)
def test_background_takes_the_pixels_below_it(models, method):
    result = segmentation.run(SegmentationRequest(image(), CLASSES, method=method, background=0.3))
    np.testing.assert_array_equal(result.labels == 0, result.scores.max(0) < 0.3)


@pytest.mark.parametrize("method", ["gradcam", "naclip", "attention", "vpd-attention"])
def test_background_words_compete_as_classes_would(models, method):
    """A pixel is background where it would be a word's, had all words been asked for as classes."""
    few, words = "car, sea", tuple((word,) for word in CLIP_ES_BACKGROUND if word != "sea")
    ruled = segmentation.run(SegmentationRequest(image(), few, method=method, background_rule="words"))
    asked = segmentation.run(SegmentationRequest(image(), (("car",), ("sea",), *words), method=method))
    assert ruled.scores.shape == (2, 64, 100)
    expected = np.where(asked.labels <= 2, asked.labels, 0)
    assert (ruled.labels != expected).mean() < 1e-2  # attention is recorded in half precision


def test_the_background_by_a_power(models):
    request = SegmentationRequest(image(), CLASSES, method="gradcam", background_rule="power", background_power=1.5)
    result = segmentation.run(request)
    best = result.scores.max(0)
    np.testing.assert_array_equal(result.labels == 0, best < (1 - best) ** 1.5)


def test_all_methods_share_their_passes_and_say_what_each_said(models, monkeypatch):
    clip, diffusion = models
    calls, encoded = [], []
    forward, encode = diffusion.unet.forward, diffusion.encode_images
    monkeypatch.setattr(
        diffusion.unet, "forward", lambda *args, **kw: calls.append(int(args[1])) or forward(*args, **kw)
    )
    monkeypatch.setattr(diffusion, "encode_images", lambda images: encoded.append(1) or encode(images))
    both = segmentation.run(SegmentationRequest(image(), CLASSES, method="all"))
    assert clip.trunks == 1
    assert len(encoded) == 1
    assert calls == [100, 100, 300, 50, 1]  # attention and DiffSegmenter, each 4 prompts at once, then one each
    assert [vote.method for vote in both.votes] == list(SEGMENTATION_METHODS)
    for method in SEGMENTATION_METHODS:
        (vote,) = (vote for vote in both.votes if vote.method == method)
        alone = segmentation.run(SegmentationRequest(image(), CLASSES, method=method))
        assert (vote.labels != alone.labels).mean() < 1e-2
        assert vote.parameters == {"clip": 1, "both": 11}.get(
            "both" if method == "diffcut" else method, vote.parameters
        )
    labels = np.stack([vote.labels for vote in both.votes])
    np.testing.assert_allclose(both.disagreement, (labels != both.labels).mean(0), atol=1e-6)
    assert both.scores.max() <= 1


def test_the_same_template_shares_even_those(models, monkeypatch):
    calls = []
    forward = models[1].unet.forward
    monkeypatch.setattr(
        models[1].unet, "forward", lambda *args, **kw: calls.append(int(args[1])) or forward(*args, **kw)
    )
    segmentation.run(SegmentationRequest(image(), CLASSES, method="all", template="a photograph of {}"))
    assert calls == [100, 300, 50, 1]


def test_merging_less_leaves_more_regions(models):
    counts = []
    for merging in (10.0, 0.0):
        found = segmentation.run(SegmentationRequest(image(), CLASSES, method="diffseg", merging=merging))
        counts.append(len(np.unique(found.grid_scores[0])))
    assert counts[0] == 1 < counts[1]


def test_maskclip_background_words_take_probability(models):
    one = segmentation.run(SegmentationRequest(image(), "car"))
    assert one.scores.max() < 1
    assert (one.labels == 1).all()


def test_metrics_where_masks_exist(models):
    left = np.zeros((64, 100), bool)
    left[:, :50] = True
    request = SegmentationRequest(image(), CLASSES, masks={"car": left, "tree": ~left})
    result = segmentation.run(request)
    right = (result.labels == 1) & left | (result.labels == 2) & ~left
    assert result.metrics["pixel_accuracy"] == pytest.approx(right.mean())
    assert set(result.metrics["iou"]) == {"car", "trees"}


def test_attention_of_a_prompt_is_that_of_its_own_words(models):
    """Prompts are batched; a class's map must not depend on the other classes asked with it."""
    alone = segmentation.run(SegmentationRequest(image(), "horse", method="attention"))
    names = ", ".join(f"thing{number}" for number in range(diffusion_reading.PROMPTS_AT_ONCE))
    among = segmentation.run(SegmentationRequest(image(), names + ", horse", method="attention"))
    np.testing.assert_allclose(alone.scores[0], among.scores[-1], atol=2e-3)  # recorded in half precision


def test_class_tokens_are_those_of_the_name(models):
    prompts, spans = diffusion_reading.class_prompts(models[1], ("horse", "cow", "sea"), "a photo of {} here")
    assert prompts == ["a photo of horse here", "a photo of cow here", "a photo of sea here"]
    assert spans == [(5, 6), (5,), (5,)]  # start, a, phot, o, of, then "hors" and "e"


def test_a_template_that_leaves_no_room_is_refused(models):
    long = "one two three four five six seven eight nine ten eleven {}"
    with pytest.raises(PromptError, match=r"does not read the end of the template with 'car': “.*car”; shorten it"):
        segmentation.run(SegmentationRequest(image(), "car", method="attention", template=long))


def test_mean_over_layers_enlarges_to_the_largest():
    small, large = np.full((1, 1), 3.0), np.full((2, 3), 0.5)
    large[0, 0] = 1.5
    mean = diffusion_reading.mean_over_layers({"a": small, "b": large})
    np.testing.assert_allclose(mean, [[(3 + 1.5) / 2, 1.75, 1.75], [1.75, 1.75, 1.75]])
