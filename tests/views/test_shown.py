"""What a viewer shows as a figure: its panels, with the viewer's colours and scales."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inspector.results import AttentionResult
from inspector.views import shown
from inspector.views.export import caption_of, figure_of
from inspector.views.look import Look
from inspector.views.overlay import enlarge, heat, picture
from inspector.views.raster import draw
from tests.views import samples

NAMES = ("saliency", "attention", "clusters", "segmentation")


def panels(name: str, look: Look | None = None, **state: Any) -> list[Any]:
    return list(shown.sheet(getattr(samples, name)(), look or Look(), state).rows[0].panels)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_state_it_is_how_the_viewer_begins(name: str) -> None:
    sheet = shown.sheet(getattr(samples, name)(), Look(), {})
    assert len(sheet.rows[0].panels) == 2
    assert all(panel.title for panel in sheet.rows[0].panels)
    assert draw(sheet).shape[2] == 3


def test_a_panel_is_the_recorded_map_in_its_colours() -> None:
    result = samples.attention()
    state = [{"word": "a", "step": "2", "arm": "generation", "layer": "mean"}]
    (panel,) = panels("attention", Look("magma", 0.5), panels=state)
    grid = result.select("generation", 1, None, "a")
    size = panel.image.shape[:2]
    low, high = float(grid.min()), float(grid.max())
    expected = heat(picture(result.images["generation"], size), enlarge(grid, size), low, high, "magma", 0.5)
    assert np.array_equal(panel.image, expected)
    assert (panel.bar.low, panel.bar.high, panel.bar.colormap) == (low, high, "magma")
    assert panel.title.startswith("a · 2 of ")


@pytest.mark.parametrize("name", ["saliency", "attention", "segmentation"])
def test_every_figure_of_values_fades(name: str) -> None:
    result, look = getattr(samples, name)(), Look(fade=True, opacity=1.0, smooth=False)
    for sheet in (figure_of(result, look), shown.sheet(result, look, {"panels": [{"view": "score"}]})):
        plain = [panel for row in sheet.rows for panel in row.panels if panel.bar]
        assert plain
        size = plain[0].image.shape[:2]
        pictures = getattr(result, "images", {}).values() or [result.request.image]
        known = [picture(image, size) for image in pictures]
        assert any((panel.image == image).all(-1).any() for panel in plain for image in known)
    assert "opacity 1 at a map's highest value, less with the value, cells" in caption_of(result, look)


def test_only_the_step_that_is_shown_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, select = set(), AttentionResult.select

    def counted(self: AttentionResult, arm: str, step: int, layer: Any, **how: Any) -> np.ndarray:
        asked.add(step)
        return select(self, arm, step, layer, **how)

    monkeypatch.setattr(AttentionResult, "select", counted)
    panels("attention", panels=[{"word": "a", "step": "2", "arm": "generation", "layer": "mean"}])
    assert asked == {1}


def test_a_shared_scale_holds_for_all_panels_of_a_kind() -> None:
    own = [panel.bar for panel in panels("attention")]
    both = [panel.bar for panel in panels("attention", Look(scale="shared"))]
    assert own[0] != own[1]
    assert {(bar.low, bar.high) for bar in both} == {(min(b.low for b in own), max(b.high for b in own))}


def test_signed_maps_run_to_both_sides_of_zero() -> None:
    (panel,) = panels("saliency", panels=[{"class": "car", "map": "signed"}])
    top = float(np.abs(samples.saliency().grid_signed[0]).max())
    assert (panel.bar.low, panel.bar.high, panel.bar.colormap) == (-top, top, "diverging")


@pytest.mark.parametrize("show", ["mask", "outline"])
def test_the_threshold_is_drawn_as_the_viewer_draws_it(show: str) -> None:
    plain, cut = panels("saliency"), panels("saliency", show=show)
    assert not np.array_equal(plain[0].image, cut[0].image)
    assert (cut[0].bar is None) == (show == "mask")
    assert "≥ 0.4" in cut[0].title if show == "mask" else cut[0].title == plain[0].title


def test_labels_bring_their_legend_and_similarity_the_pinned_pixel() -> None:
    result = samples.clusters()
    sheet = shown.sheet(result, Look(), {"pin": {"y": 0.3, "x": 0.6}})
    assert {name for name, _ in sheet.legend} == {f"cluster {value + 1}" for value in np.unique(result.grid_labels)}
    height, width = result.request.image.shape[:2]
    assert sheet.note.endswith("Similarity is to the pixel at row 19, column 57 of the picture.")
    assert sheet.rows[0].panels[1].bar.low == result.similarity(int(0.3 * height), int(0.6 * width)).min()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "state",
    [
        {"panels": 5, "pin": "x", "show": []},
        {"panels": [{"word": "nothing", "class": 3, "evil": "x"}, 7], "pin": {"y": "a", "x": 9}},
        {"panels": [{}] * 50},
    ],
)
def test_a_state_is_believed_as_far_as_it_fits(name: str, state: dict[str, Any]) -> None:
    assert 1 <= len(panels(name, **state)) <= 4


def test_one_arm_is_named_too() -> None:
    result = samples.attention()
    alone = replace(
        result,
        maps={"noise once": result.maps["noise once"]},
        steps={"noise once": (100,)},
        images={"noise once": samples.image(64, 64)},
        metrics=(),
    )
    assert all(
        "t = 100" in panel.title and "noise once" in panel.title
        for panel in shown.sheet(alone, Look(), {}).rows[0].panels
    )


def prompted(prompt: str, **changes: Any) -> AttentionResult:
    """The sample, asked for another prompt."""
    result = samples.attention(**changes)
    return replace(result, request=replace(result.request, prompt=prompt))


def test_a_held_result_stands_beside_with_what_sets_it_apart_and_the_difference() -> None:
    own = samples.attention()
    double = {arm: {name: 2 * maps for name, maps in layers.items()} for arm, layers in own.maps.items()}
    other = prompted("a horsE", maps=double)
    choice = {"word": "a", "step": "2", "arm": "generation", "layer": "mean"}
    state = {"panels": [choice, {**choice, "of": "1"}, {"of": "difference"}]}
    sheet = shown.sheet(own, Look(), state, held=[other])
    first, second, between = sheet.rows[0].panels
    assert first.title.startswith(f"{own.request.prompt} · a · 2 of ")
    assert second.title.startswith("a horsE · a · 2 of ")
    assert (second.bar.low, second.bar.high) == pytest.approx((2 * first.bar.low, 2 * first.bar.high), rel=1e-3)
    grid = own.select("generation", 1, None, "a")
    assert between.title == "A − B"
    assert (between.bar.low, between.bar.high) == pytest.approx((-grid.max(), grid.max()), rel=1e-3)
    assert between.bar.colormap == "diverging"
    size = between.image.shape[:2]
    image, top = picture(own.images["generation"], size), float(grid.max())
    below = heat(image, enlarge(-grid, size), -top, top, "diverging", 0.6)
    assert np.abs(between.image.astype(int) - below).max() <= 2  # the second is twice the first
    assert " a horsE: " in sheet.note
    assert shown.results_of(state, [other]) == [other]
    assert shown.results_of({"panels": [choice]}, [other]) == []
    assert first.image.shape == shown.sheet(own, Look(), {"panels": [choice]}).rows[0].panels[0].image.shape


def test_labels_of_several_methods_disagree_by_a_share() -> None:
    own = samples.segmentation()
    names = ("background", *own.names)
    other = replace(own, labels=np.where(own.labels == 1, 2, own.labels))
    state = {"panels": [{"view": "labels"}, {"view": "labels", "of": "1"}, {"view": "labels"}, {"of": "difference"}]}
    panel = shown.sheet(own, Look(opacity=1.0, smooth=False), state, held=[other]).rows[0].panels[3]
    assert "most frequent" in panel.title
    assert (panel.bar.low, panel.bar.high) == (0.0, pytest.approx(2 / 3))
    shares = enlarge(np.where(own.labels == 1, 1 / 3, 0).astype(np.float32), panel.image.shape[:2], smooth=False)
    expected = heat(panel.image, shares, 0.0, 2 / 3, panel.bar.colormap, 1.0)
    assert np.array_equal(panel.image, expected)
    assert len(names) > 2


def test_what_is_held_is_named_only_where_it_is_there() -> None:
    own = samples.saliency()
    for of in ("2", "-1", "0", 1, None, "x", {}):
        sheet = shown.sheet(own, Look(), {"panels": [{"of": of}]}, held=[samples.saliency()])
        assert len(sheet.rows[0].panels) == 1
    alone = shown.sheet(own, Look(), {"panels": [{"of": "difference"}]})
    assert len(alone.rows[0].panels) == 2  # as the viewer begins


def test_clusters_have_no_difference_since_their_numbers_mean_nothing_elsewhere() -> None:
    state = {"panels": [{"view": "clusters"}, {"view": "clusters", "of": "1"}, {"of": "difference"}]}
    panel = shown.sheet(samples.clusters(), Look(), state, held=[samples.clusters()]).rows[0].panels[2]
    assert (panel.title, panel.bar) == ("A − B: no difference", None)


def test_a_name_that_has_two_colours_is_twice_in_the_legend() -> None:
    own = samples.segmentation()
    other = replace(own, request=replace(own.request, classes="sky, car"), labels=3 - np.clip(own.labels, 1, 2))
    state = {"panels": [{"view": "labels"}, {"view": "labels", "of": "1"}]}
    legend = dict(shown.sheet(own, Look(), state, held=[other]).legend)
    assert set(legend) == {"background", "car", "sky", "car (sky, car)", "sky (sky, car)"}
    assert np.array_equal(legend["car"], legend["sky (sky, car)"])
    assert set(dict(shown.sheet(own, Look(), state, held=[own]).legend)) == {"background", "car", "sky"}


def test_results_that_nothing_sets_apart_are_letters() -> None:
    own = samples.saliency()
    state = {"panels": [{"class": "car"}, {"class": "car", "of": "1"}]}
    sheet = shown.sheet(own, Look(), state, held=[replace(own, grid_signed=-own.grid_signed)])
    assert [panel.title[:4] for panel in sheet.rows[0].panels] == ["A · ", "B · "]
    assert " B: " in sheet.note
    drawn = replace(own, request=replace(own.request, scene=7))
    told = caption_of(drawn, Look(), beside=[drawn])
    assert told.count("7.") == 1
    assert "Drawn scene 7." in told
