"""Exports: files that say where they came from, figures of three kinds and their caption."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector import __version__
from inspector.errors import ChoiceError
from inspector.results import Provenance
from inspector.views import clusters, saliency, shown
from inspector.views.export import caption_of, dumps, figure_of, kind_of, provenance, write_figure, write_result
from inspector.views.figure import Sheet
from inspector.views.layout import Layout
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.vector import vector
from tests.pace import yardsticks
from tests.views import samples

RESULTS = [samples.saliency, samples.attention, samples.clusters, samples.segmentation]


@pytest.mark.parametrize("make", RESULTS)
def test_files_with_one_provenance(make: Callable, tmp_path: Path) -> None:
    figure, maps, record, *_ = write_result(make(), tmp_path / "new" / "folder")
    written = json.loads(record.read_text())
    assert written["tab"] == make.__name__
    assert make.__name__ in written
    assert written["provenance"]["models"] == {"scenes-clip": "abc123"}
    with Image.open(figure) as image:
        chunk = json.loads(image.info["inspector"])
    with np.load(maps, allow_pickle=False) as archive:
        assert json.loads(str(archive["provenance"])) == chunk
    assert {key: written[key] for key in chunk} == chunk
    assert chunk["request"]["image" if make is not samples.attention else "prompt"]


def test_maps_keep_their_true_scale(tmp_path: Path) -> None:
    _, maps, *_ = write_result(samples.saliency(), tmp_path)
    with np.load(maps) as archive:
        assert archive["maps"].shape == (2, 64, 96)
        assert archive["maps"].max() == pytest.approx(1)
        assert archive["grid_signed"].min() == -1
        assert list(archive["classes"]) == ["car", "building"]


def test_attention_keeps_every_step_and_layer(tmp_path: Path) -> None:
    _, maps, *_ = write_result(samples.attention(), tmp_path)
    with np.load(maps) as archive:
        assert archive[f"maps/generation/{samples.LAYERS[2]}"].shape == (3, 4, 4, 4)
        assert list(archive["timesteps/generation"]) == [900, 500, 100]


def test_the_same_result_gives_the_same_files(tmp_path: Path) -> None:
    first, second = (write_result(samples.clusters(), tmp_path / name) for name in "ab")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_what_json_cannot_say_becomes_null() -> None:
    assert dumps({"a": float("nan"), "b": [np.float32(1.5), float("inf")]}) == '{"a": null, "b": [1.5, null]}'


@pytest.mark.parametrize("make", RESULTS)
def test_a_figure_is_of_the_kinds_asked_for(make: Callable, tmp_path: Path) -> None:
    result = make()
    files = write_result(result, tmp_path, kinds=("svg", "png", "pdf"))
    assert [file.name for file in files] == [
        *("figure.svg", "figure.png", "figure.pdf"),
        *("maps.npz", "result.json", "caption.txt"),
        *(("labels.png", "coco.json", "label-studio.json") if make is samples.segmentation else ()),
    ]
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in files}
    drawn = figure_of(result, Look())
    for file in (files[0], files[2]):
        assert file.read_bytes() == vector(drawn, kind_of(file), provenance(result))
    with Image.open(files[1]) as image:
        assert (np.asarray(image) == draw(drawn)).all()


def test_at_twice_the_scale_the_maps_themselves_have_twice_the_pixels(tmp_path: Path) -> None:
    square = samples.image(64, 64)
    result = samples.saliency()
    result = replace(result, request=replace(result.request, image=square, masks={}))
    write_figure(result, tmp_path / "two.png", Look(opacity=1), scale=2)
    map_ = saliency.view(result, 0, Look(opacity=1), side=480)
    _, first, *_ = Layout(figure_of(result, Look(), 2), 480).places  # the first class's map stands beside the image
    _, left, top, width, _ = first
    assert width == 480
    with Image.open(tmp_path / "two.png") as image:
        assert (np.asarray(image)[top : top + 480, left : left + 480] == map_).all()


@pytest.mark.parametrize("make", RESULTS)
@pytest.mark.parametrize("scale", [1, 4])
def test_every_figure_scales(make: Callable, scale: int) -> None:
    one, more = figure_of(make(), Look()), figure_of(make(), Look(), scale)
    sides = [max(panel.image.shape) for row in one.rows for panel in row.panels]
    assert [max(panel.image.shape) for row in more.rows for panel in row.panels] == [side * scale for side in sides]


@pytest.mark.parametrize("scale", [0, 5, 1.5, True])
def test_a_scale_that_does_not_exist_is_refused(scale: int, tmp_path: Path) -> None:
    sheet = figure_of(samples.clusters(), Look())
    for call in (
        lambda: figure_of(samples.clusters(), Look(), scale),
        lambda: write_figure(samples.clusters(), tmp_path / "a.svg", sheet=sheet, scale=scale),
        lambda: write_result(samples.clusters(), tmp_path, scale=scale),
    ):
        with pytest.raises(ChoiceError, match=r"scale is .*; use a whole number from 1 to 4"):
            call()
    assert not list(tmp_path.iterdir())


def test_a_kind_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert kind_of(Path("a.b/Figure.PDF")) == "pdf"
    for name in ("a.jpg", "a", ".png", "a.pdf.gz"):
        with pytest.raises(ChoiceError, match=r"end it in \.png, \.pdf or \.svg"):
            write_figure(samples.clusters(), tmp_path / name)
    with pytest.raises(ChoiceError, match=r"kind is 'eps'; use one of png, pdf, svg"):
        write_result(samples.clusters(), tmp_path, kinds=("png", "eps"))
    assert not list(tmp_path.iterdir())


def test_a_caption_stands_alone(tmp_path: Path) -> None:
    result = samples.segmentation()
    result = replace(
        result,
        request=replace(result.request, scene=504307, seed=12),
        provenance=Provenance({"scenes-clip": "0123456789abcdef", "a folder": ""}, "cpu", "float32", {}, 0.5),
    )
    caption = caption_of(result, Look("magma", opacity=0.5))
    for part in (
        "Open-vocabulary segmentation. ",
        " Drawn scene 504307. ",
        "maskclip with scenes-clip, template",
        "magma, opacity 0.5, bilinear",
        "Colours: car #0072b2, sky #e69f00, background #808080.",
        "Model revisions: scenes-clip at 0123456789ab, a folder.",
    ):
        assert part in caption
    assert "Seed" not in caption  # MaskCLIP draws nothing
    drawn = replace(result, request=replace(result.request, method="attention"))
    assert "noise added once at t = 100, seed 12" in caption_of(drawn, Look())
    assert caption.endswith(f" Made with Dense Inspector {__version__}.")
    write_result(result, tmp_path, Look("magma", opacity=0.5))
    assert (tmp_path / "caption.txt").read_text() == caption + "\n"


@pytest.mark.parametrize("own", [True, False])
def test_a_caption_names_every_pictures_arm_step_and_layer_and_how_it_is_coloured(own: bool) -> None:
    result = samples.attention()
    state = {"panels": [{"word": "horse", "step": "2", "arm": "generation", "layer": samples.LAYERS[3]}]}
    told = caption_of(result, Look(), None if own else shown.sheet(result, Look(), state))
    for part in ("scenes-diffusion, 3 steps of ddim, guidance 7.5", "noise added once at t = 100", "seed 0", "viridis"):
        assert part in told
    assert "each map has its own scale" in told
    assert told.count("in reading order") == (2 if own else 1)  # a row each
    if own:
        assert "generation at step 3 of 3, t = 100; noise once at t = 100" in told
        assert "Pictures of noise once, in reading order: t = 100; up 1.0 4×4 (0.32 to 0.64); up 2.1 8×8 (" in told
    else:
        assert "in reading order: horse · 2 of 3, t = 500 · up 2.1 (8×8) · generation (0.421 to 0.842)" in told


def test_a_caption_says_which_background_words_and_which_prompt() -> None:
    request = replace(samples.saliency().request, background=("wall", "floor"), side=224)
    assert "scenes-clip at 224 pixels, mean pooling" in caption_of(samples.saliency(request=request), Look())
    assert "background words: wall, floor, with p" in caption_of(samples.saliency(request=request), Look())
    request = replace(samples.clusters().request, prompt="a bus")
    assert "prompt “a bus”, noise added once at t = 100" in caption_of(samples.clusters(request=request), Look())


def test_a_caption_says_only_what_is_so() -> None:
    caption = caption_of(samples.saliency(), Look(smooth=False))
    assert caption.startswith("Grad-CAM. Rows from the top: Grad-CAM, threshold, truth. scenes-clip, mean pooling")
    assert "cells as recorded" in caption
    assert "Seed" not in caption
    assert "Drawn" not in caption
    assert "Colours" not in caption
    told = caption_of(samples.attention(), Look())
    assert told.count("seed 0") == 1
    assert "Seed" not in told  # the note has it
    flat = caption_of(samples.clusters(), Look())
    assert flat.startswith("Clusters of UNet features.")
    assert "opacity" not in flat  # no map, no bar
    assert "  " not in caption + told + flat


def test_a_figure_of_several_results_says_where_each_came_from(tmp_path: Path) -> None:
    other = replace(samples.clusters(), request=replace(samples.clusters().request, timestep=321))
    figure, *_ = write_result(samples.clusters(), tmp_path, beside=[other])
    with Image.open(figure) as image:
        made = json.loads(image.info["inspector"])
    assert made["request"]["timestep"] == 100
    assert [one["request"]["timestep"] for one in made["beside"]] == [321]


def test_a_caption_is_of_the_sheet_that_is_shown() -> None:
    two = clusters.sheet([samples.clusters()] * 2, Look(), labels=("good", "poor"))
    assert "Rows from the top: good, poor." in caption_of(samples.clusters(), Look(), two)
    case = [
        replace(result, request=replace(result.request, scene=n)) for n, result in enumerate([samples.clusters()] * 2)
    ]
    assert "Drawn scenes 1 and 0. scenes-diffusion" in caption_of(case[1], Look(), two, case[:1])
    bare = caption_of(samples.clusters(), Look(), Sheet([], note="of\n mine"))
    assert bare.startswith(
        "Clusters of UNet features. of mine. Model revision: scenes-clip at abc123. Seed 0. Made with"
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChoiceError, match=r"Cannot write .*choose another place"):
        write_result(samples.saliency(), tmp_path / "file" / "folder")
    with pytest.raises(ChoiceError, match=r"Cannot write a dict"):
        write_result({}, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", RESULTS)
def test_drawing_is_quick(make: Callable) -> None:
    """Well under the tenth of a second a slider may take: three times what the slowest takes in yardsticks."""
    figure = figure_of(make(), Look())
    draw(figure, 160)
    assert yardsticks(lambda: draw(figure, 160)) < 10
