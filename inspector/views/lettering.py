"""Lettering: the type of the figures, and text that is made to fit it."""

from functools import cache
from pathlib import Path
from unicodedata import category

from PIL import ImageFont

MISSING = "□"  # what stands for a letter the type lacks; it has this one


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, `size` pixels to the em."""
    return ImageFont.truetype(str(_file(bold)), size)


def drawable(text: str, bold: bool = False) -> str:
    """The text as one line that can be set: spaces for line breaks, "□" for control characters and what the type lacks.

    Prompts and class names are anybody's, and a control character makes XML invalid.
    """
    letters = _letters(bold)
    return "".join(letter if letter in letters else " " if letter.isspace() else MISSING for letter in text)


def shorten(text: str, width: float, type_: ImageFont.FreeTypeFont) -> str:
    """The text, or as much of its beginning as fits into `width` pixels with an ellipsis."""
    if type_.getlength(text) <= width:
        return text
    while text and type_.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def wrap(text: str, width: float, type_: ImageFont.FreeTypeFont) -> list[str]:
    """The text as lines of at most `width` pixels; a word longer than a line goes on on the next."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):  # not at a space that is to hold words together
        if lines and type_.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines += _pieces(word, width, type_)
    return lines


def _pieces(word: str, width: float, type_: ImageFont.FreeTypeFont) -> list[str]:
    """A word in pieces that fit, broken after a slash or a hyphen where there is one, and else anywhere."""
    found = []
    while type_.getlength(word) > width:
        fits = next((n for n in range(1, len(word)) if type_.getlength(word[: n + 1]) > width), 1)
        stop = max(word.rfind("/", 0, fits), word.rfind("-", 0, fits)) + 1 or fits
        if stop >= len(word):
            break  # one letter, wider than the line
        found.append(word[:stop])
        word = word[stop:]
    return [*found, word]


@cache
def _letters(bold: bool) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    known = map(chr, FT2Font(str(_file(bold))).get_charmap())
    return frozenset(letter for letter in known if letter.isprintable() or category(letter) == "Zs")


def _file(bold: bool) -> Path:
    from matplotlib import get_data_path  # its DejaVu covers Greek, accents and arrows, on every machine

    return Path(get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
