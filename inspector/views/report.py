"""Report: results as one folder that opens from disk: a page with the viewer, figures, data, numbers, and a PDF."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError
from inspector.views.export import Result, dumps, figure_of, provenance, write_result
from inspector.views.layout import Layout
from inspector.views.lettering import drawable, font, wrap
from inspector.views.look import Look
from inspector.views.page import Section, write_page
from inspector.views.table import lines, table

PAGE = (11.7, 8.3)  # inches, A4 on its side


@dataclass(frozen=True)
class Part:
    """One result of a report. rows: what was measured; state: what the page's viewer opens with."""

    heading: str
    result: Result
    rows: Sequence[Mapping[str, Any]]
    note: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)


def write_report(folder: Path, title: str, parts: Sequence[Part], pdf: bool = False) -> list[Path]:
    """Write index.html, numbers.json, a folder per part with what `write_result` writes, and report.pdf.

    Returns the files one opens first. Raises ChoiceError when the folder cannot be written.
    """
    sections, numbers = [], []
    for number, part in enumerate(parts, 1):
        origin = provenance(part.result)
        name = f"{number:02d}-{origin['tab']}"
        write_result(part.result, folder / name)
        sections.append(
            Section(part.heading, part.result, part.state, part.note, f"{name}/figure.png", table(part.rows))
        )
        numbers.append({"heading": part.heading, "folder": name, "rows": part.rows, **origin})
    written = [folder / "index.html", folder / "numbers.json"]
    write_page(written[0], title, sections)
    try:
        written[1].write_text(dumps({"title": title, "runs": numbers}, indent=2) + "\n", encoding="utf-8")
        if pdf:
            written.append(folder / "report.pdf")
            written[2].write_bytes(pdf_of(title, parts))
    except OSError as error:
        raise ChoiceError(f"Cannot write to {str(folder)!r}: {error.strerror}; choose another folder.") from None
    return written


def pdf_of(title: str, parts: Sequence[Part]) -> bytes:
    """A PDF with a page per part: heading, note, figure as `vector` draws it, and numbers."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    from inspector.views.vector import paint, printing

    packed = io.BytesIO()
    about = {"Title": title, "Creator": "Dense Inspector", "CreationDate": None}
    with printing(), PdfPages(packed, metadata=about) as pages:
        for part in parts:
            page = Figure(figsize=PAGE)
            page.text(0.04, 0.95, drawable(part.heading, bold=True), fontsize=15, weight="bold", va="top")
            note = wrap(drawable(part.note), 0.92 * 72 * PAGE[0], font(9))[:12]  # leaving room; the page has it all
            page.text(0.04, 0.905, "\n".join(note), fontsize=9, va="top")
            foot = min(0.86, 0.89 - 0.019 * len(note))  # of the note; a line of it is 0.018 of the page
            paint(page, Layout(figure_of(part.result, Look())), (0.04, 0.36, 0.92, foot - 0.36))
            numbers = "\n".join(map(drawable, lines(table(part.rows)).splitlines()))
            page.text(0.04, 0.33, numbers, fontsize=6.5, family=["monospace", "DejaVu Sans"], va="top")
            pages.savefig(page)
    return packed.getvalue()
