"""The report's PDF: figures with their exact pixels, and words as they were written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.views.atlases import atlas_of
from inspector.views.export import figure_of
from inspector.views.figure import Layout
from inspector.views.look import Look
from inspector.views.report import Part, pdf_of, write_report
from tests.views import samples
from tests.views.pdf import pictures


def test_a_page_per_part_holds_the_figures_pixels() -> None:
    parts = [Part("one", samples.saliency(), [{"class": "car", "p": 0.5}]), Part("two", samples.clusters(), [])]
    packed = pdf_of("Title", parts)
    given = [block.image for part in parts for block in Layout(figure_of(part.result, Look())).blocks()]
    assert packed.count(b"/Type /Page ") == 2
    assert all(np.array_equal(a, b) for a, b in zip(given, pictures(packed), strict=True))
    assert packed == pdf_of("Title", parts)


def test_what_a_result_warns_of_stands_beside_its_part(tmp_path: Path) -> None:
    told = "It never saw a llama, so its map means nothing."
    warned = samples.clusters(provenance=replace(samples.PROVENANCE, warning=told))
    parts = [Part("one", samples.clusters(), [], "A note."), Part("two", warned, [], "A note." * 2000)]
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.text", lambda page, x, y, text, **_: asked.append(text))
        pdf_of("Title", parts)
    pages = [asked[:3], asked[3:]]
    assert [any(told in text for text in page) for page in pages] == [False, True]
    write_report(tmp_path, "Title", parts)
    assert told in (tmp_path / "02-clusters" / "caption.txt").read_text()
    assert json.loads((tmp_path / "02-clusters" / "result.json").read_text())["provenance"]["warning"] == told
    assert atlas_of(warned).facts["warning"] == told  # which the viewer in index.html shows
    assert "warning" not in atlas_of(samples.clusters()).facts


def test_words_are_no_mathematics_and_a_vast_note_leaves_the_figure_its_room() -> None:
    part = Part("$x$ & 馬\n", samples.clusters(), [{"$class$": "馬 <b>"}], "$many$ words 馬 " * 2000)
    packed = pdf_of("Title", [part])  # a letter that is missing would be a warning, an error here
    assert b"Oblique" not in packed
    assert len(pictures(packed)) == 5
