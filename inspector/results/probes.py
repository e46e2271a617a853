"""Probes: words that need not be in the prompt, whose keys are held against the queries that a run kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results.checks import SEPARATORS, check_prompt, check_text
from inspector.results.quoting import quoted
from inspector.results.recorded import check_array, check_mapping, check_same
from inspector.results.spelling import folded

MOST_PROBES = 16
LONGEST_PROBE = 60  # characters


def read_probes(told: str | Sequence[str]) -> tuple[str, ...]:
    """Words or phrases from "dog, small tree" or a sequence, each once; () for none. Raises ChoiceError for others."""
    words = SEPARATORS.split(told) if isinstance(told, str) else told
    if not isinstance(words, list | tuple):
        raise ChoiceError(f'The probe words are {quoted(told)}; give a text such as "dog, tree".')
    found: dict[str, str] = {}
    for word in words:
        check_text("a probe word", word, LONGEST_PROBE)
        if cleaned := " ".join(check_prompt(word, "probe word", empty=True).split()):
            found.setdefault(folded(cleaned), cleaned)
    if len(found) > MOST_PROBES:
        raise ChoiceError(f"{len(found)} probe words are given; at most {MOST_PROBES} are allowed.")
    return tuple(found.values())


def check_probes(maps: Any, probes: Sequence[str], queries: Any) -> None:
    """Raise ChoiceError unless there are maps float16 (step, probe, h, w) of every arm and layer that has queries."""
    check_mapping("probe_maps", maps, len(queries))
    if not probes:
        check_same("probe_maps", maps, ())
        return
    check_same("probe_maps", maps, queries)
    for arm, layers in maps.items():
        check_same(f"probe_maps of {arm}", layers, queries[arm])
        for layer, item in layers.items():
            steps, _, *grid = queries[arm][layer].shape
            check_array(layer, item, np.float16, (steps, len(probes), *grid))
