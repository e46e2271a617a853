"""`segmentation`: open-vocabulary segmentation, without training and by trained heads."""

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from inspector.cli.options import (
    Fields,
    add_clip,
    add_diffusion,
    add_fields,
    add_image,
    add_outputs,
    diffusion_of,
    given,
    option,
)
from inspector.errors import ChoiceError

if TYPE_CHECKING:
    import numpy as np

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
        "of a pixel of no named class: constant (--background), power (1 - best)^p, or words, that compete "
        "(default: constant)",
    ),
    "background_words": (str, 'of the rule words, and of CLIP\'s softmax; "" for none (default: the 25 of CLIP-ES)'),
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
# Kinds of models that few methods have.
OWN: Mapping[Literal["segmenter", "head"], str] = {
    "segmenter": "of the method segmenter: clipseg, maskformer-ade, mask2former-ade, sam-vit-base, whose masks --clip "
    "names, or a folder of one (default: clipseg)",
    "head": "of odise: a row of its ablation, such as odise-no-captioner; of odise and san: the folder that import "
    "wrote (default: the shipped one)",
}
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


NAMED: Fields = {
    "most": (int, "of --vocabulary: at most so many words, those that CLIP takes the picture to show (default: all)"),
    "margin": (float, "of --most: how much less than the best word's a word's logit may be (default: 2.75)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --classes or --vocabulary, the request's other fields, the models and the outputs."""
    add_image(parser)
    add_fields(parser, FIELDS)
    parser.add_argument(
        "--vocabulary",
        metavar="NAME",
        help="classes from a word list instead of --classes: scenes, voc-20, context-59, context-459, ade-150, "
        "coco-133 or coco-171",
    )
    add_fields(parser, NAMED)
    add_clip(parser)
    add_diffusion(parser)
    for kind, text in OWN.items():
        parser.add_argument(f"--{kind}", default=argparse.SUPPRESS, metavar="NAME|DIR", help=text)
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
    fields = given(args, FIELDS) | {"clip": choose(args.clip, "clip")} | own
    fields["classes"] = asked_classes(args, fields, picture.image)
    request = SegmentationRequest(**picture.fields, diffusion=diffusion_of(args), **fields)
    result = follow(segmentation.stream(request))
    if result.metrics:
        print(f"mIoU {result.metrics['miou']:.3f}, pixel accuracy {result.metrics['pixel_accuracy']:.3f}. {RULE}")
    return hand_over(result, vote_rows(result) if result.votes else rows(result), args)


def asked_classes(args: argparse.Namespace, fields: Mapping[str, Any], image: "np.ndarray") -> Any:
    """The classes that --classes or --vocabulary gives, which CLIP may choose from; says which it chose.

    Raises ChoiceError unless exactly one of the two is there, and for what belongs to the other.
    """
    own, listed = fields.get("classes"), args.vocabulary
    chooses = given(args, NAMED)
    if (own is None) == (listed is None):
        raise ChoiceError("Say what to look for: give either --classes or --vocabulary.")
    if chooses and listed is None:
        raise ChoiceError(f"{option(next(iter(chooses)))} chooses from a list of words; give --vocabulary too.")
    if "margin" in chooses and "most" not in chooses:
        raise ChoiceError("--margin says how far --most names may be behind; give --most too.")
    if listed is None:
        return own
    from inspector.pipelines.word_lists import words_of
    from inspector.settings import settings

    words, most = words_of(listed), settings().limits.max_classes
    if not chooses:
        if len(words) > most:
            raise ChoiceError(
                f"{listed} has {len(words)} words, and {most} are asked at once; add --most, and CLIP chooses."
            )
        return words
    from inspector.cli.progress import watch
    from inspector.pipelines import naming
    from inspector.results import NamingRequest

    alike = {name: fields[name] for name in ("clip", "template", "side") if name in fields}
    found = watch(naming.stream(NamingRequest(image, words, **chooses, **alike)))
    told = [found[0].synonyms[0], *(f"{name.synonyms[0]} (-{name.behind:.2f})" for name in found[1:])]
    print(f"Of {len(words)} words {fields['clip']} sees, with their logits below the best: {', '.join(told)}.")
    return tuple(name.synonyms for name in found)


def tell_unused(args: argparse.Namespace) -> None:
    """Say on standard error which options the method does not use."""
    from inspector.results import ODISE_HEADS

    method = getattr(args, "method", "maskclip")
    given_models = [name for name in ("clip", "diffusion") if getattr(args, name) != f"scenes-{name}"]
    unused = [name for name, users in USERS.items() if method not in (*users, "all")]
    own_head = getattr(args, "head", "") in ODISE_HEADS
    if (method == "san" and own_head) or (method == "all" and not own_head):
        unused.append("head")
    if method == "all":
        unused.append("segmenter")
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
