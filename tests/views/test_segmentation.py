"""The segmentation views on a result whose labels are known."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.results import SEGMENTATION_METHODS, Panoptic, Proposed, SegmentationRequest
from inspector.views import segmentation
from inspector.views.atlases import atlas_of
from inspector.views.color import palette
from inspector.views.figure import Bar
from inspector.views.look import Look
from tests.views import samples

OPAQUE = Look(opacity=1.0, smooth=False)


def test_background_is_grey_and_classes_keep_the_order_asked() -> None:
    result = samples.segmentation()
    shown = segmentation.view(result, OPAQUE, "labels", side=96)
    assert (shown[30, 10] == palette(2)[0]).all()
    assert (shown[30, 80] == palette(2)[1]).all()
    assert [name for name, _ in segmentation.legend(result)] == ["car", "sky", "background"]


def test_parts_win_over_their_wholes_in_the_truth() -> None:
    part = np.zeros((64, 96), bool)
    part[:8, :8] = True
    whole = samples.left_half()
    request = SegmentationRequest(samples.image(), "windows, building", masks={"building": whole, "windows": part})
    truth = segmentation.truth(samples.segmentation(request=request))
    assert (truth[:8, :8] == 1).all()
    assert truth[20, 20] == 2
    assert truth[20, 80] == 0


def test_errors_are_orange_where_the_label_is_not_the_true_one() -> None:
    shown = segmentation.view(samples.segmentation(), OPAQUE, "errors", side=96)
    assert (shown[0, 0] == segmentation.WRONG).all()
    assert (shown[5, 5] == segmentation.RIGHT).all()


def test_what_no_named_class_covers_is_wrong_unless_it_is_background() -> None:
    request = SegmentationRequest(samples.image(), "car, sky", masks={"car": samples.left_half()})
    result = samples.segmentation(request=request)
    labels = result.labels.copy()
    labels[10:, 80] = 0
    shown = segmentation.view(replace(result, labels=labels), OPAQUE, "errors", side=96)
    assert (shown[5, 80] == segmentation.WRONG).all()
    assert (shown[20, 80] == segmentation.RIGHT).all()
    assert segmentation.RULE in segmentation.sheet(result, Look()).note


def test_without_masks_there_is_no_truth() -> None:
    bare = samples.segmentation(request=SegmentationRequest(samples.image(), "car, sky"), metrics={})
    assert segmentation.kinds(bare) == ("labels", "score")
    assert not segmentation.scores(bare)
    titles = [panel.title for panel in segmentation.sheet(bare, Look()).rows[0].panels]
    assert titles == ["image", "maskclip", "score of car", "score of sky"]


def test_tables() -> None:
    result = samples.segmentation()
    assert segmentation.segments(result).rows[0] == ("sky", "50.0", "0.800", "48 0 96 64")
    assert dict(segmentation.scores(result).rows) == {
        "IoU car": "0.990",
        "IoU sky": "1.000",
        "mIoU": "0.990",
        "pixel accuracy": "0.999",
    }


def test_scores_share_a_scale_or_not() -> None:
    scores = np.stack([np.full((64, 96), 0.2), np.full((64, 96), 0.9)]).astype(np.float32)
    result = samples.segmentation(grid_scores=scores)
    low, high = pytest.approx(0.2), pytest.approx(0.9)
    assert segmentation.bar(result, Look(), 0) == Bar(low, low, "viridis")
    assert segmentation.bar(result, Look(scale="shared"), 0) == Bar(low, high, "viridis")


def test_the_sheet_shows_labels_errors_and_every_class() -> None:
    rows = segmentation.sheet(samples.segmentation(), Look()).rows
    assert [[panel.title for panel in row.panels] for row in rows] == [
        [
            *("image", "maskclip  mIoU 0.99", "truth", "right (blue), wrong (orange)"),
            *("score of car", "score of sky"),
        ]
    ]
    assert [panel.bar is not None for panel in rows[0].panels] == [False] * 4 + [True] * 2


def test_the_sheet_of_all_methods_is_a_grid_with_the_majority_and_who_is_against_it() -> None:
    result = samples.segmented_by_all()
    rows = segmentation.sheet(result, OPAQUE).rows
    panels = [panel for row in rows for panel in row.panels]
    assert [len(row.panels) for row in rows] == [segmentation.COLUMNS] * 4
    assert [panel.title.split()[0] for panel in panels] == [
        *("image", "truth"),
        *SEGMENTATION_METHODS,
        *("majority", "share"),
    ]
    assert panels[2].title == "gradcam  mIoU 0.25"
    sky = palette(2)[1]
    assert (panels[2].image[30, 10] == sky).all()  # the one that is against the majority
    assert (panels[3].image[30, 10] == palette(2)[0]).all()
    left, right = panels[-1].image[30, 10].astype(int), panels[-1].image[30, 200].astype(int)
    assert np.abs(left - right).max() > 10  # one of twelve against nobody
    table = segmentation.methods(result)
    assert table.headers == ("method", "mIoU", "pixel accuracy", "agrees", "seconds alone", "parameters")
    assert table.rows[0] == ("gradcam", "0.250", "–", "0.500", "0.500", "3.4 M")
    assert table.rows[-1][:3] == ("majority", "0.990", "0.999")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "diffseg", "timestep": 200}, ("t = 300, seed 0", "below 0.9 nats", "cross-attention at t = 200")),
        ({"method": "diffcut"}, ("t = 50", "named by maskclip with scenes-clip")),
        ({"method": "vpd-attention"}, ("t = 1 without noise",)),
        ({"method": "vpd"}, ("VPD, a trained head", "scenes-clip and scenes-diffusion", "t = 1 without noise")),
        ({"method": "ovseg"}, ("OVSeg's pattern, a trained head, on scenes-clip, ",)),
        ({"method": "diffsegmenter"}, ("t = 100", "a photograph of")),
        ({"method": "naclip", "background": 0.2}, ("naclip with scenes-clip, ", "background threshold 0.2")),
        ({"background_rule": "power", "background_power": 3.0}, ("background scored (1 - best class)^3",)),
        ({"background_rule": "words"}, ("background by the best of CLIP-ES's background words",)),
        ({"method": "segmenter"}, ("clipseg, a mask for each class, template",)),
        ({"method": "odise", "head": "local:mine"}, ("ODISE, the imported head local:mine, on scenes-clip and ",)),
        ({"method": "san", "head": "local:mine"}, ("SAN, the imported head local:mine, on scenes-clip, 14 templates",)),
        ({"method": "san", "head": "odise-no-unet"}, ("SAN, a trained head, on scenes-clip, template",)),
    ],
)
def test_the_basis_says_what_was_done(changes: dict, said: tuple[str, ...]) -> None:
    usual = samples.segmentation()
    told = segmentation.basis(replace(usual, request=replace(usual.request, **changes)))
    assert all(part in told for part in said), told


def proposed(clip: np.ndarray | None = None) -> Proposed:
    """One mask of everything, called the first class, and likely nothing."""
    return Proposed(
        masks=np.ones((1, 4, 6), np.float16),
        head=np.array([[0.75, 0.25]], np.float32),
        null=np.array([0.6], np.float32),
        clip=clip,
        seen=np.ones(2, np.uint8),
    )


def test_the_names_of_proposals_stand_under_whose_they_are() -> None:
    usual = samples.segmentation()
    request = replace(usual.request, method="segmenter", segmenter="sam-vit-base")
    by_clip = replace(usual, request=request, proposals=proposed())
    assert atlas_of(by_clip).facts["ensemble"]["called"] == "CLIP"
    assert "sam-vit-base, its masks named by scenes-clip" in segmentation.basis(by_clip)
    own = replace(by_clip, provenance=replace(usual.provenance, models={"sam-vit-base": "abc"}))
    assert atlas_of(own).facts["ensemble"]["called"] == "labels"
    assert "its masks named by its own labels" in segmentation.basis(own)


def test_an_imported_heads_two_opinions_are_shared_out() -> None:
    """0.75^0.5 0.5^0.5 and 0.25^0.5 0.5^0.5, over their sum, times 0.4."""
    usual = samples.segmentation()
    request = replace(usual.request, method="odise", head="local:mine", seen_weight=0.5)
    found = replace(usual, request=request, proposals=proposed(np.full((1, 2), 0.5, np.float32)))
    named = found.proposals.named(request.weights, shares=request.imported)
    assert named[0, 0] == pytest.approx(0.4 * 0.75**0.5 / (0.75**0.5 + 0.25**0.5), abs=1e-6)
    assert atlas_of(found).facts["ensemble"]["shares"]
    assert atlas_of(found).facts["ensemble"]["called"] == "CLIP"


def test_segments_of_a_thing_are_numbered_and_shaded_and_stuff_is_one():
    found = Panoptic(
        ids=np.kron([[1, 2], [3, 0]], np.ones((8, 8), np.int32)).astype(np.int32),
        classes=np.array([1, 2, 1], np.int32),
        proposals=np.array([0, 1, 2], np.int32),
        scores=np.ones(3, np.float32),
        things=np.array([1, 0], np.uint8),
    )
    result = replace(samples.segmented_by_proposals(16, 16), panoptic=found)
    names, colors = zip(*segmentation.segment_names(result), strict=True)
    assert names == ("car 1", "sky", "car 2")
    np.testing.assert_array_equal(colors[:2], segmentation.colors(result)[1:])
    assert (colors[2] >= colors[0]).all()
    assert (colors[2] > colors[0]).any()
    assert segmentation.segment_names(samples.segmentation()) == []
