"""Checks shared by the requests: bad input becomes one sentence that ends in the remedy.

Limits come from `settings`, so page, API and command line refuse the same input with the same words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, ClassesError, ImageError, PromptError
from inspector.results.quoting import described, is_unicode, quoted
from inspector.results.spelling import folded
from inspector.settings import settings

Masks = Mapping[str, np.ndarray]
ClassNames = tuple[tuple[str, ...], ...]
# A comma, a semicolon or a new line, as they are typed in any script; full width and others.
SEPARATORS = re.compile("[,;\n\r\uff0c\uff1b\u3001\ufe50\ufe51\ufe54\u060c\u061b\u055d\u1363]")
SEMICOLONS = re.compile("[;\n\r]")
SLASHES = re.compile("[/\uff0f\u2215\u2044]")
LONGEST_NAME = 300  # characters of a model's or a layer's name
MOST_MASKS = 512  # of one request; a picture of the largest data sets has some hundred words


def parse_classes(text: str | Sequence[str] | Sequence[Sequence[str]]) -> ClassNames:
    """Classes as tuples of synonyms: a comma separates classes, a slash separates synonyms, as in any script.

    Where there is an ASCII semicolon, it separates classes and commas synonyms, as in ODISE's demo. In a list, a text
    is one class, its synonyms between slashes; a list inside it holds one class's synonyms.

    >>> parse_classes("trees/palms, car")
    (('trees', 'palms'), ('car',))
    >>> parse_classes("trees,palms; car")
    (('trees', 'palms'), ('car',))

    Raises ClassesError when there is none, too many, a repeated or an overlong one, or anything that is no text.
    """
    limits = settings().limits
    if not isinstance(text, str | Sequence):
        raise ClassesError(f'Classes are {quoted(text)}; give a text such as "car, building".')
    if isinstance(text, str):
        text = _split(text)
    groups = [group for group in map(_synonyms, text) if group]
    if not groups:
        raise ClassesError('No classes given: write some, separated by commas, such as "car, building".')
    if len(groups) > limits.max_classes:
        raise ClassesError(f"{len(groups)} classes given; at most {limits.max_classes} are allowed.")
    for group in groups:
        if len(group) > limits.max_synonyms:
            raise ClassesError(
                f"Class {quoted(group[0])} has {len(group)} synonyms; at most {limits.max_synonyms} are allowed."
            )
        for word in group:
            if len(word) > limits.max_class_length:
                raise ClassesError(
                    f"Class {word[:20]!r}... has {len(word)} characters; at most {limits.max_class_length} are allowed."
                )
    classes: dict[str, int] = {}
    for number, group in enumerate(groups):
        for word in group:
            other = classes.setdefault(folded(word), number)
            if other != number and word == group[0] and folded(word) == folded(groups[other][0]):
                raise ClassesError(f"Class {quoted(word)} is given twice; name each class once.")
            if other != number:
                raise ClassesError(
                    f"{quoted(word)} stands in two classes, {quoted(groups[other][0])} and {quoted(group[0])}; give "
                    "each word to one class."
                )
    return tuple(groups)


def distinct(classes: ClassNames) -> ClassNames:
    """Classes as a request takes them together: a word that several have stays with one, and limits are kept.

    A synonym that is another class's name stays with that class, one that several classes have with the first.
    Synonyms that are too many or too long are left out; a class keeps its name.
    """
    limits = settings().limits
    owners = {folded(group[0]): index for index, group in enumerate(classes)}
    for index, group in enumerate(classes):
        for word in group:
            owners.setdefault(folded(word), index)
    found = []
    for index, group in enumerate(classes):
        own = (word for word in group[1:] if owners[folded(word)] == index and len(word) <= limits.max_class_length)
        found.append((group[0], *own)[: limits.max_synonyms])
    return tuple(found)


def _split(text: str) -> list[Any]:
    """The classes of a text, each a text or a list of its synonyms."""
    if ";" not in text:  # those of other scripts separate as commas do
        return SEPARATORS.split(text)
    groups = (SEPARATORS.split(part) for part in SEMICOLONS.split(text))
    return [[word for part in group for word in SLASHES.split(part)] for group in groups]


def parse_background(words: str | Sequence[str]) -> tuple[str, ...]:
    """Background words from "ground, land" or a sequence; may be empty. Raises ClassesError as `parse_classes`."""
    if isinstance(words, str):
        words = SEPARATORS.split(words)
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ClassesError(f'Background words are {quoted(words)}; give a text such as "ground, land".')
    cleaned = tuple(word for word in (" ".join(word.split()) for word in words) if word)
    return tuple(group[0] for group in parse_classes([(word,) for word in cleaned])) if cleaned else ()


def _synonyms(item: Any) -> tuple[str, ...]:
    """The words of one class, from "trees/palms" or ["trees", "palms"]; () where there is none."""
    words = SLASHES.split(item) if isinstance(item, str) else item
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ClassesError(f'A class is {quoted(item)}; give its name, or its synonyms, such as "trees/palms".')
    if not all(map(is_unicode, words)):
        raise ClassesError(f"Class {quoted(item)} holds characters that are no Unicode text; type it again.")
    return tuple(word for word in (" ".join(word.split()) for word in words) if word)


def check_image(image: Any) -> np.ndarray:
    """The image as contiguous uint8 RGB (h, w, 3), or ImageError. Decoding files is `views.images`' work."""
    limits = settings().limits
    array = _array("An image", image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"An image must be uint8 of shape (h, w, 3); this one is {described(array)}.")
    height, width = array.shape[:2]
    if min(height, width) < limits.min_side:
        raise ImageError(f"The image is {width}x{height} pixels; each side needs at least {limits.min_side}.")
    if height * width > limits.max_pixels:
        raise ImageError(
            f"The image is {width}x{height} pixels; at most {limits.max_pixels:,} pixels are allowed. Scale it down."
        )
    if max(height, width) > 16 * min(height, width):
        raise ImageError(f"The image is {width}x{height} pixels; one side may be at most 16 times the other.")
    return np.ascontiguousarray(array)


def check_masks(masks: Masks | None, shape: tuple[int, int] | None) -> dict[str, np.ndarray]:
    """Masks as bool (h, w) of the image's size, keyed by word; of any size where `shape` is None.

    Raises ImageError for what is no mask of that size, ChoiceError for a word that is no text.
    """
    limits = settings().limits
    masks = {} if masks is None else masks
    if not isinstance(masks, Mapping):
        raise ImageError(f"The masks are {quoted(masks)}; give a mask (h, w) for each word.")
    if len(masks) > MOST_MASKS:
        raise ImageError(f"{len(masks):,} masks given; at most {MOST_MASKS} are allowed.")
    checked = {}
    for word, mask in masks.items():
        check_text("the word of a mask", word, limits.max_prompt)
        array = _array(f"The mask of {quoted(word)}", mask)
        if array.dtype.kind not in "biuf" or array.ndim != 2 or not 0 < array.size <= limits.max_pixels:
            raise ImageError(f"The mask of {quoted(word)} is {described(array)}; give truth values (h, w).")
        if shape is not None and array.shape != shape:
            raise ImageError(f"The mask of {quoted(word)} has shape {array.shape}; the image has {shape}.")
        checked[word] = array.astype(bool)
    return checked


def _array(what: str, value: Any) -> np.ndarray:
    """numpy's reading of a value, or ImageError where it has none."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):  # rows of different lengths, numbers beyond any dtype
        raise ImageError(f"{what} is {quoted(value)}; give an array.") from None


def check_prompt(prompt: str, name: str = "prompt", empty: bool = False) -> str:
    """The prompt with its ends stripped, or PromptError."""
    limit = settings().limits.max_prompt
    check_text(name, prompt)
    prompt = prompt.strip()
    if not prompt and not empty:
        raise PromptError(f'The {name} is empty; write one, such as "a horse on the grass".')
    if len(prompt) > limit:
        raise PromptError(f"The {name} has {len(prompt):,} characters; at most {limit} are allowed.")
    return prompt


def check_number(name: str, value: Any, low: float, high: float, whole: bool = False) -> None:
    """Raise ChoiceError unless `value` is a finite number in [low, high]."""
    kind = "whole number" if whole else "number"
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right_type or not low <= value <= high:
        raise ChoiceError(f"{name} is {quoted(value)}; use a {kind} from {low:g} to {high:g}.")


def check_text(name: str, value: Any, most: int | None = None) -> None:
    """Raise ChoiceError unless `value` is a text that can be written as Unicode, at most `most` characters long."""
    if not isinstance(value, str):
        raise ChoiceError(f"{name} is {quoted(value)}; give a text.")
    if most is not None and len(value) > most:
        raise ChoiceError(f"{name} has {len(value):,} characters; at most {most} are allowed.")
    if not is_unicode(value):
        raise ChoiceError(f"{name} is {quoted(value)}, which holds characters that are no Unicode text; type it again.")


def check_flag(name: str, value: Any) -> None:
    """Raise ChoiceError unless `value` is true or false."""
    if not isinstance(value, bool | np.bool_):
        raise ChoiceError(f"{name} is {quoted(value)}; use true or false.")


def check_scene(number: int | None) -> None:
    """Raise ChoiceError unless `number` is None or can be the seed of a drawn scene."""
    if number is not None:
        check_number("scene", number, 0, settings().limits.max_seed, whole=True)


def check_choice(name: str, value: Any, valid: Sequence[Any]) -> None:
    """Raise ChoiceError, listing the valid names, unless `value` is one of them."""
    # An array is equal to no name, but to each of its own elements.
    if not isinstance(value, str | int) or value not in valid:
        raise ChoiceError(f"{name} is {quoted(value)}; use one of {', '.join(map(str, valid))}.")


def check_template(template: str) -> None:
    """Raise PromptError unless the template has one place for a class name."""
    check_prompt(template, "template")
    if template.count("{}") != 1:
        raise PromptError(f'The template {quoted(template)} needs "{{}}" once, where the class name goes.')
