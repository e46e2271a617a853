"""The command line: find the sub-command, run it, and turn its errors into one line and an exit code.

Each sub-command is a module with `HELP`, `add_arguments(parser)` and `run(args)`; what it needs is
imported when it runs, so that `--help` answers at once.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from inspector import __version__
from inspector.errors import InputError, InspectorError, ModelFilesError

COMMANDS = {
    "serve": "inspector.cli.serve",
    "scenes": "inspector.cli.scenes",
    "saliency": "inspector.cli.saliency",
    "attention": "inspector.cli.attention",
    "clusters": "inspector.cli.clusters",
    "segmentation": "inspector.cli.segmentation",
    "mask": "inspector.cli.mask",
    "evaluate": "inspector.cli.evaluate",
    "train": "inspector.cli.train",
    "import": "inspector.cli.import_",
    "bench": "inspector.cli.bench",
    "screenshots": "inspector.cli.screenshots",
    "report": "inspector.cli.report",
    "examples": "inspector.cli.examples",
    "check-space": "inspector.cli.check_space",
}
DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line that names the help to read."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError instead of printing the usage and exiting."""
        raise InputError(f"{message}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; the exit code is 0 done, 2 wrong use or bad input, 130 interrupted, 1 anything else.

    Bad input and failures with a known reason are one line on standard error; a bug keeps its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be Unicode
    try:
        args = _parser().parse_args(argv)
        import_module(COMMANDS[args.command]).run(args)
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    except (InputError, ModelFilesError) as error:
        return _complain(error, WRONG_USE)
    except InspectorError as error:
        return _complain(error, FAILED)
    except OSError as error:  # a full disk, a pipe that nobody reads, a folder that may not be written to
        where = f" {str(error.filename)!r}" if error.filename else ""
        return _complain(InspectorError(f"Cannot read or write{where}: {error.strerror or error}."), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _parser() -> Parser:
    parser = Parser(
        prog="python -m inspector",
        description="Look at what CLIP and Stable Diffusion compute, and measure it against masks.",
        epilog="Exit codes: 0 done; 2 wrong use or bad input; 1 anything else.",
    )
    parser.add_argument("--version", action="version", version=f"dense-inspector {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for stem, path in COMMANDS.items():
        module = import_module(path)
        module.add_arguments(commands.add_parser(stem, help=module.HELP, description=module.HELP))
    return parser


def _complain(error: InspectorError, code: int) -> int:
    print("inspector:", " ".join(str(error).split()), file=sys.stderr)
    return code
