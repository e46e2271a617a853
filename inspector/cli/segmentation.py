"""`segmentation`: open-vocabulary segmentation without training."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from inspector.cli.options import Fields, add_clip, add_diffusion, add_fields, add_image, add_outputs, given, option

if TYPE_CHECKING:
    from inspector.results import SegmentationResult

HELP = "Label every pixel with one of the classes, without training."
FIELDS: Fields = {
    "classes": (str, 'such as "car, trees/palms": a comma separates classes, a slash synonyms'),
    "method": (str, "gradcam, maskclip or attention (default: maskclip)"),
    "background": (float, "probability a pixel's best class must reach; 0 labels every pixel (default: 0.0)"),
    "template": (str, "where {} stands for the class (default: a photo of {}.)"),
    "timestep": (int, "t of the noise added once, 0 to 999, for attention (default: 100)"),
    "seed": (int, "of that noise (default: 0)"),
    "side": (int, "shorter side in pixels that the model sees (default: the model's own)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --classes, the request's other fields, the models and the outputs."""
    add_image(parser)
    add_fields(parser, FIELDS, required=("classes",))
    add_clip(parser)
    add_diffusion(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """`one` for every IMAGE."""
    from inspector.cli.output import each

    tell_unused(args)
    each(args, one)


def one(args: argparse.Namespace) -> dict[str, Any]:
    """Print each class's share of the image and, on a drawn scene, its IoU."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.models.catalog import choose
    from inspector.pipelines import segmentation
    from inspector.results import SegmentationRequest
    from inspector.views.segmentation import RULE

    prepare(args)
    picture = open_picture(args.image, args.masks)
    request = SegmentationRequest(
        **picture.fields,
        clip=choose(args.clip, "clip"),
        diffusion=choose(args.diffusion, "diffusion"),
        **given(args, FIELDS),
    )
    result = follow(segmentation.stream(request))
    if result.metrics:
        print(f"mIoU {result.metrics['miou']:.3f}, pixel accuracy {result.metrics['pixel_accuracy']:.3f}. {RULE}")
    return hand_over(result, rows(result), args)


def tell_unused(args: argparse.Namespace) -> None:
    """Say on standard error which options the method does not use."""
    method = getattr(args, "method", "maskclip")
    given_models = [name for name in ("clip", "diffusion") if getattr(args, name) != f"scenes-{name}"]
    unused = ["clip"] if method == "attention" else ["timestep", "seed", "diffusion"]
    told = [option(name) for name in unused if name in given_models or (name in FIELDS and name in args)]
    if told:
        print(f"inspector: {', '.join(told)} is not used by {method}, and is ignored.", file=sys.stderr)


def rows(result: "SegmentationResult") -> list[dict[str, Any]]:
    """Each class's share of the image and, where it has a mask, its IoU."""
    iou = result.metrics.get("iou", {})
    return [
        {"class": name, "share": float((result.labels == index).mean()), "iou": iou.get(name)}
        for index, name in enumerate(result.names, 1)
    ]
