"""The report's PDF: figures with their exact pixels, and words as they were written."""

import numpy as np

from inspector.views.export import figure_of
from inspector.views.layout import Layout
from inspector.views.look import Look
from inspector.views.report import Part, pdf_of
from tests.views import samples
from tests.views.pdf import pictures


def test_a_page_per_part_holds_the_figures_pixels() -> None:
    parts = [Part("one", samples.saliency(), [{"class": "car", "p": 0.5}]), Part("two", samples.clusters(), [])]
    packed = pdf_of("Title", parts)
    given = [block.image for part in parts for block in Layout(figure_of(part.result, Look())).blocks()]
    assert packed.count(b"/Type /Page ") == 2
    assert all(np.array_equal(a, b) for a, b in zip(given, pictures(packed), strict=True))
    assert packed == pdf_of("Title", parts)


def test_words_are_no_mathematics_and_a_vast_note_leaves_the_figure_its_room() -> None:
    part = Part("$x$ & 馬\n", samples.clusters(), [{"$class$": "馬 <b>"}], "$many$ words 馬 " * 2000)
    packed = pdf_of("Title", [part])  # a letter that is missing would be a warning, an error here
    assert b"Oblique" not in packed
    assert len(pictures(packed)) == 5
