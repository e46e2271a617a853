"""`bench`: timings of the whole program."""

import argparse

from inspector.cli.options import add_json

HELP = "Time the program: what a visitor waits for."
MODULES = {"startup": "inspector.bench.startup", "viewer": "inspector.bench.viewer"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subject, how often, --json."""
    parser.add_argument("subject", choices=MODULES, metavar="{" + ",".join(MODULES) + "}", help="what is timed")
    parser.add_argument("--count", type=int, default=3, metavar="N", help="number of runs (default %(default)s)")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print the timings and write them."""
    from importlib import import_module

    from inspector.cli.output import prepare, write_json
    from inspector.cli.progress import Reporter
    from inspector.results import check_number

    check_number("count", args.count, 1, 100, whole=True)
    prepare(args)
    module = import_module(MODULES[args.subject])
    with Reporter() as report:
        result = module.measure(args.count, report)
    print(module.table(result))
    if args.json is not None:
        write_json(args.json, result)
