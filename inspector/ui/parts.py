"""Parts: small pieces of HTML beside the pictures. Everything a visitor wrote is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from inspector.results import Progress, Provenance
from inspector.ui.pictures import data_url
from inspector.views.color import css_gradient, hex_color
from inspector.views.figure import Bar, number
from inspector.views.table import Table

_HEADERS = {
    "p": "probability",
    "ap": "AP",
    "iou": "IoU at 0.4",
    "iou_best": "best IoU",
    "miou": "mIoU",
    "ari": "ARI",
    "timestep": "t",
    "chance": "chance AP",
    "area": "area above threshold",
}


def placeholder(text: str) -> str:
    """What stands in the status line before anything ran."""
    return f'<div class="status quiet">{escape(text)}</div>'


def progress(item: Progress) -> str:
    """A progress bar with what is done, how long it will take, and the preview of a step."""
    share = 100 * item.step / max(item.total, 1)
    left = "" if item.seconds_left is None else f" · {max(0, round(item.seconds_left))} s left"
    picture = ""
    if item.preview is not None:
        picture = f'<img src="{data_url(item.preview)}" alt="Preview of step {item.step}">'
    return (
        f'<div class="status running">{picture}<div class="grow">'
        f"<span>{escape(item.message)}{left}</span>"
        f'<div class="track" role="progressbar" aria-valuenow="{share:.0f}" aria-valuemin="0" aria-valuemax="100">'
        f'<div style="width:{share:.1f}%"></div></div></div></div>'
    )


def done(origin: Provenance, extra: str = "") -> str:
    """How long it took, on what, with which weights."""
    models = ", ".join(f"{name} ({revision[:12]})" if revision else name for name, revision in origin.models.items())
    text = f"{origin.seconds:.1f} s on {origin.device}, {origin.dtype} · {models}" + (f" · {extra}" if extra else "")
    return f'<div class="status ready">{escape(text)}</div>'


def stopped() -> str:
    """What stands in the status line after Stop."""
    return placeholder("Stopped. The earlier result is unchanged.")


def problem(sentence: str) -> str:
    """An error in plain words; the earlier result stays where it was."""
    return f'<div class="status problem" role="alert">{escape(sentence)}</div>'


def colour_bar(bar: Bar | None, label: str) -> str:
    """The colour bar of a picture with the values at its ends."""
    if bar is None:
        return ""
    return (
        f'<div class="bar"><span>{number(bar.low)}</span>'
        f'<div style="background:{css_gradient(bar.colormap)}" role="img" '
        f'aria-label="{escape(label)}: colours from {number(bar.low)} to {number(bar.high)}"></div>'
        f"<span>{number(bar.high)}</span></div><div class='caption'>{escape(label)}</div>"
    )


def legend(entries: Iterable[tuple[str, np.ndarray]]) -> str:
    """Colours and their names."""
    items = "".join(
        f'<li><i style="background:{hex_color(color)}"></i>{escape(str(name))}</li>' for name, color in entries
    )
    return f'<ul class="legend">{items}</ul>'


def table(content: Table, caption: str = "") -> str:
    """A table; columns after the first are numbers."""
    if not content:
        return ""
    head = "".join(f"<th>{escape(_HEADERS.get(name, name))}</th>" for name in content.headers)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in content.rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="table"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def readings(title: str, rows: Sequence[tuple[str, float, float]], limit: int = 12) -> str:
    """Ranked values as bars. rows: (name, value, length of its bar in [0, 1])."""
    items = ""
    for name, value, length in rows[:limit]:
        width = f"{100 * min(max(length, 0), 1):.1f}%"
        items += (
            f'<tr><th>{escape(name)}</th><td><div class="meter"><div style="width:{width}"></div></div></td>'
            f"<td>{number(value)}</td></tr>"
        )
    return f'<div class="readings"><div class="caption">{escape(title)}</div><table>{items}</table></div>'


def hint(text: str) -> str:
    """A quiet line that says what to do next."""
    return f'<div class="caption">{escape(text)}</div>'


def note(text: Any) -> str:
    """A plain word on limits."""
    return f'<div class="limits"><b>Limits.</b> {escape(str(text))}</div>'
