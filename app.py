"""Start the page: python app.py [--host H] [--port P]."""

import argparse


def main() -> None:
    """Parse host and port, build the page, serve it."""
    parser = argparse.ArgumentParser(description="Open the page of Dense Inspector.")
    parser.add_argument("--host", metavar="H", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, metavar="P", help="port to listen on (default: 7860, or the next free one)")
    given = parser.parse_args()

    from inspector.ui.shell import serve

    serve(given.host, given.port)


if __name__ == "__main__":
    main()
