"""Tables: rows of numbers as headers and text, for the page and the terminal alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Table:
    """headers: column names; rows: one tuple of texts per row, as long as the headers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __bool__(self) -> bool:
        return bool(self.rows)


def text(value: Any) -> str:
    """A cell: numbers with three decimals, a dash for what is missing."""
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float | np.floating) else str(value)


def table(rows: Iterable[Mapping[str, Any]], skip: tuple[str, ...] = ()) -> Table:
    """Rows as a table; columns in the order they first appear, without those in `skip`.

    >>> table([{"class": "car", "ap": 0.5}]).rows
    (('car', '0.500'),)
    """
    rows = list(rows)
    headers = tuple(dict.fromkeys(key for row in rows for key in row if key not in skip))
    return Table(headers, tuple(tuple(text(row.get(key)) for key in headers) for row in rows))


def lines(shown: Table) -> str:
    """A table as aligned text for a terminal, columns of numbers to the right; "" without rows."""
    if not shown:
        return ""
    columns = list(zip(shown.headers, *shown.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (shown.headers, tuple("-" * width for width in widths), *shown.rows)
    )


def _is_number(cell: str) -> bool:
    return cell == text(None) or cell.lstrip("-").replace(".", "", 1).isdecimal()
