"""Page: the viewer's own style, and a page that opens from disk with results inside and no server."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from inspector.errors import ChoiceError
from inspector.views.atlas import pack
from inspector.views.atlases import atlas_of
from inspector.views.export import Result, dumps, provenance
from inspector.views.naming import said
from inspector.views.scripts import FOLDER, scripts
from inspector.views.table import Table


@cache
def styles() -> str:
    """The viewer's CSS."""
    return (FOLDER / "viewer.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Section:
    """One result of a page. state: what the viewer opens with, as its `remember` tells it; {} for its own beginning.

    figure: where its picture lies, relative to the page; numbers: what was measured; caption: of the figure.
    """

    heading: str
    result: Result
    state: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    figure: str = ""
    numbers: Table | None = None
    caption: str = ""


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write `standalone` to a file, its folder made if need be. Raises ChoiceError when it cannot be written."""
    text = standalone(title, sections)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ChoiceError(f"Cannot write {str(path)!r}: {error.strerror}; choose another place.") from None


def standalone(title: str, sections: Sequence[Section]) -> str:
    """One HTML file that shows results with all their maps, without a server."""
    parts = "".join(_section(section) for section in sections)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_PAGE}{styles()}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{parts}</main><script>{scripts()}\n{_START}</script></body></html>"
    )


def _section(section: Section) -> str:
    request = section.result.request
    data = base64.b64encode(pack(atlas_of(section.result, None))).decode()
    state, origin = html.escape(dumps(section.state)), html.escape(dumps(provenance(section.result), 2))
    heading = html.escape(section.heading)
    note = f"<p>{html.escape(section.note)}</p>" if section.note else ""
    choices = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in said(request))
    return (
        f"<section><h2>{heading}</h2>{note}{_figure(section)}"
        f"<div class='viewer' data-atlas='{data}' data-state='{state}'></div>"
        f"{_numbers(section.numbers)}<h3>What was asked</h3><dl>{choices}</dl>"
        f"<details><summary>Request and provenance</summary><pre tabindex='0'>{origin}</pre></details></section>"
    )


def _figure(section: Section) -> str:
    if not section.figure:
        return ""
    place = html.escape(section.figure)
    picture = f"<a href='{place}'><img src='{place}' alt='Figure: {html.escape(section.heading)}'></a>"
    return f"<figure>{picture}<figcaption>{html.escape(section.caption)}</figcaption></figure>"


def _numbers(numbers: Table | None) -> str:
    if not numbers:
        return ""
    head = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in numbers.headers)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in numbers.rows)
    return f"<div class='numbers' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


_PAGE = """
pre { overflow-x: auto; font-size: 0.8rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; } main > section { margin-bottom: 40px; }
h3 { font-size: 1rem; margin: 16px 0 6px; }
figure { margin: 16px 0; } figure img { display: block; max-width: 100%; height: auto; background: #fff; }
figcaption { margin-top: 8px; max-width: 110ch; font-size: 0.88rem; line-height: 1.45; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 6px 0 12px; font-size: 0.88rem; }
dt { opacity: 0.75; } dd { margin: 0; overflow-wrap: anywhere; }
.numbers { overflow-x: auto; margin: 12px 0; } .numbers table { border-collapse: collapse; font-size: 0.88rem; }
.numbers :is(th, td) { padding: 3px 14px 3px 0; text-align: left; border-bottom: 1px solid #8884; }
body { margin: 0 auto; padding: 16px; max-width: 1400px; font-family: system-ui, sans-serif; background: #fff;
  color: #1e293b; }
@media (prefers-color-scheme: dark) { body { background: #0b0f19; color: #e5e7eb; --body-text-color: #e5e7eb;
  --body-text-color-subdued: #a3aec2; --border-color-primary: #374151; --background-fill-primary: #111827;
  --background-fill-secondary: #1f2937; } }
"""

_START = """
if (matchMedia("(prefers-color-scheme: dark)").matches) document.body.classList.add("dark");
globalThis.opened = [...document.querySelectorAll(".viewer")].map((node) => {
  const viewer = new DenseViewer.Viewer(node);
  const open = () => {
    const bytes = Uint8Array.from(atob(node.dataset.atlas), (letter) => letter.charCodeAt(0));
    viewer.open(bytes.buffer, JSON.parse(node.dataset.state)).catch((error) => { node.textContent = error.message; });
  };
  new IntersectionObserver((seen, observer) => {  // of a long page only what comes into sight
    if (seen.some((entry) => entry.isIntersecting)) { observer.disconnect(); open(); }
  }, { rootMargin: "600px" }).observe(node);
  return viewer;
});
"""
