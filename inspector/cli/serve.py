"""`serve`: the page."""

import argparse

HELP = "Open the page with the four tabs."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--host, --port and --model."""
    parser.add_argument("--host", metavar="H", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, metavar="P", help="port to listen on (default: 7860, or the next free one)")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="DIR",
        help="offer the model in this folder: of open_clip, diffusers, a segmenter, or an imported head; as often as "
        "there are folders",
    )


def run(args: argparse.Namespace) -> None:
    """Build the page and serve it until interrupted."""
    from inspector.results import check_number
    from inspector.settings import settings

    settings()  # what the environment says wrong is told before gradio reads it
    if args.port is not None:
        check_number("port", args.port, 1, 65535, whole=True)
    from inspector.models.catalog import register_local

    for folder in args.model:
        register_local(folder)
    from inspector.ui.shell import serve

    serve(args.host, args.port)
