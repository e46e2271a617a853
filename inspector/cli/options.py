"""Options that several sub-commands share: the picture, the models, a request's fields, where results go."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inspector.errors import InputError

# A field of a request -> its type and help. The option's default is the request's own, named in the help.
Fields = Mapping[str, tuple[Callable[[str], Any], str]]
OPTIONS: Mapping[str, str] = {"noise_timesteps": "t"}  # field -> option, where they differ by more than the dash
METAVARS: Mapping[Any, str] = {str: "TEXT", int: "N", float: "X"}


def add_image(parser: argparse.ArgumentParser) -> None:
    """The positional IMAGE, one or more."""
    parser.add_argument(
        "image",
        nargs="+",
        metavar="IMAGE",
        help="a picture file, or scene:SEED for a drawn scene with its masks; of several, each gets a folder in --out",
    )
    add_masks(parser)


def add_masks(parser: argparse.ArgumentParser) -> None:
    """--masks FILE."""
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="FILE",
        help="true masks of IMAGE, by which maps are scored: COCO's annotations in run lengths, or Label Studio's",
    )


def add_fields(parser: argparse.ArgumentParser, options: Fields, required: tuple[str, ...] = ()) -> None:
    """One option per field; one that is not given is left out of `given`, so that the request's default holds.

    A truth value's option takes no value and means true.
    """
    for name, (kind, text) in options.items():
        if kind is bool:
            parser.add_argument(
                option(name), dest=name, action="store_true", default=argparse.SUPPRESS, help=f"{text} (default: no)"
            )
            continue
        parser.add_argument(
            option(name),
            dest=name,
            type=kind,
            required=name in required,
            default=argparse.SUPPRESS,
            metavar=METAVARS.get(kind, "N"),
            help=text,
        )


def given(args: argparse.Namespace, options: Fields) -> dict[str, Any]:
    """The fields that were given on the command line."""
    return {name: getattr(args, name) for name in options if name in args}


def option(name: str) -> str:
    """The option of a field: noise_timestep -> --noise-timestep."""
    return "--" + OPTIONS.get(name, name).replace("_", "-")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """--out, --figure, --scale, --columns, --page, --zip and --json."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write figure.png, maps.npz, result.json and caption.txt there"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="write the figure alone to this .png, .pdf or .svg file"
    )
    parser.add_argument(
        "--scale",
        type=int,
        default=1,
        metavar="N",
        help="1 to 4: compute the figure's pictures at N times their size, for print (default: 1)",
    )
    parser.add_argument(
        "--columns",
        type=int,
        metavar="N",
        help="1 or 2: make the figure 3.3 or 6.9 inches wide, as a journal's columns are, at 300 pixels to the inch "
        "(default: by --scale)",
    )
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write a page with the viewer, which opens from disk, to this file"
    )
    parser.add_argument(
        "--zip", type=Path, metavar="FILE", help="write every map as a picture and as an array to this .zip file"
    )
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json alone."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to this file")


def add_clip(parser: argparse.ArgumentParser) -> None:
    """--clip."""
    parser.add_argument(
        "--clip",
        default="scenes-clip",
        metavar="NAME|PATH",
        help="CLIP of the catalog, or a folder of open_clip or of transformers' CLIPModel (default %(default)s)",
    )


def add_diffusion(parser: argparse.ArgumentParser) -> None:
    """--diffusion."""
    parser.add_argument(
        "--diffusion",
        default="scenes-diffusion",
        metavar="NAME|PATH",
        help="diffusion model of the catalog, a folder of diffusers, or a single file (default %(default)s)",
    )
    parser.add_argument("--lora", metavar="FILE", help="change the diffusion model by this LoRA, a file of safetensors")
    parser.add_argument(
        "--lora-scale", type=float, metavar="X", help="multiply the LoRA's changes by this, -10 to 10 (default: 1)"
    )
    add_embedding(parser, "read this embedding (textual inversion), a file of safetensors, for a word of prompts")


def add_embedding(parser: argparse.ArgumentParser, text: str) -> None:
    """--embedding."""
    parser.add_argument(
        "--embedding",
        action="append",
        default=[],
        metavar="FILE[=WORD]",
        help=f"{text}, as often as there are (default word: the file's own, else its name)",
    )


def file_and_word(given: str) -> tuple[str, str]:
    """The parts of FILE[=WORD]; a file may have the sign in its name."""
    file, sign, word = given.rpartition("=")
    return (given, "") if not sign or Path(given).expanduser().exists() else (file, word)


def diffusion_of(args: argparse.Namespace) -> str:
    """The name of the model of --diffusion, --lora, --lora-scale and --embedding. Raises as the catalog's functions."""
    from inspector.errors import ChoiceError
    from inspector.models.catalog import choose, register_embedding, register_lora

    name = choose(args.diffusion, "diffusion")
    if args.lora is None:
        if args.lora_scale is not None:
            raise ChoiceError("--lora-scale is of a LoRA; give --lora too, or leave it out.")
    else:
        name = register_lora(name, args.lora, 1.0 if args.lora_scale is None else args.lora_scale)
    for given in args.embedding:
        name = register_embedding(name, *file_and_word(given))
    return name


def make_writable(file: Path | None = None, folder: Path | None = None) -> None:
    """Make the places that results will go to, before the run that makes them; InputError if that fails."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("a", encoding="utf-8").close()
    except OSError as error:
        raise InputError(f"Cannot write {error.filename}: {error.strerror}; choose another place.") from error


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """While something is written to a file or folder: InputError, which names it, where that fails."""
    try:
        yield
    except OSError as error:
        raise InputError(f"Cannot write {place}: {error.strerror or error}; choose another place.") from error
