"""Words: which names mean one class, whatever their case and number, and the masks they name."""

from collections.abc import Iterable, Mapping

import numpy as np

# Plurals that no rule gives; the words of the drawn scenes and of common data sets.
PLURALS = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "goose": "geese",
    "leaf": "leaves", "knife": "knives", "shelf": "shelves", "wolf": "wolves", "foot": "feet", "tooth": "teeth",
}  # fmt: skip


def same_word(left: str, right: str) -> bool:
    """Whether two names are one but for case, spaces and number: "Windows" and "window", "bus" and "buses"."""
    left, right = (" ".join(word.lower().split()) for word in (left, right))
    return left == right or right in _plurals(left) or left in _plurals(right)


def _plurals(word: str) -> set[str]:
    start, _, last = word.rpartition(" ")
    forms = {last + "s", last + "es", PLURALS.get(last, last + "s")}
    if last.endswith("y"):
        forms.add(last[:-1] + "ies")
    return {f"{start} {form}".strip() for form in forms}


def matching(synonyms: Iterable[str], words: Iterable[str]) -> tuple[str, ...]:
    """Those of `words` that are one of a class's synonyms."""
    synonyms = tuple(synonyms)
    return tuple(word for word in words if any(same_word(word, synonym) for synonym in synonyms))


def class_mask(synonyms: Iterable[str], masks: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Union bool (h, w) of the masks that a class's synonyms name; None where there is none, or all are empty."""
    found = [masks[word] for word in matching(synonyms, masks)]
    union = np.logical_or.reduce(found) if found else None
    return union if union is not None and union.any() else None
