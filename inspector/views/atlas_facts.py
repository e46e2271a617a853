"""Atlas facts: what every tab's atlas says beside its maps: numbers that were measured of them, and the record."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from inspector.views import export

MEASURES = ("ap", "iou", "iou_best", "pointing", "chance", "entropy")  # of a map against a mask, and of it alone


def measured(rows: Iterable[Mapping[str, Any]], axis: str, steps: int = 1) -> dict[str, dict[str, np.ndarray]]:
    """`Block.scores` of a result's rows, float (steps,) each, NaN at a step that no row is of."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for row in rows:
        own = found.setdefault(str(row[axis]), {})
        for name in MEASURES:
            if isinstance(row.get(name), int | float):
                own.setdefault(name, np.full(steps, np.nan))[int(row.get("step", 0))] = row[name]
    return found


def with_record(result: export.Result, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the result's record, and what the models never saw."""
    told = result.provenance.warning
    return {**facts, "record": export.record(result)} | ({"warning": told} if told else {})
