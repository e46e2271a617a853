"""`mask`: a point or a box in a picture gives a mask, which --masks of the other commands reads."""

import argparse
from pathlib import Path

from inspector.cli.options import add_json

HELP = "Cut out what a point or a box means, as a reference mask for --masks and for the page."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --point, --box, --word, --segmenter, --out, --json."""
    parser.add_argument("image", metavar="IMAGE", help="a picture file, or scene:SEED for a drawn scene")
    parser.add_argument(
        "--point",
        action="append",
        default=[],
        metavar="Y,X",
        help="a pixel of what is meant, rows from the top and columns from the left; several say more",
    )
    parser.add_argument(
        "--not-point", action="append", default=[], metavar="Y,X", help="a pixel that is not of it; likewise"
    )
    parser.add_argument("--box", metavar="X0,Y0,X1,Y1", help="a box around it, in pixels")
    parser.add_argument(
        "--word", default="mask", metavar="TEXT", help="the class it is a mask of, as --classes names it (default mask)"
    )
    parser.add_argument(
        "--segmenter",
        default="scenes-sam",
        metavar="NAME|DIR",
        help="scenes-sam, sam-vit-base, or a folder of a Segment Anything (default %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write mask.png, masks.json and result.json there")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print how much of the picture the mask covers and how sure the model is; write what was asked for."""
    from inspector.cli.images import open_picture
    from inspector.cli.options import writing
    from inspector.cli.output import prepare
    from inspector.cli.progress import follow
    from inspector.models.catalog import choose, promptable
    from inspector.pipelines import prompted
    from inspector.results import PromptedRequest, check_text
    from inspector.settings import settings
    from inspector.views import prompted as view

    prepare(args)
    check_text("--word", args.word, settings().limits.max_class_length)
    points = [_numbers("--point", text, 2) for text in args.point]
    others = [_numbers("--not-point", text, 2) for text in args.not_point]
    box = None if args.box is None else _numbers("--box", args.box, 4)
    picture = open_picture(args.image)
    model = promptable(choose(args.segmenter, "segmenter")).name
    request = PromptedRequest(
        picture.image,
        points=tuple(points + others),  # type: ignore[arg-type]
        labels=(1,) * len(points) + (0,) * len(others),
        box_xyxy=box,  # type: ignore[arg-type]
        model=model,
        scene=picture.scene,
    )
    result = follow(prompted.stream(request))
    print(f"{args.image}: {result.mask.mean():.1%} of the picture, expected IoU {result.sure:.3f}, by {model}")
    if args.json is not None:
        with writing(args.json):
            args.json.write_bytes(view.files(result, args.word)["result.json"])
    if args.out is not None:
        with writing(args.out):
            for name, content in view.files(result, args.word).items():
                (args.out / name).write_bytes(content)
        print(f"Written to {args.out}: {', '.join(view.files(result, args.word))}")


def _numbers(option: str, text: str, count: int) -> tuple[float, ...]:
    """So many numbers with commas between. Raises ChoiceError."""
    from inspector.errors import ChoiceError

    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count:
        example = "120,80" if count == 2 else "40,60,200,180"
        raise ChoiceError(f"{option} is {text[:40]!r}; give {count} numbers with commas, such as {example}.")
    return found
