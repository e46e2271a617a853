"""Parts: small pieces of HTML beside the pictures. Everything a visitor wrote is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from inspector.models.catalog import ModelSpec
from inspector.results import Progress, Provenance
from inspector.ui.pictures import data_url
from inspector.views.naming import HEADERS
from inspector.views.table import Table

_HEADERS = HEADERS | {"iou": "IoU at 0.4"}  # of attention, the one table here that has it


def placeholder(text: str) -> str:
    """What stands in the status line before anything ran."""
    return f'<div class="status quiet" role="status">{escape(text)}</div>'


def waiting() -> str:
    """What stands there until the run's turn comes."""
    return '<div class="status quiet waiting" role="status">Waiting for its turn.</div>'


def progress(item: Progress) -> str:
    """A progress bar with what is done, how long it will take, and the preview of a step.

    Where it is of a denoising step it says of which, for the page's ribbon: as often as the run tells, once a step.
    """
    share = 100 * item.step / max(item.total, 1)
    left = "" if item.seconds_left is None else f" · {max(0, round(item.seconds_left))} s left"
    picture = ""
    if item.preview is not None:
        picture = f'<img src="{data_url(item.preview)}" alt="Preview of step {item.step}">'
    moment = ""
    if item.moment is not None and picture:
        moment = ' data-step="{}" data-steps="{}" data-timestep="{}"'.format(*item.moment)
    return (
        f'<div class="status running"{moment}>{picture}<div class="grow">'
        f"<span>{escape(item.message)}{left}</span>"
        f'<div class="track" role="progressbar" aria-label="Progress" aria-valuenow="{share:.0f}" '
        'aria-valuemin="0" aria-valuemax="100">'
        f'<div style="width:{share:.1f}%"></div></div></div></div>'
    )


def done(origin: Provenance, extra: str = "") -> str:
    """How long it took, on what, with which weights."""
    models = ", ".join(f"{name} ({revision[:12]})" if revision else name for name, revision in origin.models.items())
    text = f"{origin.seconds:.1f} s on {origin.device}, {origin.dtype} · {models}" + (f" · {extra}" if extra else "")
    return f'<div class="status ready" role="status">{escape(text)}</div>'


def stopped() -> str:
    """What stands in the status line after Stop."""
    return placeholder("Stopped. The earlier result is unchanged.")


def problem(sentence: str) -> str:
    """An error in plain words; the earlier result stays where it was."""
    return f'<div class="status problem" role="alert">{escape(sentence)}</div>'


def table(content: Table, caption: str = "") -> str:
    """A table; columns after the first are numbers."""
    if not content:
        return ""
    head = "".join(f"<th>{escape(_HEADERS.get(name, name))}</th>" for name in content.headers)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in content.rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    rows = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="table" tabindex="0">{rows}</div>'


def hint(text: str) -> str:
    """A quiet line that says what to do next."""
    return f'<div class="caption">{escape(text)}</div>'


def classes(groups: Sequence[Sequence[str]]) -> str:
    """Classes as a visitor writes them: "car, trees/palms". Plain text, not HTML."""
    return ", ".join("/".join(synonyms) for synonyms in groups)


def models(specs: Iterable[ModelSpec]) -> str:
    """What choosing models means: what they were told, size, licence, what is fetched, whether they want a GPU."""
    lines = [f"<span><b>{escape(item.title)}</b>: {escape(_about(item))}.</span>" for item in specs]
    return f"<div class='caption models-told'>{' '.join(lines)}</div>"


def _about(item: ModelSpec) -> str:
    size = f"{item.parameters / 1e6:,.0f} million weights" if item.parameters >= 1e6 else ""
    fetched = {
        "embedded": "nothing to fetch, knows the drawn world's words alone",
        "hub": f"{item.download_gb:g} GB to fetch, when you press Run",
        "local": "nothing to fetch",
    }
    gpu = "wants a GPU" if item.needs_gpu else ""
    known = ", ".join(text for text in (size, fetched[item.origin], gpu, item.licence) if text)
    return f"{item.told}; {known}" if item.told else known


def recipes(python: str, command: str) -> str:
    """The same run as a script and as a command, each with a button that copies it."""
    blocks = [("Copy as Python", python), ("Copy as command", command)]
    parts = "".join(_copied(title, text) for title, text in blocks if text)
    return f"<div class='recipes'>{parts}</div>"


def preview(image: np.ndarray, told: str, inches: float | None) -> str:
    """A figure, uint8 RGB, as wide on the page as on paper, or as the page has room; under it what is told of it."""
    width = "100%" if inches is None else f"{inches:g}in"
    picture = f"<img src='{data_url(image, lossless=True)}' alt='Preview of the figure' style='width:{width}'>"
    return f"<figure><div tabindex='0'>{picture}</div><figcaption>{escape(told)}</figcaption></figure>"


def caption(text: str) -> str:
    """A figure's caption, with a button that copies it."""
    return f"<div class='recipes'>{_copied('Caption, also in caption.txt', text.strip(), True)}</div>"


def _copied(title: str, text: str, unfolded: bool = False) -> str:
    return (
        f"<details class='recipe'{' open' if unfolded else ''}><summary>{title}</summary>"
        f"<button type='button' data-copy='pre'>Copy</button><pre tabindex='0'>{escape(text)}</pre></details>"
    )


def note(text: Any) -> str:
    """A plain word on limits."""
    return f'<div class="limits"><b>Limits.</b> {escape(str(text))}</div>'
