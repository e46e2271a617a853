"""`evaluate`: a model or a tab measured on held-out drawn scenes, beside its baselines."""

import argparse
from collections.abc import Mapping
from typing import Any, Literal

from inspector.cli import datasets
from inspector.cli.options import add_clip, add_diffusion, add_json

HELP = "Measure the models or a tab on drawn scenes with exact masks, or a tab on a data set of this machine."
MODULES = {
    "models": "inspector.evaluation.models",
    "saliency": "inspector.evaluation.saliency",
    "attention": "inspector.evaluation.attention",
    "clusters": "inspector.evaluation.clusters",
    "segmentation": "inspector.evaluation.segmentation",
    "edits": "inspector.evaluation.edits",
    "prompted": "inspector.evaluation.prompted",
    "masks": "inspector.evaluation.masks",
}
SEGMENTER = "scenes-sam"  # by default, of those that take one
SCENES, OF_VERDICT = 256, 64  # by default; the verdict takes a quarter of an hour for so many
OF_SUBJECT = {"edits": 4, "masks": 16}  # likewise, of pictures that are generated
# Which of --clip, --diffusion and --segmenter each subject takes.
MODELS: Mapping[str, tuple[Literal["clip", "diffusion", "segmenter"], ...]] = {
    "models": ("clip", "diffusion"),
    "saliency": ("clip",),
    "attention": ("diffusion",),
    "clusters": ("diffusion",),
    "segmentation": ("clip", "diffusion"),
    "edits": ("clip", "diffusion"),
    "prompted": ("segmenter",),
    "masks": ("clip", "diffusion", "segmenter"),
}
PAIRLESS = ("prompted", "masks")  # whose models need not be a pair

# Which numbers of `evaluate models` speak of which kind of model, for the cards.
MEASURED = {
    "clip": ("retrieval_top1", "presence_auc"),
    "diffusion": ("psnr", "found", "found_on_drawn", "colour_right", "colour_on_drawn"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subject, how many scenes from which seed on, the models, --json, --cards, --readme, those of the verdict."""
    parser.add_argument("subject", choices=MODULES, metavar="{" + ",".join(MODULES) + "}", help="what is measured")
    parser.add_argument(
        "--count",
        type=int,
        metavar="N",
        help=f"number of scenes (default {SCENES}, with --verdict {OF_VERDICT}, "
        + ", ".join(f"of {name} {count}" for name, count in OF_SUBJECT.items())
        + ")",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="first of the held-out scenes, from 0; with --dataset of the noise (default %(default)s)",
    )
    add_clip(parser)
    add_diffusion(parser)
    add_json(parser)
    parser.add_argument(
        "--cards",
        action="store_true",
        help="with models or prompted: write the numbers into the embedded models' cards",
    )
    parser.add_argument(
        "--readme", action="store_true", help="keep the numbers in assets/measured and renew README's part about them"
    )
    parser.add_argument(
        "--verdict",
        action="store_true",
        help="with attention: what one noise does to it, arm by arm, and to the features of clusters",
    )
    parser.add_argument(
        "--stored",
        action="store_true",
        help="with --verdict: measure nothing, show what assets/measured keeps; with --readme renew README from it",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="K",
        help="with --verdict and masks: noises of each picture; with edits: pictures of each prompt (default 4)",
    )
    parser.add_argument(
        "--t", metavar="LIST", help="with --verdict and masks: timesteps of the noise (default 1,101,301,501,701)"
    )
    parser.add_argument(
        "--generated", type=int, metavar="M", help="with --verdict: pictures to generate (default a quarter of --count)"
    )
    parser.add_argument(
        "--table",
        action="store_true",
        help="with segmentation: measure nothing, show what `train heads` measured, Table 1 in miniature; with "
        "--readme keep it and renew README from it",
    )
    datasets.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Print the table of the chosen evaluation and write its numbers."""
    from importlib import import_module

    from inspector import world
    from inspector.cli.output import prepare, write_json
    from inspector.cli.progress import Reporter
    from inspector.errors import ChoiceError
    from inspector.evaluation import edits_readme, masks_readme, prompted_readme, readme, verdict_readme
    from inspector.models.catalog import choose
    from inspector.results import check_number

    if args.dataset is not None:
        datasets.run(args)
        return
    datasets.check_unused(args, ("segmenter",) if "segmenter" in MODELS[args.subject] else ())
    if args.cards and args.subject not in ("models", "prompted"):
        raise ChoiceError("--cards goes with the subjects models and prompted alone; leave it out.")
    options = verdict_options(args)
    if args.table:
        heads_table(args)
        return
    by_pairs = args.subject not in PAIRLESS
    others: Mapping[str, Any] = {"edits": edits_readme, "prompted": prompted_readme, "masks": masks_readme}
    kept: Any = verdict_readme if args.verdict else others.get(args.subject, readme)
    if args.readme:
        kept.check()
    if args.stored:
        from inspector.evaluation import verdict

        print("\n\n\n".join(map(verdict.table, verdict_readme.read())))
        if args.readme:
            verdict_readme.renew()
        return
    usual = OF_VERDICT if args.verdict else OF_SUBJECT.get(args.subject, SCENES)
    count = usual if args.count is None else args.count
    check_number("count", count, 1, 100_000, whole=True)
    held_out = world.EVALUATION_SEEDS
    first = args.seed if args.seed >= held_out.start else held_out.start + args.seed
    check_number("seed", first, held_out.start, held_out.stop - count, whole=True)
    prepare(args)
    models = {kind: choose(getattr(args, kind, SEGMENTER), kind) for kind in MODELS[args.subject]}
    pair = readme.pair_of(models.values()) if args.readme and by_pairs else ""
    module = import_module("inspector.evaluation.verdict" if args.verdict else MODULES[args.subject])
    with Reporter() as report:
        result = module.evaluate(count, first, report, **models, **options)
    print(module.table(result))
    if args.json is not None:
        write_json(args.json, result)
    if args.cards:
        write_cards(result)
    if args.readme:
        if kept is edits_readme:
            edits_readme.write(result, pair)
        elif kept is readme:
            readme.write(args.subject, result, pair)
        else:
            kept.write(result)


def verdict_options(args: argparse.Namespace) -> dict[str, Any]:
    """What --seeds, --t and --generated ask for, as `verdict.evaluate` takes it, `masks.evaluate` the first two, and
    `edits.evaluate` the first.

    Raises ChoiceError where they are of no use, and for timesteps that are no whole numbers.
    """
    from inspector.errors import ChoiceError

    if args.verdict and args.subject != "attention":
        raise ChoiceError("--verdict goes with the subject attention alone; leave it out.")
    given = {"seeds": args.seeds, "timesteps": args.t, "generated": args.generated}
    given = {name: value for name, value in given.items() if value is not None}
    own = {"edits": {"seeds"}, "masks": {"seeds", "timesteps"}}.get(args.subject, set())
    if not args.verdict and (set(given) - own or args.stored):
        raise ChoiceError("--stored, --seeds, --t and --generated go with --verdict; add it, or leave them out.")
    if args.t is not None:
        try:
            given["timesteps"] = [int(number) for number in args.t.split(",")]
        except ValueError:
            raise ChoiceError(f"--t is {args.t!r}; give whole numbers with commas, such as 1,101,301.") from None
    return given


def heads_table(args: argparse.Namespace) -> None:
    """Print the table of trained heads, a pair of models after the other; --readme keeps it, --json writes it."""
    from inspector.cli.output import write_json
    from inspector.errors import ChoiceError
    from inspector.evaluation import heads, heads_readme
    from inspector.settings import settings

    if args.subject != "segmentation" or args.verdict:
        raise ChoiceError("--table goes with the subject segmentation alone; leave it out.")
    if args.readme:
        heads_readme.check()
    rows = heads_readme.read(settings().runs)
    pairs = {pair: [row for row in rows if row["pair"] == pair] for pair in dict.fromkeys(row["pair"] for row in rows)}
    results = {pair: heads.summary(own) for pair, own in (pairs or {"plain": []}).items()}
    print("\n\n\n".join(f"On the {pair} pair\n{heads.table(result)}" for pair, result in results.items()))
    if args.json is not None:
        write_json(args.json, results)
    if args.readme:
        heads_readme.write(rows)


def write_cards(result: Mapping[str, Any]) -> None:
    """Write what `evaluate models`, or `prompted`, found into the cards of those of its models that are embedded."""
    from inspector.evaluation.prompted import card_numbers
    from inspector.models.catalog import spec
    from inspector.settings import ASSETS
    from inspector.training.cards import write_measured

    measured = {"scenes": result["count"], "first seed": result["seed"]}
    if "found" in result and "model" in result:
        if spec(result["model"]).origin == "embedded":
            write_measured(ASSETS / "models" / spec(result["model"]).source, measured | card_numbers(result))
        return
    for name in result["models"]:
        model = spec(name)
        if model.origin == "embedded":
            numbers = {metric: result[metric] for metric in MEASURED[model.kind]}
            write_measured(ASSETS / "models" / model.source, measured | numbers)
