"""`evaluate`: a model or a tab measured on held-out drawn scenes, beside its baselines."""

import argparse
from collections.abc import Mapping
from typing import Any, Literal

from inspector.cli.options import add_clip, add_diffusion, add_json

HELP = "Measure the models or a tab on drawn scenes with exact masks."
MODULES = {
    "models": "inspector.evaluation.models",
    "saliency": "inspector.evaluation.saliency",
    "attention": "inspector.evaluation.attention",
    "clusters": "inspector.evaluation.clusters",
    "segmentation": "inspector.evaluation.segmentation",
}
# Which of --clip and --diffusion each subject takes.
MODELS: Mapping[str, tuple[Literal["clip", "diffusion"], ...]] = {
    "models": ("clip", "diffusion"),
    "saliency": ("clip",),
    "attention": ("diffusion",),
    "clusters": ("diffusion",),
    "segmentation": ("clip", "diffusion"),
}

# Which numbers of `evaluate models` speak of which kind of model, for the cards.
MEASURED = {
    "clip": ("retrieval_top1", "presence_auc"),
    "diffusion": ("psnr", "found", "found_on_drawn", "colour_right", "colour_on_drawn"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subject, how many scenes from which seed on, the models, --json, --cards, --readme."""
    parser.add_argument("subject", choices=MODULES, metavar="{" + ",".join(MODULES) + "}", help="what is measured")
    parser.add_argument("--count", type=int, default=256, metavar="N", help="number of scenes (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="first of the held-out scenes, from 0 (default %(default)s)"
    )
    add_clip(parser)
    add_diffusion(parser)
    add_json(parser)
    parser.add_argument(
        "--cards", action="store_true", help="with models: write the numbers into the embedded models' cards"
    )
    parser.add_argument(
        "--readme", action="store_true", help="keep the numbers in assets/measured and renew the table of README"
    )


def run(args: argparse.Namespace) -> None:
    """Print the table of the chosen evaluation and write its numbers."""
    from importlib import import_module

    from inspector import world
    from inspector.cli.output import prepare, write_json
    from inspector.cli.progress import Reporter
    from inspector.errors import ChoiceError
    from inspector.models.catalog import choose
    from inspector.results import check_number

    if args.cards and args.subject != "models":
        raise ChoiceError("--cards goes with the subject models alone; leave it out.")
    if args.readme:
        from inspector.evaluation import readme

        readme.check()
    check_number("count", args.count, 1, 100_000, whole=True)
    held_out = world.EVALUATION_SEEDS
    first = args.seed if args.seed >= held_out.start else held_out.start + args.seed
    check_number("seed", first, held_out.start, held_out.stop - args.count, whole=True)
    prepare(args)
    models = {kind: choose(getattr(args, kind), kind) for kind in MODELS[args.subject]}
    pair = readme.pair_of(models.values()) if args.readme else ""
    module = import_module(MODULES[args.subject])
    with Reporter() as report:
        result = module.evaluate(args.count, first, report, **models)
    print(module.table(result))
    if args.json is not None:
        write_json(args.json, result)
    if args.cards:
        write_cards(result)
    if args.readme:
        readme.write(args.subject, result, pair)


def write_cards(result: Mapping[str, Any]) -> None:
    """Write what `evaluate models` found into the cards of those of its models that are embedded."""
    from inspector.models.catalog import spec
    from inspector.settings import ASSETS
    from inspector.training.cards import write_measured

    measured = {"scenes": result["count"], "first seed": result["seed"]}
    for name in result["models"]:
        model = spec(name)
        if model.origin == "embedded":
            numbers = {metric: result[metric] for metric in MEASURED[model.kind]}
            write_measured(ASSETS / "models" / model.source, measured | numbers)
