"""`screenshots`: the page as a visitor sees it, for documents."""

import argparse
from pathlib import Path

HELP = "Picture each tab of the page in light, dark and on a phone's screen."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--out and --browser."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="write TAB-SCREEN.png there")
    parser.add_argument("--browser", metavar="FILE", help="a Chromium (default: Debian's)")


def run(args: argparse.Namespace) -> None:
    """Start the page, run each tab's example, and write the pictures."""
    from inspector.cli.options import make_writable
    from inspector.ui.screenshots import take

    make_writable(folder=args.out)
    for file in take(args.out, args.browser):
        print(file)
