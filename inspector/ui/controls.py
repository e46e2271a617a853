"""Controls: groups of components that several tabs share, each with the source of its default."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

import gradio as gr

from inspector.models import catalog
from inspector.ui import parts
from inspector.ui.guard import guard
from inspector.ui.pictures import upload

# What is answered at once: neither in the queue, where runs wait, nor for programs.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
EMBEDDED: dict[catalog.Kind, str] = {"clip": "scenes-clip", "diffusion": "scenes-diffusion"}


@dataclass(frozen=True)
class Models:
    """The models that all tabs use."""

    clip: gr.Dropdown
    diffusion: gr.Dropdown


def models() -> Models:
    """A choice for each kind of model, and below it what choosing it means. Nothing is fetched before a run."""
    own = EMBEDDED["clip"], EMBEDDED["diffusion"]
    with gr.Accordion(_names(*own), open=False, elem_classes="pill models") as pill:
        clip, diffusion = (_model(kind) for kind in ("clip", "diffusion"))
        about = gr.HTML(_about(*own))

    def chosen(*names: str) -> Any:
        return _about(*names), gr.Accordion(label=_names(*names))

    for choice in (clip, diffusion):
        choice.change(guard(chosen), [clip, diffusion], [about, pill], **QUIET)
    return Models(clip, diffusion)


def _names(*names: str) -> str:
    """What the pill says: the models in use."""
    return " · ".join(catalog.spec(name).title.removesuffix(" (embedded)") for name in names)


def _model(kind: catalog.Kind) -> gr.Dropdown:
    title = {"clip": "CLIP model", "diffusion": "Diffusion model"}[kind]
    uses = {"clip": "Saliency, segmentation.", "diffusion": "Attention, clusters, segmentation by attention."}[kind]
    specs = [catalog.spec(name) for name in catalog.names(kind)]
    return gr.Dropdown(
        [(item.title, item.name) for item in specs], value=EMBEDDED[kind], label=title, info=uses, min_width=210
    )


def _about(clip: str, diffusion: str) -> str:
    return parts.models([catalog.spec(clip), catalog.spec(diffusion)])


def actions() -> tuple[gr.Button, gr.Button]:
    """Run and Stop."""
    with gr.Row(elem_classes="actions"):
        run = gr.Button("Run", variant="primary", min_width=80, elem_classes="run")
        stop = gr.Button("Stop", variant="stop", min_width=80, elem_classes="stop")
    return run, stop


def header(title: str, sentence: str, limits: str) -> None:
    """What a tab answers, and a plain word on its limits: there at first, and then behind Help."""
    close = "<button type='button' class='close' data-opens='help' aria-label='Close the help'>×</button>"
    gr.HTML(
        f"<div class='purpose'>{close}<h2>{title}</h2><p>{sentence}</p></div>{parts.note(limits)}",
        elem_classes="popped help-popped",
    )


def endpoint(name: str, handler: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Offer `handler` to scripts under a name, to agents under its own.

    Its parameters are image and scene, then the page's controls, then the figure's columns.
    """
    image = upload(label="image", visible=False)
    scene = gr.Number(label="scene", precision=0, visible=False)
    columns = gr.Number(label="columns", precision=0, visible=False)
    outputs = [
        gr.Image(label="figure", format="png", type="filepath", visible=False),
        gr.JSON(label="numbers", visible=False),
        gr.File(label="files", file_count="multiple", visible=False),
    ]
    gr.Button(visible=False).click(
        handler, [image, scene, *inputs, columns], outputs, api_name=name, concurrency_id="gpu", concurrency_limit=None
    )


def own_defaults(request: type) -> SimpleNamespace:
    """The defaults of a request's fields, so that page, API and command line start from the same."""
    return SimpleNamespace(**{item.name: item.default for item in fields(request)})


def whole(value: Any) -> Any:
    """A number field's 20.0 as 20; anything else as it is, for the request to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def optional(value: Any) -> Any:
    """As `whole`; the number 0 is None."""
    number = whole(value)
    return None if number == 0 and isinstance(number, int) and not isinstance(number, bool) else number
