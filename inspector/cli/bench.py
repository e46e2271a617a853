"""`bench`: timings of the whole program, of recording and keeping, of segmentation, and of measuring a data set."""

import argparse
from collections.abc import Mapping
from typing import Any, Literal

from inspector.cli.options import add_json

HELP = "Time the program: what a visitor waits for, recording, keeping, methods of segmentation, and measuring."
MODULES = {
    "startup": "inspector.bench.startup",
    "attention": "inspector.bench.attention",
    "keeping": "inspector.bench.keeping",
    "viewer": "inspector.bench.viewer",
    "segmentation": "inspector.bench.segmentation",
    "engines": "inspector.bench.engines",
}
MODELS: Mapping[Literal["clip", "diffusion"], str] = {"clip": "engines", "diffusion": "attention"}  # kind -> subject
KEPT = ("keeping", "segmentation", "engines")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subject, how often, --clip, --diffusion, --full-size, --readme, --json."""
    parser.add_argument("subject", choices=MODULES, metavar="{" + ",".join(MODULES) + "}", help="what is timed")
    parser.add_argument("--count", type=int, default=3, metavar="N", help="number of runs (default %(default)s)")
    for kind, subject in MODELS.items():
        parser.add_argument(
            f"--{kind}",
            default=argparse.SUPPRESS,
            metavar="NAME|DIR",
            help=f"with {subject}: model of the catalog, or a folder (default scenes-{kind})",
        )
    parser.add_argument(
        "--full-size",
        action="store_true",
        help="with segmentation: Stable Diffusion 1.5 and CLIP ViT-B/16 with random weights, instead of the embedded",
    )
    parser.add_argument(
        "--readme",
        action="store_true",
        help=f"with {', '.join(KEPT)}: keep the numbers in assets/measured and renew README",
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
    for kind, subject in MODELS.items():
        if kind in args and args.subject != subject:
            raise ChoiceError(f"--{kind} goes with the subject {subject} alone; leave it out.")
    if args.full_size and args.subject != "segmentation":
        raise ChoiceError("--full-size goes with the subject segmentation alone; leave it out.")
    if args.readme and args.subject not in KEPT:
        raise ChoiceError(f"--readme goes with the subjects {', '.join(KEPT)} alone; leave it out.")
    prepare(args)
    more: dict[str, Any] = {kind: choose(getattr(args, kind), kind) for kind in MODELS if kind in args}
    if args.full_size:
        more["full_size"] = True
    module = import_module(MODULES[args.subject])
    with Reporter() as report:
        result = module.measure(args.count, report, **more)
    print(module.table(result))
    if args.json is not None:
        write_json(args.json, result)
    if args.readme:
        module.keep(result)
