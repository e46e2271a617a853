"""`serve`: the page."""

import argparse

HELP = "Open the page with the four tabs."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--host and --port."""
    parser.add_argument("--host", metavar="H", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, metavar="P", help="port to listen on (default: 7860, or the next free one)")


def run(args: argparse.Namespace) -> None:
    """Build the page and serve it until interrupted."""
    from inspector.results import check_number
    from inspector.settings import settings

    settings()  # what the environment says wrong is told before gradio reads it
    if args.port is not None:
        check_number("port", args.port, 1, 65535, whole=True)
    from inspector.ui.shell import serve

    serve(args.host, args.port)
