"""`report`: a list of runs as one folder that opens from disk, with the viewer, figures and a table of metrics."""

import argparse
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from inspector.errors import ChoiceError, InputError

HELP = "Run what a TOML file lists and write one folder with figures, data, numbers and a page that opens from disk."
TABS = ("saliency", "attention", "clusters", "segmentation")
REQUESTS = {tab: f"{tab.capitalize()}Request" for tab in TABS}
OWN = ("tab", "heading", "note", "state")  # of a run, beside what its sub-command takes
Kind = Literal["clip", "diffusion", "segmenter", "head"]
# option -> the request's field, and the kind of model
MODELS: Mapping[str, Mapping[str, tuple[str, Kind]]] = {
    "saliency": {"clip": ("model", "clip")},
    "attention": {"diffusion": ("model", "diffusion")},
    "clusters": {"diffusion": ("model", "diffusion")},
    "segmentation": {
        "clip": ("clip", "clip"),
        "diffusion": ("diffusion", "diffusion"),
        "segmenter": ("segmenter", "segmenter"),
        "head": ("head", "head"),
    },
}


@dataclass(frozen=True)
class Run:
    """One table of the file. state: what the page's viewer opens with."""

    tab: str
    request: Any
    heading: str
    note: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, --out and --pdf."""
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", help="a TOML file: title, and a [[run]] per run with its tab and options"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="write the report there")
    parser.add_argument("--pdf", action="store_true", help="also write report.pdf, each run on a page of its own")


def run(args: argparse.Namespace) -> None:
    """Check the whole file, then run it and write the folder."""
    from inspector.cli.options import make_writable, writing
    from inspector.cli.progress import follow
    from inspector.views.booklet import Part
    from inspector.views.report import write_report

    title, runs = read(args.config)
    make_writable(folder=args.out)
    parts = []
    for number, one in enumerate(runs, 1):
        print(f"{number} of {len(runs)}: {one.heading}")
        result = follow(import_module(f"inspector.pipelines.{one.tab}").stream(one.request))
        rows = import_module(f"inspector.cli.{one.tab}").rows(result)
        parts.append(Part(one.heading, result, rows, one.note, one.state))
    with writing(args.out):
        files = write_report(args.out, title, parts, pdf=args.pdf)
    for file in files:
        print(file)


def read(file: Path) -> tuple[str, list[Run]]:
    """Title and runs of a config. Raises InputError for a file, a run or a value that cannot be used."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"Cannot read {str(file)!r}: {error}; give a TOML file such as assets/reports/paper.toml."
        ) from None
    tables = content.get("run")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ChoiceError(f"{str(file)!r} lists no run; write a [[run]] with a tab for each.")
    title = content.get("title", file.stem)
    return str(title), [_run(table, number) for number, table in enumerate(tables, 1)]


def _run(table: Mapping[str, Any], number: int) -> Run:
    try:
        return _checked(table)
    except InputError as error:
        raise type(error)(f"Run {number}: {error}") from None


def _checked(table: Mapping[str, Any]) -> Run:
    from inspector import results
    from inspector.cli.images import open_picture
    from inspector.models.catalog import choose

    tab = str(table.get("tab"))
    results.check_choice("tab", tab, TABS)
    fields = import_module(f"inspector.cli.{tab}").FIELDS
    known = ("image", *fields, *MODELS[tab], *OWN)
    for name in table:
        results.check_choice("option", name, known)
    values = {name: table[name] for name in fields if name in table}
    if "image" in table:
        picture = open_picture(str(table["image"]))
        values |= picture.fields
        if tab == "attention":
            values.setdefault("prompt", picture.caption)
    elif tab != "attention":
        raise ChoiceError("it has no image; give a file, or scene:SEED.")
    for option, (name, kind) in MODELS[tab].items():
        if option in table:
            values[name] = choose(str(table[option]), kind)
    try:
        request = getattr(results, REQUESTS[tab])(**values)
    except (TypeError, AttributeError) as error:  # a value of another kind, such as a prompt that is a number
        raise ChoiceError(f"{error}; see python -m inspector {tab} --help.") from None
    state = table.get("state", {})
    try:
        json.dumps(state)
    except TypeError:  # a date, which TOML has
        state = None
    if not isinstance(state, dict):
        raise ChoiceError("its state is no table of texts and numbers; leave it out.")
    return Run(tab, request, str(table.get("heading", tab)), str(table.get("note", "")), state)
