"""The saliency views on a result whose numbers are known."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.views import saliency
from inspector.views.color import lut
from inspector.views.figure import Bar
from inspector.views.look import Look
from tests.views import samples

OPAQUE = Look(opacity=1.0, smooth=False)


def test_each_map_has_its_own_scale_or_all_share_one() -> None:
    result = samples.saliency()
    assert saliency.bar(result, 1, Look(colormap="magma")) == Bar(0, pytest.approx(0.1), "magma")
    assert saliency.bar(result, 1, Look(scale="shared")) == Bar(0, 1, "viridis")


def test_a_weak_map_looks_weak_on_the_shared_scale() -> None:
    result = samples.saliency()
    own = saliency.view(result, 1, OPAQUE, side=96)
    shared = saliency.view(result, 1, Look(opacity=1.0, smooth=False, scale="shared"), side=96)
    assert (own[2, 2] == lut("viridis")[255]).all()
    assert (shared[2, 2] == lut("viridis")[26]).all()  # 0.1 of 255
    assert (own[40, 60] == lut("viridis")[0]).all()


def test_the_mask_is_the_share_of_the_own_maximum() -> None:
    result = samples.saliency()
    mask = saliency.mask(result, 0, 0.5, (64, 96))
    assert mask[:, :48].all()
    assert not mask[:, 49:].any()
    weak = saliency.mask(result, 1, 0.5, (64, 96))  # its maximum is 0.1
    assert weak[:9, :9].all()
    assert not weak[32:].any()
    nothing = samples.saliency(grid_signed=-np.ones((2, 4, 6), np.float32))
    assert not saliency.mask(nothing, 0, 0.0, (64, 96)).any()


def test_the_table_says_how_likely_each_class_is() -> None:
    table = saliency.scores(samples.saliency())
    assert table.headers == ("class", "p", "cosine")
    assert table.rows[0][:2] == ("car", "0.700")


def test_the_sheet_is_figure_one_and_two_with_truth() -> None:
    rows = saliency.sheet(samples.saliency(), Look()).rows
    assert [row.label for row in rows] == ["Grad-CAM", "threshold", "truth"]
    assert [panel.title for panel in rows[0].panels] == ["image", "car  p 0.7", "building/house  p 0.01"]
    assert [panel.title for panel in rows[1].panels] == ["any class ≥ 0.4", "car ≥ 0.4", "building ≥ 0.4"]
    assert not any(panel.bar for row in rows[1:] for panel in row.panels)
    assert [panel.title for panel in rows[2].panels] == ["any class, true", "car", "building: not in the picture"]
    assert np.array_equal(rows[2].panels[0].image, rows[2].panels[1].image)  # the car is all there is
    assert rows[0].panels[2].bar is not None
    assert rows[0].panels[2].bar.high == pytest.approx(0.1)


def test_the_look_is_checked() -> None:
    with pytest.raises(ChoiceError, match=r"opacity is 2; use a number from 0 to 1"):
        Look(opacity=2)
    with pytest.raises(ChoiceError, match=r"colour map is 'jet'"):
        Look(colormap="jet")
