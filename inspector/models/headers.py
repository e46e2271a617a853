"""What a safetensors file says of itself: names, shapes and types of its tensors, read without the tensors."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from inspector.models.files import damaged

Shapes = Mapping[str, tuple[int, ...]]
LONGEST = 100_000_000  # bytes of a header, as the format's own library allows


def shapes(file: Path) -> Shapes:
    """Tensor name -> shape. Raises ModelFilesError when the header cannot be read."""
    try:
        with open(file, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 0 < length <= min(LONGEST, file.stat().st_size):
                raise damaged(file)
            header = json.loads(stream.read(length))
            return {name: tuple(map(int, entry["shape"])) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(file) from error


def elements(file: Path, leaving: str) -> int:
    """How many numbers a file's tensors hold, but for those whose names begin with `leaving`. Raises as `shapes`."""
    return sum(math.prod(shape) for name, shape in shapes(file).items() if not name.startswith(leaving))
