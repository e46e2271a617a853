"""Checks shared by the requests: bad input becomes one sentence that ends in the remedy.

Limits come from `settings`, so page, API and command line refuse the same input with the same words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, ClassesError, ImageError, PromptError
from inspector.settings import settings

Masks = Mapping[str, np.ndarray]
ClassNames = tuple[tuple[str, ...], ...]


def parse_classes(text: str | Sequence[str] | Sequence[Sequence[str]]) -> ClassNames:
    """Classes as tuples of synonyms: a comma separates classes, a slash separates synonyms.

    >>> parse_classes("trees/palms, car")
    (('trees', 'palms'), ('car',))

    Raises ClassesError when there is none, too many, a repeated or an overlong one.
    """
    limits = settings().limits
    if not isinstance(text, str | Sequence):
        raise ClassesError(f'Classes are {str(text)[:40]}; give a text such as "car, building".')
    if isinstance(text, str):
        text = text.replace("\n", ",").split(",")
    groups = []
    for item in text:
        if not isinstance(item, str | Sequence):
            raise ClassesError(f"A class is {str(item)[:40]}; give its name, or its synonyms.")
        words = item.split("/") if isinstance(item, str) else item
        group = tuple(word for word in (" ".join(str(word).split()) for word in words) if word)
        if group:
            groups.append(group)
    if not groups:
        raise ClassesError('No classes given: write some, separated by commas, such as "car, building".')
    if len(groups) > limits.max_classes:
        raise ClassesError(f"{len(groups)} classes given; at most {limits.max_classes} are allowed.")
    for group in groups:
        if len(group) > limits.max_synonyms:
            raise ClassesError(
                f"Class {group[0]!r} has {len(group)} synonyms; at most {limits.max_synonyms} are allowed."
            )
        for word in group:
            if len(word) > limits.max_class_length:
                raise ClassesError(
                    f"Class {word[:20]!r}... has {len(word)} characters; at most {limits.max_class_length} are allowed."
                )
    names = [group[0].lower() for group in groups]
    for name in names:
        if names.count(name) > 1:
            raise ClassesError(f"Class {name!r} is given twice; name each class once.")
    return tuple(groups)


def check_image(image: Any) -> np.ndarray:
    """The image as contiguous uint8 RGB (h, w, 3), or ImageError. Decoding files is `views.images`' work."""
    limits = settings().limits
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"An image must be uint8 of shape (h, w, 3); this one is {array.dtype} {array.shape}.")
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


def check_masks(masks: Masks | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Masks as bool (h, w) of the image's size, keyed by word."""
    checked = {}
    for word, mask in (masks or {}).items():
        array = np.asarray(mask)
        if array.shape != shape:
            raise ImageError(f"The mask of {word!r} has shape {array.shape}; the image has {shape}.")
        checked[word] = array.astype(bool)
    return checked


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
        raise ChoiceError(f"{name} is {value!r}; use a {kind} from {low:g} to {high:g}.")


def check_text(name: str, value: Any) -> None:
    """Raise ChoiceError unless `value` is a text."""
    if not isinstance(value, str):
        raise ChoiceError(f"{name} is {str(value)[:40]}; give a text.")


def check_scene(number: int | None) -> None:
    """Raise ChoiceError unless `number` is None or can be the seed of a drawn scene."""
    if number is not None:
        check_number("scene", number, 0, settings().limits.max_seed, whole=True)


def check_choice(name: str, value: Any, valid: Sequence[Any]) -> None:
    """Raise ChoiceError, listing the valid names, unless `value` is one of them."""
    if value not in valid:
        raise ChoiceError(f"{name} is {value!r}; use one of {', '.join(map(str, valid))}.")


def check_template(template: str) -> None:
    """Raise PromptError unless the template has one place for a class name."""
    check_prompt(template, "template")
    if template.count("{}") != 1:
        raise PromptError(f'The template {template!r} needs "{{}}" once, where the class name goes.')
