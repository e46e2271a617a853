"""`check-space`: is a folder fit to be pushed to a Hugging Face Space?"""

import argparse
from pathlib import Path

HELP = "Check a folder before it is pushed to a Hugging Face Space."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FOLDER."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="what will be pushed (default: this one)"
    )


def run(args: argparse.Namespace) -> None:
    """Print a line for each check that is good and for each problem. Raises InspectorError where there is one."""
    from inspector.errors import InspectorError
    from inspector.hosting import check_space

    found = 0
    for check in check_space(args.folder):
        found += len(check.problems)
        for line in check.problems or ("ok",):
            print(f"{check.name}: {line}" if line == "ok" else f"{check.name}: problem: {line}", flush=True)
    if found:
        raise InspectorError(f"{found} problem{'s' * (found > 1)} found; mend what is listed, then check again.")
