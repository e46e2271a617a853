"""Spelling: the one rule that says what a word of a text is, and where a word or phrase stands in it.

A word is a run of letters, marks and digits, with hyphens and apostrophes of any kind inside it: "t-shirt" is one word,
and "shirt" does not stand in it. Each character of Chinese and each Hiragana is a word, and in scripts that are written
without spaces a phrase may begin and end anywhere. Each emoji is a word. Texts are compared without regard to case, to
composed and decomposed letters, and to which hyphen or apostrophe was typed.
"""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import regex

SEPARATE = r"\p{Han}\p{Hiragana}"  # each character is a word
UNSPACED = (
    rf"{SEPARATE}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}\p{{Katakana}}\p{{Tibetan}}\p{{Javanese}}\p{{Balinese}}"
)
HYPHENS = "-\u2010\u2011\u00ad\ufe63\uff0d"
APOSTROPHES = "'\u2019\u2018\u02bc\uff07\u201b"
JOINS = rf"\-{HYPHENS[1:]}{APOSTROPHES}\u00b7"
_RUN = rf"(?:(?![{SEPARATE}])[\p{{L}}\p{{N}}\p{{M}}_\u200c\u200d])"
_WORD = regex.compile(
    rf"(?=[{SEPARATE}])\X"
    rf"|(?:{_RUN}+(?:[{JOINS}]{_RUN}+|(?<=\p{{N}})[.,](?=\p{{N}}){_RUN}+)*)"
    r"|(?=[\p{Emoji_Presentation}\p{Extended_Pictographic}\p{Regional_Indicator}]|[0-9#*]\ufe0f?\u20e3)\X",
    regex.VERSION1,
)
_KEYCAP = regex.compile(r"[0-9#*]\ufe0f?\u20e3")
_UNSPACED = regex.compile(rf"[{UNSPACED}]")
_CLUSTER = regex.compile(r"\X")
_NUMBERED = regex.compile(r"(.+)#([1-9][0-9]{0,2})", regex.DOTALL)
_CHARACTERS = regex.compile(r"@([0-9]{1,6}):([0-9]{1,6})")
_FOLDED = str.maketrans(dict.fromkeys(HYPHENS, "-") | dict.fromkeys(APOSTROPHES, "'"))


@dataclass(frozen=True)
class Word:
    """A word as it is written, and its characters' span in the text."""

    text: str
    start: int
    stop: int


@lru_cache(maxsize=64)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text, in order."""
    found = []
    at = 0
    while match := _KEYCAP.search(text, at) or None:
        found += _plain(text, at, match.start())
        found.append(Word(match[0], *match.span()))
        at = match.end()
    return (*found, *_plain(text, at, len(text)))


def _plain(text: str, start: int, stop: int) -> list[Word]:
    return [Word(match[0], *match.span()) for match in _WORD.finditer(text, start, stop)]


def names(text: str) -> tuple[str, ...]:
    """The words that can be asked for: each once, as it is first written; one that stands more often also by number.

    "a sheep and another sheep" has "sheep", their mean, and "sheep#1" and "sheep#2". A text without a word is one.
    """
    standing: dict[str, list[str]] = {}
    for word in words(text):
        standing.setdefault(folded(word.text), []).append(word.text)
    found: list[str] = []
    for first, *others in standing.values():
        found.append(first)
        found += [f"{first}#{number}" for number in range(1, len(others) + 2)] if others else []
    return tuple(found) or ((text.strip(),) if text.strip() else ())


def spans(text: str, asked: str) -> tuple[tuple[int, int], ...]:
    """(start, stop) of each place where a word or phrase stands, () where it does not.

    asked: "sheep", "snow-white sky", "sheep#2" for the second of several, or "@2:7" for the characters from 2 up to 7,
    counted from 0; a phrase that is itself so written is found as it is.
    """
    if found := _standing(text, asked):
        return found
    if numbered := _NUMBERED.fullmatch(asked.strip()):
        return _standing(text, numbered[1])[int(numbered[2]) - 1 :][:1]
    if (characters := _CHARACTERS.fullmatch(asked.strip())) and int(characters[1]) < min(int(characters[2]), len(text)):
        return ((int(characters[1]), min(int(characters[2]), len(text))),)
    return ()


def said(text: str, asked: str) -> str:
    """What is asked for as a reader says it: the characters where it is a span of them."""
    if _CHARACTERS.fullmatch(asked.strip()) and not _standing(text, asked):
        return "".join(text[start:stop] for start, stop in spans(text, asked)) or asked
    return asked


def plain_name(name: str) -> str:
    """A name of `names` without its number."""
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


def folded(text: str) -> str:
    """A text as texts are compared."""
    return "".join(part for part, _, _ in _clusters(text.strip()))


def _standing(text: str, asked: str) -> tuple[tuple[int, int], ...]:
    needle = folded(asked)
    if not needle:
        return ()
    clusters = _clusters(text)
    starts: dict[int, int] = {}
    stops: dict[int, int] = {}
    length = 0
    for part, start, stop in clusters:
        starts[length] = start
        length += len(part)
        stops[length] = stop
    hay = "".join(part for part, _, _ in clusters)
    found, at = [], hay.find(needle)
    while at >= 0:
        begin, end = starts.get(at), stops.get(at + len(needle))
        fits = begin is not None and end is not None and _is_border(text, begin) and _is_border(text, end)
        if fits:
            found.append((begin, end))
        at = hay.find(needle, at + (len(needle) if fits else 1))
    return tuple(found)  # type: ignore[arg-type]  # the fitting ones alone


def _is_border(text: str, place: int) -> bool:
    """Whether a word or phrase may begin or end before the character at `place`."""
    known = words(text)
    index = bisect_right([word.start for word in known], place) - 1
    if index < 0 or not known[index].start < place < known[index].stop:
        return True
    return bool(_UNSPACED.match(text, place - 1) or _UNSPACED.match(text, place))


def _clusters(text: str) -> list[tuple[str, int, int]]:
    """(as compared, start, stop) of each character as a reader counts them; spaces in a row are one."""
    found: list[tuple[str, int, int]] = []
    for match in _CLUSTER.finditer(text):
        part = unicodedata.normalize("NFKC", match[0]).casefold().translate(_FOLDED)
        part = unicodedata.normalize("NFKC", part)
        if part.isspace():
            if found and found[-1][0] == " ":
                found[-1] = " ", found[-1][1], match.end()
                continue
            part = " "
        found.append((part, match.start(), match.end()))
    return found
