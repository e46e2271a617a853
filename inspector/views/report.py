"""Report: results as one folder that opens from disk: a page with the viewer, figures, data, numbers, and a PDF."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError
from inspector.views.export import Result, dumps, figure_of, provenance, write_result
from inspector.views.figure import draw
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
    """Write index.html, numbers.json, a folder per part with figure.png, maps.npz and result.json, and report.pdf.

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
    """A PDF with a page per part: heading, figure with its exact pixels, note and numbers."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    packed = io.BytesIO()
    about = {"Title": title, "Creator": "Dense Inspector", "CreationDate": None}
    with PdfPages(packed, metadata=about) as pages:
        for part in parts:
            sheet = Figure(figsize=PAGE)
            sheet.text(0.04, 0.95, part.heading, fontsize=15, weight="bold", va="top")
            sheet.text(0.04, 0.905, part.note, fontsize=9, va="top", wrap=True)
            axes = sheet.add_axes((0.04, 0.36, 0.92, 0.5))
            axes.imshow(draw(figure_of(part.result, Look())), interpolation="none")
            axes.set_axis_off()
            sheet.text(0.04, 0.33, lines(table(part.rows)), fontsize=6.5, family="monospace", va="top")
            pages.savefig(sheet)
    return packed.getvalue()
