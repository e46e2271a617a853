"""`serve`: the page."""

import argparse
from collections.abc import Callable, Collection
from typing import get_args

from inspector.cli.options import add_embedding, file_and_word

HELP = "Open the page with the four tabs."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--host, --port, and the models of one's own that the page offers."""
    parser.add_argument("--host", metavar="H", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, metavar="P", help="port to listen on (default: 7860, or the next free one)")
    offers = {
        "clip": "a CLIP: a folder of open_clip or of transformers",
        "diffusion": "a diffusion model: a folder of diffusers, or a single file",
        "model": "the model in this folder, whatever it is: also a segmenter, or an imported head",
    }
    for name, text in offers.items():
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="PATH",
            help=f"offer {text}; as often as there are",
        )
    parser.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="FILE",
        help="offer a LoRA, a file of safetensors, with the diffusion models that it fits; as often as there are",
    )
    add_embedding(parser, "offer an embedding (textual inversion), a file of safetensors, with the models that it fits")


def run(args: argparse.Namespace) -> None:
    """Build the page and serve it until interrupted."""
    from inspector.results import check_number
    from inspector.settings import settings

    settings()  # what the environment says wrong is told before gradio reads it
    if args.port is not None:
        check_number("port", args.port, 1, 65535, whole=True)
    offer(args)
    from inspector.ui.shell import serve

    serve(args.host, args.port)


def offer(args: argparse.Namespace) -> None:
    """Make the models of --clip, --diffusion and --model, and what changes them, names of the page.

    Raises InputError or ModelError, also for a LoRA or an embedding that none of the models would take.
    """
    from inspector.errors import ModelFilesError
    from inspector.models.catalog import (
        Kind,
        choose,
        embeddings,
        loras,
        names,
        offer_embedding,
        offer_lora,
        register_local,
    )

    for kind in get_args(Kind):
        for path in getattr(args, kind, ()):
            choose(path, kind)
    for path in args.model:
        register_local(path)
    offered: list[tuple[str, str, Callable[[str], Collection[str]]]]
    offered = [(path, offer_lora(path), loras) for path in args.lora]
    offered += [(given, offer_embedding(*file_and_word(given)), embeddings) for given in args.embedding]
    for path, label, fitting in offered:
        if not any(label in fitting(name) for name in names("diffusion")):
            raise ModelFilesError(
                f"{path} fits none of the diffusion models that the page offers; give the one that it was made for by "
                "--diffusion, or leave it out."
            )
