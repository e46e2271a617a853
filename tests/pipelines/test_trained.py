"""Trained heads through the pipeline, on the shipped weights: what they propose is what they score."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inspector import world
from inspector.analysis.proposals import class_scores
from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models import catalog
from inspector.models.files import fingerprint
from inspector.models.heads.specs import HEADS
from inspector.pipelines import segmentation
from inspector.results import HEAD_TITLES, ODISE_HEADS, TRAINED_METHODS, SegmentationRequest, SegmentationResult
from inspector.settings import ASSETS
from inspector.training.mask_heads import SEEN

SHIPPED = tuple(name for name, spec in HEADS.items() if spec.weights in catalog.trained_heads())
TAUGHT = sorted(file.stem for file in (ASSETS / "models" / "heads-taught").glob("*.safetensors"))
STREET = world.scene(504307)
PLAIN = {"clip": "scenes-clip-plain", "diffusion": "scenes-diffusion-plain"}


def asked(name: str, classes: str = "car, building, palm, sky", **more: object) -> SegmentationRequest:
    """The street, by the head of a row."""
    method = {"method": "odise", "head": name} if name in ODISE_HEADS else {"method": name}
    return SegmentationRequest(STREET.image, classes, masks=dict(STREET.masks), **{**PLAIN, **method, **more})  # type: ignore[arg-type]


def test_titles_are_those_of_the_rows_and_methods() -> None:
    assert set(HEAD_TITLES) == set(HEADS)
    assert set(ODISE_HEADS) == {name for name, spec in HEADS.items() if spec.family == "odise"}
    assert set(TRAINED_METHODS) - {"odise"} <= set(HEADS)


def test_the_heads_that_are_shipped_are_rows() -> None:
    assert SHIPPED
    assert set(catalog.trained_heads()) <= set(HEADS)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_head_labels_a_street(name: str) -> None:
    result = segmentation.run(asked(name))
    assert result.labels.shape == STREET.labels.shape
    assert result.metrics["iou"]["sky"] > 0.5  # the largest of all, and an easy one
    if result.proposals is None:
        assert HEADS[name].dense
        return
    found = result.proposals
    assert found.seen.tolist() == [1, 1, 0, 1]  # palms are held out
    request = result.request
    scores = class_scores(found.masks.astype(np.float32), found.named((request.seen_weight, request.unseen_weight)))
    np.testing.assert_allclose(result.grid_scores, scores, atol=1e-6)


def one(**more: object) -> SegmentationResult:
    """A row without a captioner, the first that was trained."""
    return segmentation.run(asked("odise-no-captioner", **more))  # type: ignore[arg-type]


def test_the_provenance_names_the_head_and_its_revision() -> None:
    models = one().provenance.models
    assert models["heads-plain/odise-no-captioner"] == fingerprint(ASSETS / "models" / "heads-plain")
    assert set(models) == {"heads-plain/odise-no-captioner", *PLAIN.values()}


def test_clips_weight_says_whose_opinion_counts() -> None:
    head, clip = (one(seen_weight=weight, unseen_weight=weight) for weight in (0, 1))
    assert head.proposals is not None
    assert clip.proposals is not None
    np.testing.assert_array_equal(head.proposals.head, clip.proposals.head)
    sure = (1 - head.proposals.null)[:, None]
    np.testing.assert_allclose(head.proposals.named((0, 0)), sure * head.proposals.head, rtol=1e-5)
    np.testing.assert_allclose(head.proposals.named((1, 1)), sure * head.proposals.clip, rtol=1e-5)
    assert (head.labels != clip.labels).any()


def test_a_class_by_another_name_is_seen_too() -> None:
    found = one(classes="cars/automobile, palm tree, dragon").proposals
    assert found is not None
    assert found.seen.tolist() == [1, 0, 0]


def test_ovsegs_pattern_names_the_same_masks_anew() -> None:
    tokens, crops = (segmentation.run(asked(name)).proposals for name in ("maskclip-masks", "ovseg"))
    assert tokens is not None
    assert crops is not None
    np.testing.assert_array_equal(tokens.masks, crops.masks)
    assert np.abs(tokens.head - crops.head).max() > 0.1
    np.testing.assert_allclose(crops.head.sum(1), 1, rtol=1e-5)
    inside = (crops.null < 1) & (tokens.null < 1)
    np.testing.assert_array_equal(tokens.null[inside], crops.null[inside])
    assert "heads-plain/maskclip-masks" in segmentation.run(asked("ovseg")).provenance.models


@pytest.mark.skipif("vpd" not in SHIPPED, reason="not trained yet")
def test_vpds_context_holds_what_is_asked_for() -> None:
    few, more = (segmentation.run(asked("vpd", classes)) for classes in ("sky, building", "sky, building, dragon"))
    np.testing.assert_allclose(few.grid_scores.sum(0), 1, rtol=1e-5)
    both = more.grid_scores[:2] / more.grid_scores[:2].sum(0)
    assert np.abs(both - few.grid_scores).max() > 1e-3  # a softmax alone would leave these as they were
    turned = segmentation.run(asked("vpd", "building, sky"))
    np.testing.assert_allclose(turned.grid_scores[::-1], few.grid_scores, atol=1e-4)


def test_background_words_compete_and_are_no_class() -> None:
    found = one(background_rule="words")
    assert found.proposals is not None
    assert found.proposals.head.shape[1] == found.grid_scores.shape[0] == 4


def test_a_picture_of_another_shape_is_labelled_at_its_own() -> None:
    wide = np.concatenate([STREET.image, STREET.image[:, :100]], 1)
    request = replace(asked("odise-no-captioner"), image=wide, masks={})
    assert segmentation.run(request).labels.shape == wide.shape[:2]


def test_heads_mean_nothing_on_other_models() -> None:
    with pytest.raises(UnsupportedModelError, match="scenes-clip-plain and scenes-diffusion-plain"):
        segmentation.run(asked("odise-no-captioner", clip="scenes-clip"))  # one of either pair


@pytest.mark.parametrize("name", TAUGHT)
def test_the_taught_pair_has_heads_of_its_own(name: str) -> None:
    taught = segmentation.run(asked(name, clip="scenes-clip", diffusion="scenes-diffusion"))
    assert f"heads-taught/{name}" in taught.provenance.models
    assert taught.metrics["iou"]["sky"] > 0.5
    assert np.abs(taught.grid_scores - segmentation.run(asked(name)).grid_scores).max() > 0.1


def test_a_head_that_was_never_trained_is_refused_with_the_command_that_trains_it() -> None:
    missing = [name for name in ODISE_HEADS if name not in SHIPPED]
    for name in missing[:1]:
        with pytest.raises(UnsupportedModelError, match=f"train heads --rows {name}"):
            segmentation.run(asked(name))
    with pytest.raises(ChoiceError, match="head"):
        asked("odise", head="odise-2")


def test_the_card_says_which_words_were_seen() -> None:
    for folder in (ASSETS / "models").glob("heads-*"):
        assert json.loads((folder / "card.json").read_text("utf-8"))["seen"] == list(SEEN)
