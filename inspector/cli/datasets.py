"""What `evaluate` does with --dataset: a tab measured on the pictures and masks of a folder, by either engine."""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

# Field of the request -> subjects whose request has it. The option is named as the field.
FIELDS = {
    "method": ("segmentation",),
    "background": ("segmentation",),
    "template": ("segmentation", "saliency"),
    "pooling": ("saliency",),
    "preset": ("clusters",),
    "timestep": ("segmentation", "attention", "clusters"),
    "segmenter": ("segmentation",),
    "head": ("segmentation",),
}
KINDS: Mapping[str, Literal["segmenter", "head"]] = {"segmenter": "segmenter", "head": "head"}  # which name a model
# Where a subject's request calls a field or a model otherwise.
NAMES = {"attention": {"timestep": "noise_timestep"}}
OWN = ("root", "out", "vocabulary", "engine", "workers", *FIELDS)
FORMATS = ("voc", "context", "ade", "coco", "folder")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--dataset, and what goes with it; what is not given is left out of the namespace."""
    group = parser.add_argument_group("of a data set on this machine, in place of drawn scenes")

    def add(name: str, kind: Any, metavar: str, text: str) -> None:
        group.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, metavar=metavar, help=text)

    group.add_argument(
        "--dataset", choices=FORMATS, help="measure on its pictures and masks; --count takes its first ones, else all"
    )
    add("root", Path, "DIR", "the data set's folder")
    add(
        "out", Path, "DIR", "write pictures.csv, result.json, summary.md with the worst and best pictures, and journal/"
    )
    add("vocabulary", int, "N", "number of classes: voc 21, 20; context 59, 459; ade 150, 847; coco 133, 171")
    add("engine", str, "NAME", "plain, a loop (default), or ray, which pip install -r requirements-ray.txt brings")
    add("workers", int, "N", "with --engine ray: processes with a model each (default 1)")
    add("method", str, "NAME", "of segmentation, as its sub-command's")
    add("segmenter", str, "NAME|DIR", "of segmentation by segmenter, as its sub-command's; of prompted also without")
    add("head", str, "NAME|DIR", "of segmentation by odise and san, as its sub-command's")
    add("background", float, "X", "of segmentation: score that a pixel's best class must reach, else it is background")
    add("template", str, "TEXT", "of segmentation and saliency: where {} stands for the class")
    add("pooling", str, "NAME", "of saliency: class or mean")
    add("preset", str, "NAME", "of clusters: A, B or C")
    add("timestep", int, "N", "of segmentation, attention and clusters: t of the noise, 0 to 999")


def check_unused(args: argparse.Namespace, used: Collection[str] = ()) -> None:
    """Raise ChoiceError where an option of data sets is given and no data set is. used: those of some other use."""
    from inspector.errors import ChoiceError

    given = [name for name in OWN if name in args and name not in used]
    if given:
        raise ChoiceError(f"--{given[0]} goes with --dataset; add it, or leave it out.")


def run(args: argparse.Namespace) -> None:
    """Measure every picture that the journal does not have, print the table and write the folder.

    Raises InputError at the end where pictures could not be measured.
    """
    from inspector.cli.options import make_writable, writing
    from inspector.cli.output import write_json
    from inspector.cli.progress import Reporter
    from inspector.errors import InputError
    from inspector.evaluation import extremes, of_dataset
    from inspector.evaluation.datasets import read_dataset
    from inspector.evaluation.journal import open_journal
    from inspector.evaluation.measuring import Task
    from inspector.results import check_number

    _check(args)
    workers = getattr(args, "workers", 1)
    check_number("workers", workers, 1, 1000, whole=True)
    if args.count is not None:
        check_number("count", args.count, 1, 10_000_000, whole=True)
    asked = options(args)
    dataset = read_dataset(args.dataset, args.root, getattr(args, "vocabulary", None))
    task = Task(args.subject, dataset, asked)
    make_writable(file=args.json, folder=args.out)
    with writing(args.out):
        about = {"subject": task.subject, "dataset": dataset.title, "classes": dataset.names, "options": task.options}
        journal = open_journal(args.out / "journal", about)
        with Reporter() as report:
            rows = of_dataset.evaluate(task, journal, getattr(args, "engine", "plain"), workers, args.count, report)
        extremes.write_table(rows, args.out / "pictures.csv")
        result = of_dataset.summary(task, rows)
        told = of_dataset.table(result)
        print(told)
        write_json(args.out / "result.json", result)
        if args.json is not None:
            write_json(args.json, result)
        extremes.write_extremes(task, result, told, args.out)
        print(f"Written to {args.out}: pictures.csv, result.json, summary.md with the worst and best pictures")
    if failed := len(result["failed"]):
        raise InputError(f"{failed} of {len(rows)} pictures could not be measured, as said above; the others are done.")


def options(args: argparse.Namespace) -> dict[str, Any]:
    """Fields of the subject's request from the options, models registered. Raises ChoiceError for another subject's."""
    from inspector.cli.options import diffusion_of
    from inspector.errors import ChoiceError
    from inspector.models.catalog import choose

    names, found = NAMES.get(args.subject, {}), {}
    for field, subjects in FIELDS.items():
        if field in args:
            if args.subject not in subjects:
                raise ChoiceError(f"--{field} goes with {' and '.join(subjects)}; leave it out with {args.subject}.")
            value = getattr(args, field)
            found[names.get(field, field)] = choose(value, KINDS[field]) if field in KINDS else value
    clip, diffusion = (lambda: choose(args.clip, "clip")), (lambda: diffusion_of(args))
    if args.subject == "segmentation":
        return found | {"clip": clip(), "diffusion": diffusion(), "seed": args.seed}
    if args.subject == "saliency":
        return found | {"model": clip()}
    return found | {"model": diffusion(), "seed": args.seed}


def _check(args: argparse.Namespace) -> None:
    """Raise ChoiceError for what a data set cannot be measured without, or with."""
    from inspector.errors import ChoiceError

    if args.subject == "models":
        raise ChoiceError("--dataset measures a tab; choose saliency, attention, clusters or segmentation.")
    for name in ("root", "out"):
        if name not in args:
            raise ChoiceError(f"--dataset needs --{name} DIR; add it.")
    for name in ("cards", "readme", "verdict", "stored"):
        if getattr(args, name):
            raise ChoiceError(f"--{name} goes with drawn scenes; leave it out with --dataset.")
