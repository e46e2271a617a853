"""Vocabularies: the class lists of published data sets, each a file of assets/vocabularies that names its source.

A class is a line, and commas separate its synonyms, the first of which is its name; a line that begins with # is a
remark.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from inspector.errors import ChoiceError, ClassesError
from inspector.settings import ASSETS

FOLDER = ASSETS / "vocabularies"
# Name, which is also the file's -> title. A-847 is not among them: its data set brings its own list.
VOCABULARIES: Mapping[str, str] = {
    "voc-20": "PASCAL VOC, 20 classes",
    "context-59": "PASCAL Context, 59 classes",
    "context-459": "PASCAL Context, all 459 classes",
    "ade-150": "ADE20K, 150 classes",
    "coco-133": "COCO panoptic, 133 classes",
    "coco-171": "COCO-Stuff, 171 classes",
}

COCO_THINGS = 80  # the first of its classes; the others are stuff, which has no number


@cache
def stuff() -> tuple[str, ...]:
    """Names and synonyms of COCO panoptic's classes of stuff."""
    return tuple(word for synonyms in vocabulary("coco-133")[COCO_THINGS:] for word in synonyms)


def vocabulary(name: str) -> tuple[tuple[str, ...], ...]:
    """The classes of a vocabulary as tuples of synonyms. Raises ChoiceError, which lists the names, for another one."""
    if name not in VOCABULARIES:
        raise ChoiceError(f"There is no vocabulary {name[:60]!r}; use one of {', '.join(VOCABULARIES)}.")
    return read_classes(FOLDER / f"{name}.txt")


def read_classes(file: Path) -> tuple[tuple[str, ...], ...]:
    """The classes of such a file as tuples of synonyms, in its order.

    Raises ClassesError for a file that cannot be read, that lists no class, or that gives two classes one name.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClassesError(
            f"Cannot read the classes from {str(file)!r}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}; "
            "write one class a line there, synonyms after commas."
        ) from None
    lines = (line.strip() for line in text.splitlines() if not line.lstrip().startswith("#"))
    classes = tuple(group for group in map(_synonyms, lines) if group)
    if not classes:
        raise ClassesError(f"{str(file)!r} lists no class; write one a line.")
    names = [group[0] for group in classes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ClassesError(f"{str(file)!r} lists {twice!r} twice; name each class once.")
    return classes


def _synonyms(line: str) -> tuple[str, ...]:
    return tuple(word for word in (" ".join(word.split()) for word in line.split(",")) if word)
