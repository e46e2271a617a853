"""Trained heads through the pipeline, on the shipped weights: what they propose is what they score."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file

from inspector import world
from inspector.analysis.proposals import class_scores
from inspector.errors import ChoiceError, UnsupportedModelError
from inspector.models import catalog, load_clip
from inspector.models.checksums import fingerprint
from inspector.models.heads.specs import HEADS
from inspector.pipelines import segmentation, trained
from inspector.pipelines.readings import Asked, Readings
from inspector.results import (
    BACKGROUND_RULES,
    HEAD_TITLES,
    ODISE_HEADS,
    SEGMENTATION_METHODS,
    TRAINED_METHODS,
    Proposed,
    SegmentationRequest,
    SegmentationResult,
)
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


def test_all_methods_have_the_heads_of_their_models_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    classes, pictures = "building, sky", []
    segmentation.run(asked("lseg", classes, method="all"))  # opens the heads, which try the models
    clip = load_clip(PLAIN["clip"])
    forward = clip.layers
    monkeypatch.setattr(clip, "layers", lambda pixels: pictures.append(len(pixels)) or forward(pixels))
    result = segmentation.run(asked("lseg", classes, method="all"))
    assert pictures.count(1) == 1  # the picture, once for all heads; the others are OVSeg's crops
    assert [vote.method for vote in result.votes] == [*SEGMENTATION_METHODS, *TRAINED_METHODS]
    cast = {vote.method: vote for vote in result.votes}
    alone = segmentation.run(asked("san", classes))
    assert (cast["san"].labels == alone.labels).mean() > 0.99
    for method in ("san", "odise"):
        head = load_file(ASSETS / "models" / "heads-plain" / f"{method}.safetensors")
        models = ("maskclip",) if method == "san" else ("maskclip", "attention")
        frozen = sum(cast[name].parameters for name in models)
        assert cast[method].parameters == frozen + sum(value.numel() for value in head.values())
    assert {f"heads-plain/{method}" for method in ("odise", "san", "lseg")} < set(result.provenance.models)


def test_of_the_trained_methods_those_vote_whose_heads_the_models_have() -> None:
    result = segmentation.run(asked("lseg", "sky", method="all", clip="scenes-clip", diffusion="scenes-diffusion"))
    shipped = {file.stem for file in (ASSETS / "models" / "heads-taught").glob("*.safetensors")}
    there = [name for name in TRAINED_METHODS if name in shipped]
    assert "san" in there
    assert "odise" not in there
    assert [vote.method for vote in result.votes] == [*SEGMENTATION_METHODS, *there]
    assert "ODISE is not among" not in result.provenance.warning
    again = segmentation.run(replace(result.request, head="odise-no-unet"))
    assert "No head odise-no-unet was trained on these models" in again.provenance.warning


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
    assert found.proposals.head.shape[1] > found.grid_scores.shape[0] == 4


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


def test_an_imported_heads_two_opinions_are_shared_out_in_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.75^0.5 0.5^0.5 and 0.25^0.5 0.5^0.5, over their sum, times 0.4."""
    made = Proposed(
        masks=np.ones((1, 2, 2), np.float16),
        head=np.array([[0.75, 0.25]], np.float32),
        null=np.array([0.6], np.float32),
        clip=np.array([[0.5, 0.5]], np.float32),
        seen=np.ones(2, np.uint8),
    )
    monkeypatch.setattr(trained, "imported_proposals", lambda readings, asked: made)
    request = SegmentationRequest(STREET.image, "car, sky", "odise", head="local:mine", seen_weight=0.5)
    readings, question = Readings(request, {}), Asked.of((("car",), ("sky",)), request)
    scores = trained.head_scores("odise", readings, question)
    first = 0.75**0.5 / (0.75**0.5 + 0.25**0.5)
    np.testing.assert_allclose(scores[:, 0, 0], [0.4 * first, 0.4 * (1 - first)], rtol=1e-5)


def test_the_card_says_which_words_were_seen() -> None:
    for folder in (ASSETS / "models").glob("heads-*"):
        assert json.loads((folder / "card.json").read_text("utf-8"))["seen"] == list(SEEN)


@pytest.mark.parametrize("rule", BACKGROUND_RULES)
def test_other_weights_need_no_model_to_give_what_a_run_gives(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, run = one(background_rule=rule, background=0.3), one(background_rule=rule, background=0.3, seen_weight=1.0)
    monkeypatch.setattr(segmentation, "load_clip", None)
    found = segmentation.reweighed(before, 1.0, before.request.unseen_weight)
    assert (found.labels != before.labels).any()
    np.testing.assert_array_equal(found.labels, run.labels)
    np.testing.assert_array_equal(found.grid_scores, run.grid_scores)
    assert found.panoptic is not None
    assert run.panoptic is not None
    np.testing.assert_array_equal(found.panoptic.ids, run.panoptic.ids)
    assert found.request.seen_weight == 1.0
    assert found.metrics == run.metrics


def test_what_proposes_nothing_cannot_be_weighed() -> None:
    bare = replace(one(), proposals=None, panoptic=None)
    with pytest.raises(ChoiceError, match="proposes no masks to weigh; choose odise"):
        segmentation.reweighed(bare, 0.5, 0.5)


def test_things_are_those_of_the_drawn_scenes_and_for_other_words_what_coco_counts() -> None:
    asked = {"building": True, "skies": False, "zebra": True, "gravel": False, "unheard-of": True}
    assert {word: segmentation.is_thing((word,)) for word in asked} == asked


def test_uncertainty_is_entropy_over_the_classes() -> None:
    grid = np.array([[[1, 0.25, 0, 0.3]], [[0, 0.25, 0, 0.1]]], np.float32)
    result = one(classes="car, sky")
    found = replace(result, grid_scores=grid).uncertainty
    np.testing.assert_allclose(found, [[0, 1, 1, 0.811278]], atol=1e-5)  # entropy of 3/4 and 1/4, in bits
    assert not replace(one(classes="car"), grid_scores=grid[:1]).uncertainty.any()
