"""What a sub-command leaves behind: a table on standard output, the numbers as JSON, a folder of figures."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli.options import make_writable, writing

if TYPE_CHECKING:
    from inspector.views.figure import Sheet


def prepare(args: argparse.Namespace) -> None:
    """Make sure that what was asked for can be written, before the models run. Raises InputError."""
    if "figure" in args:
        from inspector.views.export import check_scale, kind_of

        check_scale(args.scale)
        if args.figure is not None:
            kind_of(args.figure)
    make_writable(file=args.json, folder=getattr(args, "out", None))
    make_writable(file=getattr(args, "figure", None))
    make_writable(file=getattr(args, "page", None))


def write_json(file: Path, numbers: Mapping[str, Any]) -> None:
    """Numbers as indented JSON."""
    with writing(file):
        file.write_text(json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def hand_over(
    result: Any,
    rows: Sequence[Mapping[str, Any]],
    args: argparse.Namespace,
    sheet: "Sheet | None" = None,
    beside: Sequence[Any] = (),
    state: Mapping[str, Any] | None = None,
) -> None:
    """Print `rows` as a table, then write --json, --figure, --page and --out where they were asked for.

    sheet: the figure, where it is not the tab's own, its pictures made for --scale; beside: the other results it
    shows; state: what the page's viewer opens with.
    """
    from inspector.views.export import dumps, provenance, write_figure, write_result
    from inspector.views.table import lines, table

    print(lines(table(rows)))
    if args.json is not None:
        others = {"beside": [provenance(other) for other in beside]} if beside else {}
        numbers = {"rows": rows, **provenance(result), **others}
        with writing(args.json):
            args.json.write_text(dumps(numbers, indent=2) + "\n", encoding="utf-8")
    if args.figure is not None:
        with writing(args.figure):
            write_figure(result, args.figure, sheet=sheet, beside=beside, scale=args.scale)
    if args.page is not None:
        from inspector.views.page import Section, write_page

        every = [result, *beside]
        headings = [f"{number} of {len(every)}" for number in range(1, len(every) + 1)] if beside else ["The result"]
        sections = [Section(heading, one, state or {}) for heading, one in zip(headings, every, strict=True)]
        with writing(args.page):
            write_page(args.page, f"Dense Inspector: {provenance(result)['tab']}", sections)
    if args.out is not None:
        with writing(args.out):
            files = write_result(result, args.out, sheet=sheet, scale=args.scale)
        print(f"Written to {args.out}: {', '.join(file.name for file in files)}")
