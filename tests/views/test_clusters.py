"""The clusters views on a result whose labels are known."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views import clusters
from inspector.views.color import palette
from inspector.views.look import Look
from tests.views import samples

OPAQUE = Look(opacity=1.0)


def test_colours_follow_the_number() -> None:
    assert (clusters.colors(samples.clusters()) == palette(3)).all()


def test_baselines_take_the_colours_of_what_they_overlap() -> None:
    result = samples.clusters()  # rgb: 2 - labels, the same regions under other numbers
    mine, theirs = clusters.view(result, OPAQUE, "clusters"), clusters.view(result, OPAQUE, "rgb")
    assert (mine == theirs).all()


def test_renumbered_clusters_keep_their_colours() -> None:
    labels = np.repeat(np.array([[0, 0, 1, 1, 1, 2]], np.int32), 4, axis=0)
    result = samples.clusters(grid_labels=labels, baselines={"rgb": (labels + 1) % 3})
    assert (clusters.view(result, OPAQUE, "rgb") == clusters.view(result, OPAQUE)).all()


def test_similarity_is_one_at_the_point_and_falls_elsewhere() -> None:
    result = samples.clusters()
    bar = clusters.bar(result, Look(), "similarity", (10, 10))
    assert bar is not None
    assert (bar.low, bar.high) == pytest.approx((0, 1))
    shared = clusters.bar(result, Look(scale="shared"), "similarity", (10, 10))
    assert shared is not None
    assert (shared.low, shared.high) == (-1, 1)
    left = clusters.view(result, OPAQUE, "similarity", (10, 10), side=96)
    right = clusters.view(result, OPAQUE, "similarity", (10, 90), side=96)
    assert (left[10, 10] == right[10, 90]).all()
    assert (left[10, 90] == right[10, 10]).all()


def test_only_values_have_a_colour_bar() -> None:
    result = samples.clusters()
    assert [kind for kind in clusters.KINDS if clusters.bar(result, Look(), kind)] == ["similarity", "agreement"]


def test_shares_are_of_the_image() -> None:
    assert [(label, round(share, 3)) for label, _, share in clusters.shares(samples.clusters())] == [
        (1, 0.667),
        (0, 0.333),
        (2, 0.0),
    ]


def test_the_sheet_is_figure_four_with_a_row_per_case() -> None:
    sheet = clusters.sheet([samples.clusters(), samples.clusters()], Look(), labels=("good case", "poor case"))
    assert [row.label for row in sheet.rows] == ["good case", "poor case"]
    assert [panel.title for panel in sheet.rows[0].panels] == [
        "image",
        "UNet clusters  mIoU 0.50",
        "features (PCA)",
        "colour only  mIoU 0.40",
        "position only",
    ]
    assert sheet.rows[1].panels[3].key == "1 rgb"


def test_every_kind_has_the_images_shape() -> None:
    for kind in clusters.KINDS:
        shown = clusters.view(samples.clusters(), Look(), kind, side=96)
        assert shown.shape == (64, 96, 3)
        assert shown.dtype == np.uint8
    with pytest.raises(ChoiceError, match=r"view is 'other'"):
        clusters.view(samples.clusters(), Look(), "other")
