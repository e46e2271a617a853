"""Vector figures: every pixel and letter of the sheet is in the file, where the drawn figure has it."""

import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views.export import figure_of
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.layout import Layout
from inspector.views.look import Look
from inspector.views.strips import POINTS
from inspector.views.vector import KINDS, printing, vector
from tests.views import samples
from tests.views.pdf import STRING, page_of, pictures, unescaped

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NASTY = "<b>&$x$"
ORIGIN = {"prompt": "漢 (a\\b) ]]>\x01\ud800 " + NASTY, "seed": 3}


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def sheet(title: str = "") -> Sheet:
    """Pictures that are no multiple of a cell, one of few colours, a bar, a label, a legend and a note."""
    first = [Panel(noise(37, 53), NASTY, Bar(0, 1, "viridis")), Panel(noise(31, 31, 1), "W" * 200)]
    second = [Panel(noise(6, 6, 2) // 128 * 9)]
    legend = [("car", np.array([1, 2, 3], np.uint8)), (NASTY, np.array([200, 100, 50], np.uint8))]
    return Sheet([Row(first, "first " + NASTY), Row(second)], title, f"small print {NASTY}", legend)


def tree(drawn: Sheet, cell: int = 240) -> ElementTree.Element:
    return ElementTree.fromstring(vector(drawn, "svg", ORIGIN, cell))


def read(element: ElementTree.Element) -> np.ndarray:
    """The picture of an SVG's image, RGB; what is not opaque is an error."""
    data = base64.b64decode(element.attrib[LINK + "href"].partition("base64,")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def drawn_at(matrices: str, height: float) -> tuple[float, ...]:
    """Left, top, width and height from the top of a page where the unit square is after a PDF's matrices."""
    corners = np.array([[0, 0, 1], [1, 1, 1]], float)  # the second is where a picture's first row ends
    for matrix in reversed(re.findall(r"([-\d. ]+) cm", matrices)):
        a, b, c, d, x, y = map(float, matrix.split())
        corners = corners @ np.array([[a, b, 0], [c, d, 0], [x, y, 1]])
    (left, bottom), (right, top) = corners[:, :2]
    return left, height - top, right - left, top - bottom


def test_an_svg_holds_each_picture_to_the_pixel() -> None:
    given = [block.image for block in Layout(sheet()).blocks()]
    assert len(given) == 4  # three pictures and a bar
    kept = [read(element) for element in tree(sheet()).iter(SVG + "image")]
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))


def test_a_pdf_holds_each_picture_to_the_pixel() -> None:
    given = [block.image for block in Layout(sheet()).blocks()]
    kept = pictures(vector(sheet(), "pdf", ORIGIN))
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))


@pytest.mark.parametrize("cell", [60, 240, 480])
def test_pictures_lie_where_the_drawn_figure_has_them(cell: int) -> None:
    drawn = sheet("a title")
    layout = Layout(drawn, cell)
    given = [
        tuple(POINTS * length for length in (block.left, block.top, block.width, block.height))
        for block in layout.blocks()
    ]
    found = tree(drawn, cell)
    assert found.attrib["viewBox"] == f"0 0 {layout.width * POINTS:g} {layout.height * POINTS:g}"
    for place, element in zip(given, found.iter(SVG + "image"), strict=True):
        across, _, _, down, x, y = map(float, re.findall(r"[-\d.e]+", element.attrib["transform"].partition("(")[2]))
        width, height = across * float(element.attrib["width"]), down * float(element.attrib["height"])
        assert (x, y, width, height) == pytest.approx(place, abs=1e-3)
    packed = vector(drawn, "pdf", ORIGIN, cell)
    for place, matrices in zip(
        given, re.findall(r"q ([-\d. cm]+)/\w+ Do", " ".join(page_of(packed).split())), strict=True
    ):
        assert drawn_at(matrices, layout.height * POINTS) == pytest.approx(place, abs=1e-3)


def test_all_that_is_written_is_text_and_stands_where_it_is_drawn() -> None:
    drawn = sheet(NASTY)
    layout, found = Layout(drawn), list(tree(drawn).iter(SVG + "text"))
    for line, element in zip(layout.lines(), found, strict=True):
        assert element.text == line.text
        y = line.y if line.up else line.y + line.drop
        assert float(element.attrib["y"]) == pytest.approx(POINTS * y, abs=1e-3)
        assert f"font-size: {POINTS * line.size:g}px" in element.attrib["style"].replace("font: ", "font-size: ")
        assert ("rotate(-90" in element.attrib["transform"]) is line.up
        assert ("bold" in element.attrib["style"] or "700" in element.attrib["style"]) is line.bold
    texts = [element.text for element in found]
    assert texts.count(NASTY) == 3  # the sheet's title, a picture's, and the legend's
    assert f"first {NASTY}" in texts
    assert {"0", "1"} <= set(texts)  # the bar's two ends
    assert any(re.fullmatch("W{3,60}…", text) for text in texts)


def test_a_pdf_has_true_type_and_no_mathematics() -> None:
    packed = vector(sheet(NASTY), "pdf", ORIGIN)
    assert b"/FontFile2" in packed
    assert b"/Type3" not in packed
    assert b"Oblique" not in packed  # a formula's letters


def test_the_legend_has_its_colours() -> None:
    styles = [element.attrib.get("style", "") for element in tree(sheet()).iter(SVG + "path")]
    assert sum("fill: #010203" in style for style in styles) == 1
    assert sum("fill: #c86432" in style for style in styles) == 1


def test_the_file_says_where_it_came_from() -> None:
    (told,) = tree(sheet()).iter("{http://purl.org/dc/elements/1.1/}description")
    assert json.loads(told.text) == ORIGIN
    (told,) = re.findall(rb"/Keywords " + STRING, vector(sheet(), "pdf", ORIGIN), re.DOTALL)
    assert json.loads(unescaped(told)) == ORIGIN


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [samples.saliency, samples.attention, samples.clusters, samples.segmentation])
def test_the_same_sheet_gives_the_same_bytes(make, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = figure_of(make(), Look())
    first = vector(drawn, kind, ORIGIN)
    assert b"Date" not in first
    assert b":date" not in first
    monkeypatch.setitem(matplotlib.rcParams, "figure.facecolor", "red")  # somebody's matplotlibrc
    monkeypatch.setitem(matplotlib.rcParams, "pdf.fonttype", 3)
    assert vector(drawn, kind, ORIGIN) == first
    assert matplotlib.rcParams["pdf.fonttype"] == 3


def test_one_thread_at_a_time_has_matplotlibs_settings() -> None:
    with ThreadPoolExecutor(1) as pool:
        with printing():
            waiting = pool.submit(vector, sheet(), "svg", ORIGIN)
            with pytest.raises(TimeoutError):
                waiting.result(1)
        assert waiting.result() == vector(sheet(), "svg", ORIGIN)


@pytest.mark.parametrize("kind", KINDS)
def test_letters_that_the_type_lacks_are_boxes(kind: str) -> None:
    odd = Sheet([Row([Panel(noise(8, 8), "漢\x01\ud800")], "a\nb")], note="\ufffe 🐎")
    packed = vector(odd, kind, ORIGIN)  # a warning would be an error here
    if kind == "svg":
        texts = [element.text for element in ElementTree.fromstring(packed).iter(SVG + "text")]
        assert texts == ["□□□", "a b", "□ □"]


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"kind is 'eps'; use one of pdf, svg"):
        vector(sheet(), "eps", ORIGIN)
    with pytest.raises(ChoiceError, match=r"cell is 4; use a whole number from 40 to 1024"):
        vector(sheet(), "pdf", ORIGIN, 4)
