"""Controls: groups of components that several tabs share, each with the source of its default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

import gradio as gr

from inspector.models import catalog
from inspector.results import read_model_name
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
    lora: gr.Dropdown
    lora_scale: gr.Slider
    embeddings: gr.Dropdown

    @property
    def changes(self) -> dict[str, Any]:
        """Field -> control of what changes the diffusion model."""
        return {"lora": self.lora, "lora_scale": self.lora_scale, "embeddings": self.embeddings}


def models() -> Models:
    """A choice for each kind of model, and below it what choosing it means. Nothing is fetched before a run."""
    own = EMBEDDED["clip"], EMBEDDED["diffusion"]
    with gr.Accordion(_names(*own), open=False, elem_classes="pill models") as pill:
        clip, diffusion = (_model(kind) for kind in ("clip", "diffusion"))
        lora, scale = _lora(EMBEDDED["diffusion"])
        words = _embeddings(EMBEDDED["diffusion"])
        about = gr.HTML(_about(*own))

    def chosen(clip: str, diffusion: str, lora: str, scale: float, words: list[str]) -> Any:
        offered, known = catalog.loras(diffusion), catalog.embeddings(diffusion)
        kept, read = lora if lora in offered else "", [word for word in words if word in known]
        names = clip, changed(diffusion, kept, scale, read)
        other: dict[str, Any] = {} if kept == lora else {"value": kept}
        fewer: dict[str, Any] = {} if read == words else {"value": read}
        return (
            _about(clip, diffusion),
            gr.Accordion(label=_names(*names)),
            gr.update(choices=_loras(offered), visible=bool(offered), **other),
            gr.update(visible=bool(kept)),
            gr.update(choices=_words(known), visible=bool(known), **fewer),
        )

    def listed(diffusion: str) -> Any:
        words = _words(catalog.embeddings(diffusion))
        return gr.update(choices=_loras(catalog.loras(diffusion))), gr.update(choices=words)

    own_choices: list[Any] = [clip, diffusion, lora, scale, words]
    for choice in own_choices:
        choice.change(guard(chosen), own_choices, [about, pill, lora, scale, words], **QUIET)
    pill.expand(guard(listed), diffusion, [lora, words], **QUIET)
    return Models(clip, diffusion, lora, scale, words)


def _lora(diffusion: str) -> tuple[gr.Dropdown, gr.Slider]:
    """The choice of a file that changes the diffusion model, there where one fits it, and how much it does.

    An address or a program may ask for any that is offered; those of the chosen model alone are listed once it is seen.
    """
    choice = gr.Dropdown(
        _loras(catalog.loras()),
        value="",
        label="LoRA",
        info="Changes that are added to this diffusion model.",
        min_width=210,
        visible=bool(catalog.loras(diffusion)),
    )
    scale = gr.Slider(
        -2, 2, 1, step=0.05, label="LoRA's scale", info="Times its changes: 1 as trained, 0 none.", visible=False
    )
    return choice, scale


def _loras(offered: Sequence[str]) -> list[tuple[str, str]]:
    return [("none", ""), *((label, label) for label in offered)]


def _embeddings(diffusion: str) -> gr.Dropdown:
    """The choice of files that the diffusion model reads for words of their own; else as of `_lora`."""
    return gr.Dropdown(
        _words(catalog.embeddings()),
        value=[],
        multiselect=True,
        label="Embeddings",
        info="Words that prompts can use, by textual inversion.",
        min_width=210,
        visible=bool(catalog.embeddings(diffusion)),
    )


def _words(offered: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(word if word == label else f"{word} ({label})", label) for label, word in offered.items()]


def changed(model: str, lora: str, scale: float, embeddings: str | list[str]) -> str:
    """The name of the model that the controls stand for. Raises as `catalog.with_lora` and `with_embeddings`."""
    return catalog.with_embeddings(catalog.with_lora(model, lora, scale), embeddings)


def split(model: str) -> dict[str, Any]:
    """Field -> value of the controls that stand for a diffusion model's name, that of the model itself left out."""
    name = read_model_name(model)
    return {"lora": name.lora, "lora_scale": name.scale, "embeddings": [label for label, _ in name.embeddings]}


def base(model: str) -> str:
    """The name of a diffusion model before anything changes it."""
    return read_model_name(model).base


def _names(*names: str) -> str:
    """What the pill says: the models in use."""
    return " · ".join(catalog.spec(name).title.replace(" (embedded)", "") for name in names)


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
