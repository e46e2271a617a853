"""The report: its page in a reader's order and words, and a PDF whose pages are filled with exact pixels."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.views import booklet
from inspector.views.atlases import atlas_of
from inspector.views.booklet import HIGH, MARGIN, PAGE, WIDE, Part, figure_for, pdf_of
from inspector.views.export import caption_of
from inspector.views.look import Look
from inspector.views.report import write_report
from tests.views import samples
from tests.views.pdf import pictures

RESULTS = [samples.saliency, samples.attention, samples.clusters, samples.segmentation]
MANY = [{"class": f"class {n}", "iou_best": n / 100} for n in range(100)]


def written(part: Part) -> list[list[str]]:
    """The lines of each page, all of which lie inside its margins."""
    found = []
    for page in booklet._pages(part):
        assert tuple(page.get_size_inches()) == PAGE
        for text in page.texts:
            assert MARGIN / PAGE[1] - 1e-6 <= text.get_position()[1] - text.get_fontsize() / 72 / PAGE[1]
            widest = len(text.get_text()) * text.get_fontsize() * booklet.LETTER / 72
            assert widest <= WIDE + 1e-6 or "DejaVu Sans Mono" not in text.get_family()
        found.append([text.get_text() for text in page.texts])
    return found


def test_a_page_per_part_holds_the_figures_pixels() -> None:
    parts = [Part("one", samples.saliency(), [{"class": "car", "p": 0.5}]), Part("two", samples.clusters(), [])]
    packed = pdf_of("Title", parts)
    assert packed.count(b"/Type /Page ") == 2
    kept = pictures(packed)
    assert len(kept) == 11 + 5  # nine pictures and two colour bars, then five pictures
    image = figure_for(parts[1].result, 6).sheet.rows[0].panels[0].image
    assert any(np.array_equal(image, one) for one in kept)
    assert packed == pdf_of("Title", parts)


def test_what_a_result_warns_of_stands_beside_its_part(tmp_path: Path) -> None:
    told = "It never saw a llama, so its map means nothing."
    warned = samples.clusters(provenance=replace(samples.PROVENANCE, warning=told))
    sure, unsure = (" ".join(written(Part("one", result, []))[0]) for result in (samples.clusters(), warned))
    assert told in unsure
    assert told not in sure
    write_report(tmp_path, "Title", [Part("two", warned, [])])
    assert told in (tmp_path / "01-clusters" / "caption.txt").read_text()
    assert json.loads((tmp_path / "01-clusters" / "result.json").read_text())["provenance"]["warning"] == told
    assert atlas_of(warned).facts["warning"] == told  # which the viewer in index.html shows
    assert "warning" not in atlas_of(samples.clusters()).facts


@pytest.mark.parametrize("make", RESULTS)
def test_a_figure_is_as_large_as_the_page_allows(make: Callable) -> None:
    for high in (5.0, 7.5):
        layout = figure_for(make(), high)
        assert layout.width == round(WIDE * 300)
        assert layout.height / 300 <= high + 0.02
        room = layout.width - layout.left - layout.type.gap
        assert max(sum(strip.widths) for strip in layout.strips) >= 0.6 * room
        for panel, _, _, width, _ in layout.places:
            assert panel.image.shape[1] >= min(width, 4 * 192)  # sharp, as far as figures are scaled
    low, tall = (sum(w * h for *_, w, h in figure_for(make(), high).places) for high in (3.5, 8.0))
    assert tall > 1.2 * low


def test_a_page_has_heading_caption_note_and_names() -> None:
    part = Part("A heading", samples.clusters(), [{"method": "unet", "miou": 0.5, "ap_over_chance": 2.0}], "A note.")
    (lines,) = written(part)
    assert lines[0] == "A heading"
    assert caption_of(part.result, Look()).split()[:5] == " ".join(lines[1:]).split()[:5]
    assert lines.index("A note.") > 1
    assert lines[-3].split() == ["method", "mIoU", "AP", "over", "chance"]
    assert lines[-1].startswith("UNet features  0.500")


def test_what_does_not_fit_goes_on_on_another_page() -> None:
    pages = written(Part("one", samples.saliency(), MANY, "many words " * 400))
    assert len(pages) > 1
    told = [line for page in pages for line in page]
    assert all(sum(line.startswith(f"{row['class']} ") for line in told) == 1 for row in MANY)
    assert sum(line.count("many") for line in told) == 400
    assert "best IoU" in pages[-1][0]  # a table begins anew with its head
    (axes,) = next(booklet._pages(Part("one", samples.saliency(), MANY))).axes
    assert axes.get_position().height * PAGE[1] >= 0.4 * HIGH  # the figure keeps its room


def test_words_are_no_mathematics_and_letters_that_lack_are_boxes() -> None:
    part = Part("$x$ & 馬\n", samples.clusters(), [{"$class$": "馬 <b>"}], "$many$ words 馬 " * 2000)
    packed = pdf_of("Title", [part])  # a letter that is missing would be a warning, an error here
    assert b"Oblique" not in packed
    assert len(pictures(packed)) == 5


def test_the_page_has_the_figure_first_then_the_viewer_then_what_was_measured_and_asked(tmp_path: Path) -> None:
    part = Part(
        "One", samples.attention(), [{"arm": "noise once", "best at": f"{samples.LAYERS[3]}, t = 100"}], "Note."
    )
    index, *_ = write_report(tmp_path, "Title", [part])
    text = re.sub(r"data-atlas='[^']*'", "", index.read_text())
    order = [
        *("<h2>One", "<p>Note.", "<img src='01-attention/figure.png'", "<figcaption>Cross-attention."),
        *("class='viewer'", "up 2.1, t = 100", "What was asked", "<dt>sampler</dt><dd>ddim</dd>", "Request and prov"),
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "<dt>picture</dt><dd>generated from the prompt</dd>" in text
    assert (tmp_path / "01-attention" / "caption.txt").read_text().strip() in text.replace("&#x27;", "'")
