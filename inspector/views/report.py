"""Report: results as one folder that opens from disk: a page with the viewer, figures, data, numbers, and a PDF."""

from collections.abc import Sequence
from pathlib import Path

from inspector.errors import ChoiceError
from inspector.views.booklet import Part, pdf_of
from inspector.views.export import caption_of, dumps, provenance, write_result
from inspector.views.look import Look
from inspector.views.naming import named
from inspector.views.page import Section, write_page
from inspector.views.table import table


def write_report(folder: Path, title: str, parts: Sequence[Part], pdf: bool = False) -> list[Path]:
    """Write index.html, numbers.json, a folder per part with what `write_result` writes, and report.pdf.

    Returns the files one opens first. Raises ChoiceError when the folder cannot be written.
    """
    sections, numbers = [], []
    for number, part in enumerate(parts, 1):
        origin = provenance(part.result)
        name = f"{number:02d}-{origin['tab']}"
        write_result(part.result, folder / name)
        caption, shown = caption_of(part.result, Look()), named(table(part.rows))
        section = Section(part.heading, part.result, part.state, part.note, f"{name}/figure.png", shown, caption)
        sections.append(section)
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
