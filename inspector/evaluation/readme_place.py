"""A place of README that a command fills: what stands between two lines, each there once."""

from pathlib import Path

from inspector.errors import ChoiceError


def check(file: Path, start: str, stop: str) -> None:
    """Raise ChoiceError unless the file has the place, once."""
    text = file.read_text(encoding="utf-8")
    if text.count(start) != 1 or text.count(stop) != 1 or text.index(start) > text.index(stop):
        raise ChoiceError(f"{file.name} has no single pair of lines {start!r} and {stop!r}; put them back.")


def fill(file: Path, start: str, stop: str, text: str) -> None:
    """Put a text that ends in a new line into the place, in place of what is there. Raises ChoiceError as `check`."""
    check(file, start, stop)
    before, _, rest = file.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(stop)
    file.write_text(f"{before}{start}\n{text}{stop}{after}", encoding="utf-8")
