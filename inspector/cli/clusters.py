"""`clusters`: k-means of a diffusion model's features."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inspector.cli.options import Fields, add_diffusion, add_fields, add_image, add_outputs, diffusion_of, given

if TYPE_CHECKING:
    from inspector.results import ClustersResult
    from inspector.views.figure import Sheet

HELP = "What a diffusion model's features group together (k-means of UNet features)."
FIELDS: Fields = {
    "k": (int, "number of clusters (default: 6)"),
    "preset": (str, "layers: A, B or C (default: A)"),
    "timestep": (int, "t of the noise added once, 0 to 999 (default: 100)"),
    "prompt": (str, "text the model sees meanwhile (default: none)"),
    "seed": (int, "of the noise and of k-means (default: 0)"),
    "restarts": (int, "of k-means; the best is kept (default: 5)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, --beside, the request's fields, the model and the outputs."""
    add_image(parser)
    parser.add_argument("--beside", metavar="IMAGE", help="a second case: one more row of the figure")
    add_fields(parser, FIELDS)
    add_diffusion(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """`one` for every IMAGE."""
    from inspector.cli.output import each
    from inspector.errors import ChoiceError

    if args.beside and len(args.image) > 1:
        raise ChoiceError("--beside puts a second case below one picture; give one, or leave it out.")
    each(args, one)


def one(args: argparse.Namespace) -> dict[str, Any]:
    """Print each cluster's share of the image and, on a drawn scene, the scores beside RGB and xy."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.errors import ChoiceError
    from inspector.pipelines import clusters
    from inspector.results import ClustersRequest
    from inspector.views import clusters as view
    from inspector.views.look import Look

    if args.beside and args.out:
        raise ChoiceError("--out keeps one case; use --figure and --json with --beside, or leave it out.")
    prepare(args)
    names = [name for name in (args.image, args.beside) if name is not None]
    pictures = [open_picture(names[0], args.masks), *map(open_picture, names[1:])]
    model = diffusion_of(args)
    results = []
    for name, picture in zip(names, pictures, strict=True):
        request = ClustersRequest(**picture.fields, model=model, **given(args, FIELDS))
        result = follow(clusters.stream(request))
        print(f"{name}: inertia {result.inertia:.4f}, stability {result.stability:.3f} (ARI between restarts)")
        results.append(result)
    cases: list[dict[str, Any]] = [{"image": name} if args.beside else {} for name in names]
    told = [{**case, **row} for case, result in zip(cases, results, strict=True) for row in rows(result)]

    def figure(scale: int) -> "Sheet":
        return view.sheet(results, Look(), view.SIDE * scale, labels=names)

    return hand_over(results[0], told, args, figure if args.beside else None, results[1:])


def rows(result: "ClustersResult") -> Sequence[Mapping[str, Any]]:
    """On a drawn scene the scores per method, otherwise each cluster's share of the image."""
    shares = [float((result.grid_labels == index).mean()) for index in range(result.request.k)]
    return result.metrics or [{"cluster": index, "share": share} for index, share in enumerate(shares)]
