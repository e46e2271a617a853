"""What a sub-command leaves behind: a table on standard output, the numbers as JSON, a folder of figures."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli.options import make_writable, writing
from inspector.errors import ChoiceError, InputError

if TYPE_CHECKING:
    from inspector.views.figure import Sheet


def prepare(args: argparse.Namespace) -> None:
    """Make sure that what was asked for can be written, before the models run. Raises InputError."""
    if "figure" in args:
        from inspector.views.export import check_scale, inches_of, kind_of

        check_scale(args.scale)
        inches_of(args.columns)
        if args.figure is not None:
            kind_of(args.figure)
    make_writable(file=args.json, folder=getattr(args, "out", None))
    make_writable(file=getattr(args, "figure", None))
    make_writable(file=getattr(args, "page", None))
    make_writable(file=getattr(args, "zip", None))


def write_json(file: Path, numbers: Mapping[str, Any]) -> None:
    """Numbers as indented JSON."""
    with writing(file):
        file.write_text(json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def hand_over(
    result: Any,
    rows: Sequence[Mapping[str, Any]],
    args: argparse.Namespace,
    figure: "Callable[[int], Sheet] | None" = None,
    beside: Sequence[Any] = (),
    state: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Print `rows` as a table, then write --json, --figure, --page, --zip and --out where they were asked for.

    Returns the numbers, as --json holds them.

    figure: scale -> the figure, where it is not the tab's own; beside: the other results it shows; state: what the
    page's viewer opens with.
    """
    from inspector.views.export import dumps, inches_of, provenance, write_figure, write_result
    from inspector.views.layout import with_pixels
    from inspector.views.table import lines, table

    print(lines(table(rows)))
    others = {"beside": [provenance(other) for other in beside]} if beside else {}
    numbers = {"rows": rows, **provenance(result), **others}
    if args.json is not None:
        with writing(args.json):
            args.json.write_text(dumps(numbers, indent=2) + "\n", encoding="utf-8")
    sheet = None if figure is None else with_pixels(figure, args.scale, inches_of(args.columns))
    if args.figure is not None:
        with writing(args.figure):
            write_figure(result, args.figure, None, sheet, beside, args.scale, args.columns)
    if args.page is not None:
        from inspector.views.page import Section, write_page

        every = [result, *beside]
        headings = [f"{number} of {len(every)}" for number in range(1, len(every) + 1)] if beside else ["The result"]
        sections = [Section(heading, one, state or {}) for heading, one in zip(headings, every, strict=True)]
        with writing(args.page):
            write_page(args.page, f"Dense Inspector: {provenance(result)['tab']}", sections)
    if args.zip is not None:
        from inspector.views.zipped import write_zip

        with writing(args.zip):
            print(f"{write_zip(result, args.zip):,} pictures written to {args.zip}")
    if args.out is not None:
        with writing(args.out):
            files = write_result(result, args.out, sheet=sheet, scale=args.scale, columns=args.columns)
        print(f"Written to {args.out}: {', '.join(file.name for file in files)}")
    return numbers


def each(args: argparse.Namespace, one: Callable[[argparse.Namespace], dict[str, Any]]) -> None:
    """Do `one` for every IMAGE, each with its own folder in --out; --json then lists the numbers of all.

    A picture that is refused is named on standard error and does not stop the others. Raises InputError at the end
    where there was one, and at once for options that mean one picture.
    """
    from inspector.views.export import dumps

    names = args.image
    if len(names) == 1:
        one(argparse.Namespace(**{**vars(args), "image": names[0]}))
        return
    for option in ("figure", "page", "zip", "film"):
        if getattr(args, option, None) is not None:
            raise ChoiceError(f"--{option} is one file, and {len(names)} pictures are given; use --out.")
    if args.masks is not None:
        raise ChoiceError(f"--masks are of one picture, and {len(names)} are given; ask one at a time.")
    make_writable(file=args.json, folder=args.out)
    done, refused = [], 0
    for number, name in enumerate(names, 1):
        print(f"{name}")
        out = None if args.out is None else args.out / f"{number:02d}-{Path(name).stem.replace(':', '-')}"
        own = argparse.Namespace(**{**vars(args), "image": name, "out": out, "json": None})
        try:
            done.append({"image": name, **one(own)})
        except InputError as error:
            refused += 1
            print(f"inspector: {name}: {' '.join(str(error).split())}", file=sys.stderr)
            if out is not None and out.is_dir() and not any(out.iterdir()):
                out.rmdir()
    if args.json is not None:
        with writing(args.json):
            args.json.write_text(dumps({"pictures": done}, indent=2) + "\n", encoding="utf-8")
    if refused:
        raise InputError(f"{refused} of {len(names)} pictures were refused, as said above; the others are done.")
