"""The clusters views on a result whose labels are known."""

import numpy as np

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
    assert (clusters.view(result, OPAQUE, "rgb") == clusters.view(result, OPAQUE, "clusters")).all()


def test_shares_are_of_the_image() -> None:
    assert [(label, round(share, 3)) for label, share in clusters.shares(samples.clusters())] == [
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


def test_every_kind_has_the_images_shape() -> None:
    for kind in ("clusters", "features", "rgb", "xy"):
        shown = clusters.view(samples.clusters(), Look(), kind, side=96)
        assert shown.shape == (64, 96, 3)
        assert shown.dtype == np.uint8
