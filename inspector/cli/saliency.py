"""`saliency`: Grad-CAM of a CLIP model for each class."""

import argparse
from typing import TYPE_CHECKING, Any

from inspector.cli.options import Fields, add_clip, add_fields, add_image, add_outputs, given

if TYPE_CHECKING:
    from inspector.results import SaliencyResult

HELP = "Where a CLIP model looks for each class (Grad-CAM)."
FIELDS: Fields = {
    "classes": (str, 'such as "car, trees/palms": a comma separates classes, a slash synonyms'),
    "background": (str, 'words that join the softmax unseen, "" for none (default: the 25 of CLIP-ES)'),
    "template": (str, "where {} stands for the class (default: a photo of {}.)"),
    "pooling": (str, "class or mean (default: mean)"),
    "threshold": (float, "fraction of a map's maximum for its binary mask (default: 0.4)"),
    "side": (int, "shorter side in pixels that the model sees (default: the model's own)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --classes, the request's other fields, the model and the outputs."""
    add_image(parser)
    add_fields(parser, FIELDS, required=("classes",))
    add_clip(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """`one` for every IMAGE."""
    from inspector.cli.output import each

    each(args, one)


def one(args: argparse.Namespace) -> dict[str, Any]:
    """Print each class's probability, cosine and, on a drawn scene, how well its map fits the mask."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.models.catalog import choose
    from inspector.pipelines import saliency
    from inspector.results import SaliencyRequest

    prepare(args)
    picture = open_picture(args.image, args.masks)
    model = choose(args.clip, "clip")
    result = follow(saliency.stream(SaliencyRequest(**picture.fields, model=model, **given(args, FIELDS))))
    return hand_over(result, rows(result), args)


def rows(result: "SaliencyResult") -> list[dict[str, Any]]:
    """Each class's probability, cosine and, where it has a mask, what was measured."""
    measured = {row["class"]: row for row in result.metrics}
    return [
        {"class": name, "probability": float(probability), "cosine": float(cosine), **measured.get(name, {})}
        for name, probability, cosine in zip(result.names, result.probabilities, result.scores, strict=True)
    ]
