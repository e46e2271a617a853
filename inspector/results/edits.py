"""Edits: what a picture keeps of the layout of another prompt's (prompt-to-prompt), and how much its words weigh."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.errors import ChoiceError, PromptError
from inspector.results.checks import SEPARATORS, check_number, check_prompt, check_text
from inspector.results.quoting import quoted
from inspector.results.recorded import check_kind
from inspector.results.spelling import folded, spans
from inspector.settings import settings

MOST_WEIGHT = 10  # the paper's are from -2 to 2
MOST_WEIGHTS = 20
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,4}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")


@dataclass(frozen=True)
class Edit:
    """The picture of `source`, of the same seed, is denoised beside, and its attention kept (Hertz et al., ICLR 2023).

    cross_kept, self_kept: in which share of the steps, 0 to 1, from the first on, cross- and self-attention are the
        source's; the defaults are those of the paper's demonstrations. 0 keeps nothing.
    weights: word of the prompt and factor of its maps, -10 to 10, such as "horse: 2, grass: .5"; at every step, as the
        paper's formula has no share of them, where the authors' code weighs in those of `cross_kept` alone. Kept as one
        spelling of the text.
    Raises PromptError for an empty source, ChoiceError for a share or a weight that is none.
    """

    source: str
    cross_kept: float = 0.8
    self_kept: float = 0.4
    weights: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", check_prompt(self.source, "source"))
        _check_shares(self.cross_kept, self.self_kept)
        weights = _read_weights(self.weights)
        object.__setattr__(self, "weights", ", ".join(f"{word}: {factor:.12g}" for word, factor in weights))

    @property
    def factors(self) -> tuple[tuple[str, float], ...]:
        """(word, factor), as written."""
        return _read_weights(self.weights)

    def kept(self, steps: int) -> tuple[int, int]:
        """In how many of so many steps cross- and self-attention are the source's."""
        return round(self.cross_kept * steps), round(self.self_kept * steps)


def edit_of(prompt: Any, source: Any, cross_kept: Any, self_kept: Any, weights: Any) -> Edit | None:
    """The edit that page, endpoint and command line ask for; None where source and weights are empty.

    With weights alone the source is the prompt itself. Raises as `Edit`.
    """
    check_text("source", source)
    check_text("weights", weights)
    if source.strip() or weights.strip():
        return Edit(source if source.strip() else check_prompt(prompt), cross_kept, self_kept, weights)
    _check_shares(cross_kept, self_kept)
    return None


def check_edit(edit: Edit | None, prompt: str, image: np.ndarray | None) -> None:
    """Raise ChoiceError for an edit that is none, or of a given picture; PromptError for a weight of no word."""
    if edit is None:
        return
    check_kind("edit", edit, Edit)
    if image is not None:
        raise ChoiceError(
            "A given picture is not generated, so that it keeps no other prompt's layout and weighs no words; leave "
            "out the picture, or source and weights."
        )
    for word, _ in edit.factors:
        if not spans(prompt, word):
            raise PromptError(f"weights has {quoted(word)}, which is not in the prompt; weigh one of its words.")


def _check_shares(cross_kept: Any, self_kept: Any) -> None:
    check_number("cross_kept", cross_kept, 0, 1)
    check_number("self_kept", self_kept, 0, 1)


def _read_weights(text: Any) -> tuple[tuple[str, float], ...]:
    check_text("weights", text, settings().limits.max_prompt)
    found: dict[str, tuple[str, float]] = {}
    for item in filter(None, (part.strip() for part in SEPARATORS.split(text))):
        word, colon, number = (part.strip() for part in item.rpartition(":"))
        if not colon or not word or not _NUMBER.fullmatch(number):
            raise ChoiceError(f'weights has {quoted(item)}; give words with a number, such as "horse: 2, grass: .5".')
        check_number(f"the weight of {quoted(word)}", float(number), -MOST_WEIGHT, MOST_WEIGHT)
        if folded(word) in found:
            raise ChoiceError(f"weights has {quoted(word)} twice; give each word one number.")
        found[folded(word)] = word, float(number)
    if len(found) > MOST_WEIGHTS:
        raise ChoiceError(f"{len(found)} words have a weight; at most {MOST_WEIGHTS} may.")
    return tuple(found.values())
