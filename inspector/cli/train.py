"""`train`: make the embedded models again, from drawn scenes and captions; segmenter and heads, from masks."""

import argparse
from pathlib import Path

HELP = (
    "Train an embedded model: clip, then autoencoder, then diffusion, then segmentation heads on them; or the "
    "segmenter, which needs none of them."
)
MODULES = {
    "clip": "inspector.training.clip",
    "autoencoder": "inspector.training.autoencoder",
    "diffusion": "inspector.training.diffusion",
    "segmenter": "inspector.training.segmenter",
}
PLAIN = {"clip": "inspector.training.plain_clip", "diffusion": "inspector.training.plain_diffusion"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, --recipe, --preset, --resume, --out."""
    parser.add_argument(
        "model", choices=(*MODULES, "heads"), metavar="{" + ",".join((*MODULES, "heads")) + "}", help="what is trained"
    )
    parser.add_argument(
        "--recipe",
        choices=("taught", "plain"),
        help="taught: also told where words are; plain: by the originals' losses alone (default taught; heads, which "
        "stand on either pair, plain)",
    )
    parser.add_argument("--preset", choices=("cpu", "gpu"), default="cpu", help="how long and how large (default cpu)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where the model's folder is written and the others are read (default: models in the runs folder; "
        "assets/models ships it)",
    )
    parser.add_argument(
        "--rows", metavar="LIST", help="with heads: which, by name, commas between (default: one after the other, all)"
    )
    parser.add_argument(
        "--table", action="store_true", help="with heads: from three seeds each, for `evaluate segmentation --table`"
    )


def run(args: argparse.Namespace) -> None:
    """Train; checkpoints, samples and the log go to INSPECTOR_RUNS (default: runs)."""
    from importlib import import_module

    from inspector.errors import ChoiceError
    from inspector.settings import settings

    if args.model == "heads":
        from inspector.training import heads

        if args.preset != "cpu":
            raise ChoiceError("Heads have one preset, which goes on where it was; leave out --preset.")
        names = [name.strip() for name in (args.rows or "").split(",") if name.strip()]
        seeds = heads.SEEDS if args.table else heads.SEEDS[:1]
        heads.train(settings().runs, names, seeds, args.recipe or "plain", args.out)
        return
    if args.rows or args.table:
        raise ChoiceError("--rows and --table go with heads alone; leave them out.")
    if args.recipe == "plain" and args.model not in PLAIN:
        raise ChoiceError(f"Both pairs share one {args.model}; leave out --recipe, or train {' or '.join(PLAIN)}.")
    modules = PLAIN if args.recipe == "plain" else MODULES
    train = import_module(modules[args.model]).train
    train(preset=args.preset, resume=args.resume, runs=settings().runs, out=args.out)
