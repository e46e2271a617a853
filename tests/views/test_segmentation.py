"""The segmentation views on a result whose labels are known."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.results import SegmentationRequest
from inspector.views import segmentation
from inspector.views.color import palette
from inspector.views.look import Look
from inspector.views.overlay import BACKGROUND
from tests.views import samples

OPAQUE = Look(opacity=1.0, smooth=False)


def test_background_is_grey_and_classes_keep_the_order_asked() -> None:
    result = samples.segmentation()
    shown = segmentation.view(result, OPAQUE, side=96)
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


def test_what_no_mask_covers_does_not_count() -> None:
    request = SegmentationRequest(samples.image(), "car, sky", masks={"car": samples.left_half()})
    shown = segmentation.view(samples.segmentation(request=request), OPAQUE, "errors", side=96)
    assert (shown[5, 80] == BACKGROUND).all()


def test_without_masks_there_is_no_truth() -> None:
    bare = samples.segmentation(request=SegmentationRequest(samples.image(), "car, sky"), metrics={})
    assert segmentation.kinds(bare) == ("labels", "score")
    assert not segmentation.scores(bare)
    with pytest.raises(ChoiceError, match=r"view is 'truth'; use one of labels, score"):
        segmentation.view(bare, Look(), "truth")


def test_tables() -> None:
    result = samples.segmentation()
    assert segmentation.segments(result).rows[0] == ("sky", "50.0", "0.800", "48 0 96 64")
    assert dict(segmentation.scores(result).rows) == {
        "IoU car": "0.990",
        "IoU sky": "1.000",
        "mIoU": "0.990",
        "pixel accuracy": "0.999",
    }
    assert segmentation.readings(result, 5, 80) == [("sky", pytest.approx(0.8)), ("car", 0.0)]


def test_scores_share_a_scale_or_not() -> None:
    scores = np.stack([np.full((64, 96), 0.2), np.full((64, 96), 0.9)]).astype(np.float32)
    result = samples.segmentation(grid_scores=scores)
    assert segmentation.span(result, Look(), 0) == pytest.approx((0.2, 0.2))
    assert segmentation.span(result, Look(scale="shared"), 0) == pytest.approx((0.2, 0.9))
    with pytest.raises(ChoiceError, match=r"class is 7; use a whole number from 0 to 1"):
        segmentation.view(result, Look(), "score", 7)


def test_the_sheet_links_every_picture() -> None:
    sheet = segmentation.sheet(samples.segmentation(), Look())
    assert [panel.key for row in sheet.rows for panel in row.panels] == [
        "",
        "labels",
        "truth",
        "errors",
        "score 0",
        "score 1",
    ]
