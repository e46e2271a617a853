"""Start the page: python app.py [--host H] [--port P]."""

import sys

from inspector.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
