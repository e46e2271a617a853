"""The viewer: clicks land where they are seen, and no control runs a model."""

import sys

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from inspector.ui import attention, clusters, runs, saliency, segmentation, session
from inspector.ui.controls import Looks
from inspector.ui.viewer import SIDE, Viewer, from_image, on_screen, to_image
from inspector.views.figure import draw
from inspector.views.look import Look
from tests.views import samples

LOOK = (0.6, "viridis", "own", "smooth", 0.4)
TABS = {
    "saliency": (saliency, samples.saliency, (0, "heat")),
    "attention": (attention, samples.attention, ("horse", "mean", 3)),
    "clusters": (clusters, samples.clusters, ("clusters", "")),
    "segmentation": (segmentation, samples.segmentation, ("labels", 0)),
}


@pytest.mark.parametrize("shape", [(64, 96), (256, 256), (1000, 700), (17, 200)])
def test_a_click_finds_the_pixel_it_shows(shape: tuple[int, int]) -> None:
    for point in ((0.0, 0.0), (shape[0] - 1.0, shape[1] - 1.0), (shape[0] // 3, shape[1] // 2)):
        y, x = from_image(point, shape)
        assert to_image([x, y], shape) == pytest.approx(point, abs=1e-6)
    assert to_image([99999, -50], shape) == (0.0, shape[1] - 1.0)
    scale = SIDE / max(shape)
    assert to_image([scale * 10, scale * 5], shape) == pytest.approx((5, 10), abs=1)


@pytest.mark.parametrize("tab", TABS)
def test_every_view_control_has_its_answer(tab: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adopting a result, its figure, its close-up and a click, without any pipeline to call."""
    module, make, choices = TABS[tab]
    monkeypatch.setitem(sys.modules, f"inspector.pipelines.{tab}", None)  # importing it would fail
    result = make()
    assert len(module.adopt(result, *choices)) == len(choices)
    sheet = module.figure(result, Look(), *choices)
    assert draw(sheet, 60).dtype == np.uint8
    for point in (None, (5.0, 7.0)):
        outputs = module.close(result, Look(), point, *choices)
        paths = [item["value"] if isinstance(item, dict) else item for item in outputs]
        pictures = [path for path in paths if str(path).endswith(".jpg")]
        assert pictures
        for path in pictures:
            with Image.open(path) as picture:
                assert max(picture.size) == SIDE
    for row in sheet.rows:
        for panel in row.panels:
            if panel.key:
                chosen = module.jump(result, panel.key, *choices)
                assert len(module.close(result, Look(), None, *chosen)) == len(outputs)


def test_narrow_screens_get_fewer_columns() -> None:
    sheet = segmentation.figure(samples.segmentation(), Look(), "labels", 0)
    wide, wide_cell = on_screen(sheet, {"narrow": False}, 5)
    narrow, narrow_cell = on_screen(sheet, {"narrow": True}, 5)
    assert max(len(row.panels) for row in wide.rows) == 4
    assert max(len(row.panels) for row in narrow.rows) == 2
    assert draw(narrow, narrow_cell).shape[1] < draw(wide, wide_cell).shape[1]


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Viewer:
    """A viewer of saliency results whose store holds one."""
    from inspector.ui import viewer as module

    store = session.Store()
    monkeypatch.setattr(module, "RESULTS", store)
    monkeypatch.setattr(runs, "RESULTS", store)
    store.put(samples.saliency())
    with gr.Blocks(analytics_enabled=False), gr.Column() as frame:
        return saliency._viewer(frame, gr.JSON())


def key() -> str:
    return session.fingerprint(samples.saliency().request)


def test_without_a_result_controls_do_nothing(viewer: Viewer) -> None:
    assert viewer._draw_all("", None, None, *LOOK, 0, "heat") == gr.skip()
    assert viewer._draw_close("", None, None, *LOOK, 0, "heat") == gr.skip()


def test_a_forgotten_result_is_a_sentence(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: told.append(message))
    assert viewer._draw_all("gone", None, None, *LOOK, 0, "heat") == gr.skip()
    assert told == ["That result is no longer kept; press Run to compute it again."]


def test_a_click_in_the_figure_chooses_its_class(viewer: Viewer) -> None:
    result = samples.saliency()
    sheet, cell = on_screen(saliency.figure(result, Look(), 0, "heat"), None, viewer.columns)
    height, width = draw(sheet, cell).shape[:2]
    event = gr.SelectData(None, {"index": [width - cell // 2, height // 2], "value": None})
    chosen, kind, picture, *_ = viewer._jump(event, key(), None, None, *LOOK, 0, "heat")
    assert (chosen, kind) == (1, "heat")
    assert picture.endswith(".jpg")


def test_a_click_in_the_close_up_reads_that_pixel(viewer: Viewer) -> None:
    event = gr.SelectData(None, {"index": [20, 20], "value": None})
    point, _, _, readout, _ = viewer._pick(event, key(), None, None, *LOOK, 0, "heat")
    assert point == pytest.approx((2.575, 2.575), abs=0.01)
    assert "At y 3, x 3" in readout


def test_what_is_saved_looks_as_shown(viewer: Viewer) -> None:
    update = viewer._save(key(), None, None, *LOOK, 0, "heat")
    assert [str(path).rsplit("/", 1)[1] for path in update["value"]] == ["figure.png", "maps.npz", "result.json"]


def test_looks_read_the_controls_in_order() -> None:
    with gr.Blocks(analytics_enabled=False):
        from inspector.ui import controls

        built: Looks = controls.looks("shared", threshold=True)
    assert controls.look(*[component.value for component in built.inputs]) == Look(scale="shared")
    assert controls.look(0.2, "magma", "own", "cells", 0.5) == Look("magma", 0.2, "own", False, 0.5)
