"""`bench`: timings of the whole program, and of recording."""

import argparse

from inspector.cli.options import add_json

HELP = "Time the program: what a visitor waits for, and what recording costs."
MODULES = {
    "startup": "inspector.bench.startup",
    "attention": "inspector.bench.attention",
    "viewer": "inspector.bench.viewer",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subject, how often, --diffusion, --json."""
    parser.add_argument("subject", choices=MODULES, metavar="{" + ",".join(MODULES) + "}", help="what is timed")
    parser.add_argument("--count", type=int, default=3, metavar="N", help="number of runs (default %(default)s)")
    parser.add_argument(
        "--diffusion",
        default=argparse.SUPPRESS,
        metavar="NAME|DIR",
        help="with attention: diffusion model of the catalog, or a folder (default scenes-diffusion)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print the timings and write them."""
    from importlib import import_module

    from inspector.cli.output import prepare, write_json
    from inspector.cli.progress import Reporter
    from inspector.errors import ChoiceError
    from inspector.models.catalog import choose
    from inspector.results import check_number

    check_number("count", args.count, 1, 100, whole=True)
    if "diffusion" in args and args.subject != "attention":
        raise ChoiceError("--diffusion goes with the subject attention alone; leave it out.")
    prepare(args)
    models = {"diffusion": choose(args.diffusion, "diffusion")} if "diffusion" in args else {}
    module = import_module(MODULES[args.subject])
    with Reporter() as report:
        result = module.measure(args.count, report, **models)
    print(module.table(result))
    if args.json is not None:
        write_json(args.json, result)
