"""`import`: an official ODISE or SAN checkpoint as a folder of safetensors that this project opens."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspector.models.imported import Turned

HELP = "Turn an official ODISE or SAN checkpoint into safetensors."
FAMILIES = ("odise", "san")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FAMILY, FILE and --out."""
    parser.add_argument(
        "family", choices=FAMILIES, help="which head the file is of: odise (trained with labels), or san"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the checkpoint, .pth or .pkl, as its makers offer it")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="write head.safetensors and config.json there"
    )


def run(args: argparse.Namespace) -> None:
    """Turn the file, and print what became of every weight in it and which licences bind."""
    from inspector.cli.options import make_writable
    from inspector.models.imported import read_checkpoint, turn, write_imported

    state = read_checkpoint(args.file)
    turned = turn(args.family, state)
    make_writable(folder=args.out)
    write_imported(turned, args.file, args.out)
    print("\n".join(report(turned)))
    print(f"Written to {args.out}.")


def report(turned: "Turned") -> Iterator[str]:
    """A line per part of the checkpoint: names, values, and whether it is used; then licences and what it needs."""
    from inspector.models.published import PUBLISHED

    known = PUBLISHED[turned.family]
    yield f"{known.title}, {known.source}"
    parts: dict[str, tuple[int, int]] = {}
    for name, values in turned.used.items():
        part = name.partition(".")[0]
        names, sum_ = parts.get(part, (0, 0))
        parts[part] = (names + 1, sum_ + values)
    rows = [(f"{part}.", names, values, "used") for part, (names, values) in parts.items()]
    rows += [
        (prefix, names, values, f"left out: {known.left_out[prefix]}")
        for prefix, (names, values) in turned.left_out.items()
    ]
    width = max(len(row[0]) for row in rows)
    yield f"{'part':<{width}}  {'names':>6}  {'values':>12}"
    for part, names, values, what in rows:
        yield f"{part:<{width}}  {names:>6}  {values:>12,}  {what}"
    yield f"{'used':<{width}}  {len(turned.used):>6}  {sum(turned.used.values()):>12,}"
    yield f"Licence of the weights: {known.weights}. Of the code: {known.code}."
    yield f"It was trained on {known.needs}."
