"""The segmentation tab: a label for every pixel from words, without training."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inspector.results import SEGMENTATION_METHODS, SegmentationRequest, SegmentationResult
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import whole
from inspector.ui.pictures import resolve, show, uploaded
from inspector.ui.viewer import SIDE, Choice, Point, Viewer, from_image
from inspector.views import segmentation as views
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.overlay import mark

TAB = "segmentation"
OWN = controls.own_defaults(SegmentationRequest)
CLASSES = "car, building, windows, trees/palms, sky, sea, grass, sun"
KINDS = [("labels", "labels"), ("score of a class", "score"), ("truth", "truth"), ("errors", "errors")]
METHODS = dict(
    zip(SEGMENTATION_METHODS, ("Grad-CAM, argmax", "MaskCLIP (Zhou et al.)", "cross-attention, argmax"), strict=True)
)


def make(
    image: str | None,
    scene: float | None,
    classes: str,
    method: str = OWN.method,
    background: float = OWN.background,
    template: str = OWN.template,
    timestep: float = OWN.timestep,
    seed: float = OWN.seed,
    side: float = 0,
    clip: str = OWN.clip,
    diffusion: str = OWN.diffusion,
) -> SegmentationRequest:
    """The request that the controls stand for; side 0 is the model's own."""
    pixels, masks = resolve(image, scene)
    return SegmentationRequest(
        image=pixels,
        classes=classes,
        method=method,
        background=background,
        template=template,
        timestep=whole(timestep),
        seed=whole(seed),
        side=whole(side) or None,
        clip=clip,
        diffusion=diffusion,
        masks=masks,
    )


def first_request() -> SegmentationRequest:
    """The street of Figure 1, every pixel labelled."""
    return make(scenes.file(scenes.STREET), scenes.STREET, CLASSES)


def api(
    image: str | None = None,
    scene: float | None = None,
    classes: str = CLASSES,
    method: str = OWN.method,
    background: float = OWN.background,
    template: str = OWN.template,
    timestep: float = OWN.timestep,
    seed: float = OWN.seed,
    side: float = 0,
    clip: str = OWN.clip,
    diffusion: str = OWN.diffusion,
) -> Iterator[tuple[Any, Any, Any]]:
    """A class for every pixel of an image, without training, by Grad-CAM, MaskCLIP or cross-attention.

    Give an image file, or the number of a drawn scene, whose masks then measure the labels. A comma separates
    classes, a slash synonyms. Returns the figure, the numbers with request and provenance, and the files
    figure.png, maps.npz and result.json; while it runs, `numbers` holds step, total and message.
    """
    yield from runs.answer(
        TAB,
        lambda: make(image, scene, classes, method, background, template, timestep, seed, side, clip, diffusion),
    )


def figure(result: SegmentationResult, look: Look, kind: str, chosen: int) -> Sheet:
    """Labels, truth and errors, scores."""
    return views.sheet(result, look)


def close(result: SegmentationResult, look: Look, point: Point, kind: str, chosen: int) -> tuple[Any, ...]:
    """Picture, legend or colour bar, readings at the point, tables."""
    index = min(int(chosen or 0), len(result.names) - 1)
    kind = kind if kind in views.kinds(result) else "labels"
    pixels = views.view(result, look, kind, index, SIDE)
    if kind == "score":
        below = parts.colour_bar(views.bar(result, look, kind, index), f"Score of {result.names[index]}")
    elif kind == "errors":
        below = parts.legend([("right", views.RIGHT), ("wrong", views.WRONG), ("no mask", views.BACKGROUND)])
    else:
        below = parts.legend(views.legend(result))
    if point is None:
        readout = parts.hint("Click the picture: the classes at that pixel, ranked.")
    else:
        pixels = mark(pixels, *from_image(point, result.request.image.shape))
        rows = views.readings(result, *point)
        title = f"At y {point[0]:.0f}, x {point[1]:.0f}: score in [0, 1]"
        readout = parts.readings(title, [(name, value, value) for name, value in rows])
    tables = parts.table(views.scores(result), "Against the true masks") + parts.table(
        views.segments(result), "Segments, largest first"
    )
    return show(pixels), below, readout, f"<div class='beside'>{tables}</div>"


def adopt(result: SegmentationResult, kind: str, chosen: int) -> tuple[Any, ...]:
    """Offer the views and classes of a new result."""
    possible = views.kinds(result)
    names = [(name, index) for index, name in enumerate(result.names)]
    return (
        gr.update(
            choices=[item for item in KINDS if item[1] in possible], value=kind if kind in possible else "labels"
        ),
        gr.update(choices=names, value=0),
    )


def jump(result: SegmentationResult, clicked: str, kind: str, chosen: int) -> tuple[Any, ...]:
    """Show the view whose picture was clicked."""
    name, _, index = clicked.partition(" ")
    return name, int(index) if index else chosen


def build(screen: gr.JSON) -> tuple[gr.HTML, gr.State]:
    """The tab's components and events; returns its status line and the state that holds the key of its result."""
    controls.header(
        "How far do words alone segment a picture?",
        "Every pixel gets the class that scores highest there, by three methods that need no training, with scores, "
        "errors and every segment.",
        "Every pixel takes one of the classes you name, however badly it fits; name what is there, or raise the "
        "background threshold. The scores of different methods are not comparable.",
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300, elem_classes="left"):
            with gr.Row(elem_classes="examples"):
                buttons = [gr.Button(f"A street, {name}", size="sm") for name in SEGMENTATION_METHODS]
            source = controls.source(scenes.STREET)
            classes = gr.Textbox(CLASSES, label="Classes", info="Commas separate classes, slashes synonyms.")
            method = gr.Radio(
                [(title, name) for name, title in METHODS.items()],
                value=OWN.method,
                label="Method",
                info="None of them is trained for it.",
            )
            recipe = _recipe()
            run, stop = controls.actions()
        with gr.Column(scale=8, min_width=300, elem_classes="right"):
            status = gr.HTML(parts.placeholder("Press Run, or choose an example."))
            with gr.Column(visible=False, elem_classes="right") as frame:
                viewer = _viewer(frame, screen)
    inputs = [classes, method, *recipe]
    controls.endpoint(TAB, api, inputs)
    street = {source.picture: scenes.file(scenes.STREET), source.scene: scenes.STREET} | controls.defaults(inputs)
    runs.connect(
        TAB,
        uploaded(make),
        [*source.inputs, *inputs],
        (status, viewer.key),
        [run.click, classes.submit],
        stop,
        [
            runs.preset(button, street | {method: name})
            for button, name in zip(buttons, SEGMENTATION_METHODS, strict=True)
        ],
    )
    return status, viewer.key


def _recipe() -> list[Any]:
    with gr.Accordion("Model and recipe", open=False):
        return [
            gr.Slider(
                0,
                1,
                OWN.background,
                step=0.01,
                label="Background threshold",
                info=f"A best score below it is background. Our choice: {OWN.background:g}.",
            ),
            gr.Textbox(OWN.template, label="Template", info="Paper: “a photo of classname”."),
            gr.Slider(
                0,
                999,
                OWN.timestep,
                step=1,
                label="t of the noise",
                info="Cross-attention only. DiffSegmenter uses 100.",
            ),
            gr.Number(0, label="Seed", precision=0, minimum=0, info="Of that noise."),
            gr.Number(0, label="Side", precision=0, minimum=0, info="Shorter side CLIP sees; 0 is the model's own."),
            controls.model("clip", TAB, OWN.clip, "CLIP model"),
            controls.model("diffusion", TAB, OWN.diffusion, "Diffusion model"),
        ]


def _viewer(frame: gr.Column, screen: gr.JSON) -> Viewer:
    sheet = controls.sheet("Labels, truth, errors and scores")
    looks = controls.looks()
    with gr.Row():
        with gr.Column(scale=5, min_width=280):
            picture = controls.close_up("Close up")
            below = gr.HTML()
        with gr.Column(scale=4, min_width=260):
            kind = gr.Radio(KINDS[:2], value="labels", label="Show", info="Or click a picture of the figure.")
            chosen = gr.Radio([], label="Class of the score")
            readout = gr.HTML()
    tables = gr.HTML()
    save, files = controls.export()
    viewer = Viewer(
        frame=frame,
        screen=screen,
        looks=looks,
        choices=[Choice(kind), Choice(chosen)],
        sheet=sheet,
        pictures=[picture],
        outputs=[picture, below, readout, tables],
        figure=figure,
        close=close,
        adopt=adopt,
        jump=jump,
        shape=lambda result: result.request.image.shape,
    )
    viewer.wire(save, files)
    return viewer
