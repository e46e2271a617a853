"""`examples`: the results that come with the program, computed anew."""

import argparse
from pathlib import Path

HELP = "Compute the examples that the page opens with."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--out."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="write the archives there")


def run(args: argparse.Namespace) -> None:
    """Run each tab's examples with the embedded models and write their archives."""
    from inspector.cli.options import make_writable
    from inspector.ui.examples import make

    make_writable(folder=args.out)
    for file in make(args.out):
        print(file)
