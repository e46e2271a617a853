"""`clusters`: k-means of a diffusion model's features."""

import argparse

from inspector.cli.options import Fields, add_diffusion, add_fields, add_image, add_outputs, given

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
    """IMAGE, the request's fields, the model and the outputs."""
    add_image(parser)
    add_fields(parser, FIELDS)
    add_diffusion(parser)
    add_outputs(parser)


def run(args: argparse.Namespace) -> None:
    """Print each cluster's share of the image and, on a drawn scene, the scores beside RGB and xy."""
    from inspector.cli.images import open_picture
    from inspector.cli.output import hand_over, prepare
    from inspector.cli.progress import follow
    from inspector.models.catalog import choose
    from inspector.pipelines import clusters
    from inspector.results import ClustersRequest

    prepare(args)
    picture = open_picture(args.image)
    model = choose(args.diffusion, "diffusion")
    result = follow(
        clusters.stream(ClustersRequest(picture.image, masks=picture.masks, model=model, **given(args, FIELDS)))
    )
    print(f"inertia {result.inertia:.4f}, stability {result.stability:.3f} (ARI between restarts)")
    shares = [float((result.grid_labels == index).mean()) for index in range(result.request.k)]
    rows = result.metrics or [{"cluster": index, "share": share} for index, share in enumerate(shares)]
    hand_over(result, rows, args)
