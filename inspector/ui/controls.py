"""Controls: groups of components that several tabs share, each with the source of its default."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any

import gradio as gr

from inspector.models import catalog
from inspector.ui import parts, scenes
from inspector.ui.guard import guard
from inspector.ui.pictures import upload
from inspector.views.color import SEQUENTIAL
from inspector.views.look import SCALES, Look

CELLS = ("smooth", "cells")


@dataclass(frozen=True)
class Source:
    """Where a run's image comes from: an upload or a drawn scene."""

    picture: gr.Image
    scene: gr.Number

    @property
    def inputs(self) -> list[Any]:
        return [self.picture, self.scene]


def source(seed: int | None, label: str = "Image", caption: gr.Textbox | None = None) -> Source:
    """An upload, the gallery of drawn scenes, and the number of a scene, whose caption goes into `caption`."""
    picture = upload(
        value=None if seed is None else scenes.file(seed),
        label=label,
        sources=["upload", "clipboard"],
        height=260,
        elem_classes="source",
        alt_text="The image that is analysed",
        buttons=["fullscreen"],
        placeholder="Drop a picture here, or click to upload",
    )
    gr.HTML(parts.hint("Or a drawn scene, with exact masks:"))
    gallery = gr.Gallery(
        value=list(scenes.gallery()),
        label="Drawn scenes",
        show_label=False,
        columns=6,
        allow_preview=False,
        object_fit="cover",
        elem_classes="scenes",
        buttons=[],
        interactive=False,
    )
    scene = gr.Number(
        value=seed,
        label="Scene number",
        precision=0,
        minimum=0,
        info="Any whole number draws one, with its masks. From 500000 on, no model was trained on it.",
    )

    outputs = [picture, scene] + ([caption] if caption else [])

    @guard
    def draw(number: float | None) -> Any:
        if number is None:
            return gr.skip()
        return (scenes.file(number), int(number), scenes.get(number).caption)[: len(outputs)]

    def choose(event: gr.SelectData) -> Any:
        return draw(scenes.GALLERY[event.index])

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    picture.upload(lambda: None, None, scene, **quiet)  # an own picture is no scene
    picture.clear(lambda: None, None, scene, **quiet)
    gallery.select(choose, None, outputs, **quiet)
    scene.submit(draw, scene, outputs, **quiet)
    return Source(picture, scene)


@dataclass(frozen=True)
class Looks:
    """How the recorded result is shown; the same on every tab."""

    opacity: gr.Slider
    colormap: gr.Dropdown
    scale: gr.Radio
    cells: gr.Radio
    threshold: gr.Slider

    @property
    def inputs(self) -> list[Any]:
        return [self.opacity, self.colormap, self.scale, self.cells, self.threshold]


def looks(scale: str = "own", threshold: bool = False) -> Looks:
    """Opacity, colour map, scale, cells and threshold. They act on the recorded result and run no model."""
    with gr.Row(elem_classes="looks"):
        opacity = gr.Slider(0, 1, 0.6, step=0.05, label="Opacity", info="Of the colours.", min_width=150)
        cut = gr.Slider(
            0,
            1,
            0.4,
            step=0.02,
            label="Threshold",
            info="Share of a map's maximum. Paper: none given; 0.4 as in CLIP-ES.",
            visible=threshold,
            min_width=150,
        )
        colormap = gr.Dropdown(
            list(SEQUENTIAL), value="viridis", label="Colours", info="All but turbo are even.", min_width=110
        )
        scale_ = gr.Radio(
            list(SCALES), value=scale, label="Scale", info="Each map's own, or one for all.", min_width=150
        )
        cells = gr.Radio(
            list(CELLS), value=CELLS[0], label="Between cells", info="Bilinear, or as recorded.", min_width=150
        )
    return Looks(opacity, colormap, scale_, cells, cut)


def look(opacity: float, colormap: str, scale: str, cells: str, threshold: float) -> Look:
    """The values of `Looks.inputs` as a Look."""
    return Look(colormap, float(opacity), scale, cells == CELLS[0], float(threshold))


def model(kind: catalog.Kind, tab: str, default: str, label: str = "Model") -> gr.Dropdown:
    """The catalog's models that a tab can use; weights from the hub are fetched when first asked for."""
    specs = [catalog.spec(name) for name in catalog.names(kind)]
    choices = [(_title(item), item.name) for item in specs if tab in item.supports]
    return gr.Dropdown(
        choices,
        value=default,
        label=label,
        info="The embedded model is small and knows drawn scenes only; the others are fetched on first use.",
    )


def _title(item: catalog.ModelSpec) -> str:
    size = f", {item.download_gb:g} GB to fetch" if item.download_gb else ""
    return f"{item.title}{size}" + (", wants a GPU" if item.needs_gpu else "")


def actions() -> tuple[gr.Button, gr.Button]:
    """Run and Stop."""
    with gr.Row(elem_classes="actions"):
        run = gr.Button("Run", variant="primary", scale=3, min_width=120)
        stop = gr.Button("Stop", variant="stop", scale=1, min_width=80)
    return run, stop


def sheet(label: str) -> gr.Image:
    """The paper-like figure of a tab."""
    return gr.Image(
        label=label,
        interactive=False,
        format="png",
        show_label=False,
        buttons=["fullscreen"],
        elem_classes="sheet",
        alt_text=label,
    )


def close_up(label: str, visible: bool = True) -> gr.Image:
    """A large picture that answers to clicks."""
    return gr.Image(
        label=label,
        interactive=False,
        format="png",
        visible=visible,
        show_label=False,
        buttons=["fullscreen"],
        elem_classes="close-up",
        alt_text=label,
    )


def export() -> tuple[gr.Button, gr.File]:
    """A button that writes figure, maps and numbers, and the files it wrote."""
    save = gr.Button("Save figure, maps and numbers", size="sm")
    files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False)
    return save, files


def header(title: str, sentence: str, limits: str) -> None:
    """What a tab answers, and a plain word on its limits."""
    gr.HTML(f"<div class='purpose'><h2>{title}</h2><p>{sentence}</p></div>{parts.note(limits)}")


def endpoint(name: str, handler: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Offer `handler` to scripts under a name: image and scene, then the page's controls, with their defaults."""
    image = upload(label="image", visible=False)
    scene = gr.Number(label="scene", precision=0, visible=False)
    outputs = [
        gr.Image(label="figure", format="png", type="filepath", visible=False),
        gr.JSON(label="numbers", visible=False),
        gr.File(label="files", file_count="multiple", visible=False),
    ]
    gr.Button(visible=False).click(
        handler, [image, scene, *inputs], outputs, api_name=name, concurrency_id="gpu", concurrency_limit=1
    )


def defaults(components: Sequence[Any]) -> dict[Any, Any]:
    """component -> its first value."""
    return {component: component.value for component in components}


def own_defaults(request: type) -> SimpleNamespace:
    """The defaults of a request's fields, so that page, API and command line start from the same."""
    return SimpleNamespace(**{item.name: item.default for item in fields(request)})


def whole(value: Any) -> Any:
    """A number field's 20.0 as 20; anything else as it is, for the request to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
