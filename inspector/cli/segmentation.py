"""`segmentation`: open-vocabulary segmentation, without training and by trained heads."""

import argparse
import sys
from typing import TYPE_CHECKING, Any, Literal

from inspector.cli.options import (
    Fields,
    add_clip,
    add_diffusion,
    add_fields,
    add_head,
    add_image,
    add_outputs,
    add_segmenter,
    given,
    option,
)

if TYPE_CHECKING:
    from inspector.results import SegmentationResult

HELP = "Label every pixel with one of the classes."
FIELDS: Fields = {
    "classes": (str, 'such as "car, trees/palms": a comma separates classes, a slash synonyms'),
    "method": (
        str,
        "gradcam, clip-es, clip, maskclip, sclip, clearclip, naclip, attention, diffsegmenter, diffseg, diffcut, "
        "vpd-attention, which need no training; trained on masks: odise, san, maskclip-masks, ovseg, lseg, vpd; "
        "segmenter for a model by itself; or all: those without training, and the trained ones if shipped for the "
        "models (default: maskclip)",
    ),
    "background": (float, "score a pixel's best class must reach; 0 labels every pixel (default: 0.0)"),
    "background_rule": (
        str,
        "of a pixel of no named class: constant (--background), power (1 - best)^p, or words, CLIP-ES's, that compete "
        "(default: constant)",
    ),
    "background_power": (float, "p of the rule power (default: 2.0)"),
    "merging": (float, "nats that diffseg merges below; its paper's is Stable Diffusion's (default: 0.9)"),
    "seen_weight": (float, "of CLIP's opinion on odise's masks, for classes seen in training (default: 0.3)"),
    "unseen_weight": (float, "the same for other classes (default: 0.7)"),
    "template": (str, "where {} stands for the class (default: a photo of {}.)"),
    "timestep": (int, "t of the noise added once, 0 to 999, for attention and diffsegmenter (default: 100)"),
    "seed": (int, "of that noise (default: 0)"),
    "side": (int, "shorter side in pixels that the model sees (default: the model's own)"),
}

# Option -> the methods that read it, where not all do.
BY_CLIP = (
    "gradcam",
    "clip-es",
    "clip",
    "maskclip",
    "sclip",
    "clearclip",
    "naclip",
    "diffcut",
    "odise",
    "san",
    "maskclip-masks",
    "ovseg",
    "lseg",
    "vpd",
    "segmenter",  # where its masks have no names
)
BY_DIFFUSION = ("attention", "diffsegmenter", "diffseg", "diffcut", "vpd-attention", "odise", "vpd")
OWN: tuple[Literal["segmenter", "head"], ...] = ("segmenter", "head")  # kinds of models that few methods have
USERS = {
    "clip": BY_CLIP,
    "timestep": ("attention", "diffsegmenter", "diffseg"),
    "seed": ("attention", "diffsegmenter", "diffseg", "diffcut"),
    "merging": ("diffseg",),
    "diffusion": BY_DIFFUSION,
    "head": ("odise", "san"),
    "segmenter": ("segmenter",),
    "seen_weight": ("odise",),
    "unseen_weight": ("odise",),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --classes, the request's other fields, the models and the outputs."""
    add_image(parser)
    add_fields(parser, FIELDS, required=("classes",))
    add_clip(parser)
    add_diffusion(parser)
    add_segmenter(parser)
    add_head(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """`one` for every IMAGE."""
    from inspector.cli.output import each

    tell_unused(args)
    each(args, one)


def one(args: argparse.Namespace) -> dict[str, Any]:
    """Print each class's share of the image, or each method's numbers, and on a drawn scene mIoU."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.models.catalog import choose
    from inspector.pipelines import segmentation
    from inspector.results import SegmentationRequest
    from inspector.views.segmentation import RULE, vote_rows

    prepare(args)
    picture = open_picture(args.image, args.masks)
    own: dict[str, Any] = {kind: choose(getattr(args, kind), kind) for kind in OWN if kind in args}
    request = SegmentationRequest(
        **picture.fields,
        clip=choose(args.clip, "clip"),
        diffusion=choose(args.diffusion, "diffusion"),
        **own,
        **given(args, FIELDS),
    )
    result = follow(segmentation.stream(request))
    if result.metrics:
        print(f"mIoU {result.metrics['miou']:.3f}, pixel accuracy {result.metrics['pixel_accuracy']:.3f}. {RULE}")
    return hand_over(result, vote_rows(result) if result.votes else rows(result), args)


def tell_unused(args: argparse.Namespace) -> None:
    """Say on standard error which options the method does not use."""
    from inspector.results import ODISE_HEADS

    method = getattr(args, "method", "maskclip")
    given_models = [name for name in ("clip", "diffusion") if getattr(args, name) != f"scenes-{name}"]
    unused = [name for name, users in USERS.items() if method not in (*users, "all")]
    if method == "san" and getattr(args, "head", "") in ODISE_HEADS:
        unused.append("head")
    told = [option(name) for name in unused if name in given_models or (name in (*FIELDS, *OWN) and name in args)]
    if told:
        print(f"inspector: {', '.join(told)} is not used by {method}, and is ignored.", file=sys.stderr)


def rows(result: "SegmentationResult") -> list[dict[str, Any]]:
    """Each class's share of the image and, where it has a mask, its IoU."""
    iou = result.metrics.get("iou", {})
    return [
        {"class": name, "share": float((result.labels == index).mean()), "iou": iou.get(name)}
        for index, name in enumerate(result.names, 1)
    ]
