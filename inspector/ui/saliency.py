"""The saliency tab: Grad-CAM of a CLIP model per class."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inspector.results import CLIP_ES_BACKGROUND, POOLINGS, SaliencyRequest, SaliencyResult
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.pictures import resolve, show, uploaded
from inspector.ui.viewer import SIDE, Choice, Point, Viewer, from_image
from inspector.views import saliency as views
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.overlay import mark

TAB = "saliency"
OWN = controls.own_defaults(SaliencyRequest)
PAPER_CLASSES = "car, building, windows, trees/palms"
BACKGROUND = ", ".join(CLIP_ES_BACKGROUND)


def make(
    image: str | None,
    scene: float | None,
    classes: str,
    pooling: str = OWN.pooling,
    template: str = OWN.template,
    background: str = BACKGROUND,
    side: float = 0,
    model: str = OWN.model,
) -> SaliencyRequest:
    """The request that the controls stand for; side 0 is the model's own."""
    pixels, masks = resolve(image, scene)
    return SaliencyRequest(
        image=pixels,
        classes=classes,
        background=background,  # type: ignore[arg-type]  # the request splits it
        template=template,
        pooling=pooling,
        side=int(side) or None,
        model=model,
        masks=masks,
    )


def first_request() -> SaliencyRequest:
    """The paper's Figure 1."""
    return make(scenes.file(scenes.STREET), scenes.STREET, PAPER_CLASSES)


def api(
    image: str | None = None,
    scene: float | None = None,
    classes: str = PAPER_CLASSES,
    pooling: str = OWN.pooling,
    template: str = OWN.template,
    background: str = BACKGROUND,
    side: float = 0,
    model: str = OWN.model,
) -> Iterator[tuple[Any, Any, Any]]:
    """Grad-CAM of a CLIP model for each class of an image.

    Give an image file, or the number of a drawn scene, whose masks then measure the maps. A comma separates
    classes, a slash synonyms. Returns the figure, the numbers with request and provenance, and the files
    figure.png, maps.npz and result.json; while it runs, `numbers` holds step, total and message.
    """
    yield from runs.answer(TAB, lambda: make(image, scene, classes, pooling, template, background, side, model))


def figure(result: SaliencyResult, look: Look, chosen: int, kind: str) -> Sheet:
    """Figures 1 and 2."""
    return views.sheet(result, look)


def close(result: SaliencyResult, look: Look, point: Point, chosen: int, kind: str) -> tuple[Any, ...]:
    """Picture, colour bar, readings at the point, table."""
    index = min(int(chosen or 0), len(result.names) - 1)
    pixels = views.view(result, index, look, kind, SIDE)
    label = f"Grad-CAM of {result.names[index]}" + (" before the ReLU" if kind == "signed" else "")
    if point is None:
        readout = parts.hint("Click the picture: the classes at that pixel, ranked.")
    else:
        pixels = mark(pixels, *from_image(point, result.request.image.shape))
        title = f"At y {point[0]:.0f}, x {point[1]:.0f}: value, and its share of the map's maximum as a bar"
        readout = parts.readings(title, views.readings(result, *point))
    scores = parts.table(views.scores(result, look.threshold), "Classes")
    return show(pixels), parts.colour_bar(views.bar(result, index, look, kind), label), readout, scores


def adopt(result: SaliencyResult, chosen: int, kind: str) -> tuple[Any, ...]:
    """Offer the classes of a new result."""
    return gr.Radio([(name, index) for index, name in enumerate(result.names)], value=0), kind


def jump(result: SaliencyResult, clicked: str, chosen: int, kind: str) -> tuple[Any, ...]:
    """Show the class whose picture was clicked."""
    return (int(clicked), kind)


def build(screen: gr.JSON) -> tuple[gr.HTML, gr.State]:
    """The tab's components and events; returns its status line and the state that holds the key of its result."""
    controls.header(
        "Where does CLIP look for each class?",
        "Grad-CAM of the image encoder, one map per class, in true scale, thresholded, and measured where masks exist.",
        "A map shows what raises one class's probability against the other classes and the background words; change "
        "those words and it changes. It is no proof that the model needs this region.",
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300, elem_classes="left"):
            with gr.Row(elem_classes="examples"):
                buttons = [
                    gr.Button("Figure 1: a map per class", size="sm"),
                    gr.Button("Figure 2: thresholded", size="sm"),
                ]
            source = controls.source(scenes.STREET)
            classes = gr.Textbox(
                PAPER_CLASSES, label="Classes", info="Commas separate classes, slashes synonyms. The paper uses these."
            )
            recipe = _recipe()
            run, stop = controls.actions()
        with gr.Column(scale=8, min_width=300, elem_classes="right"):
            status = gr.HTML(parts.placeholder("Press Run, or choose Figure 1."))
            with gr.Column(visible=False, elem_classes="right") as frame:
                viewer = _viewer(frame, screen)
    inputs = [classes, *recipe]
    controls.endpoint(TAB, api, inputs)
    shown = [choice.component for choice in viewer.choices]
    paper = {source.picture: scenes.file(scenes.STREET), source.scene: scenes.STREET} | controls.defaults(inputs)
    runs.connect(
        TAB,
        uploaded(make),
        [*source.inputs, *inputs],
        (status, viewer.key),
        [run.click, classes.submit],
        stop,
        [runs.preset(buttons[0], paper | {shown[1]: "heat"}), runs.preset(buttons[1], paper | {shown[1]: "threshold"})],
    )
    return status, viewer.key


def _recipe() -> list[Any]:
    with gr.Accordion("Model and recipe", open=False):
        return [
            gr.Radio(
                list(POOLINGS),
                value=OWN.pooling,
                label="Pooling",
                info="Mean of the patch tokens as in CLIP-ES, or the class token as in plain CLIP.",
            ),
            gr.Textbox(OWN.template, label="Template", info="Paper: “a photo of classname”."),
            gr.Textbox(BACKGROUND, label="Background words", lines=3, info="They join the softmax; CLIP-ES's 25."),
            gr.Number(
                0,
                label="Side",
                precision=0,
                minimum=0,
                info="Shorter side in pixels; 0, our choice, is the model's own.",
            ),
            controls.model("clip", TAB, OWN.model),
        ]


def _viewer(frame: gr.Column, screen: gr.JSON) -> Viewer:
    sheet = controls.sheet("Grad-CAM per class, and thresholded")
    looks = controls.looks(threshold=True)
    with gr.Row():
        with gr.Column(scale=5, min_width=280):
            picture = controls.close_up("One class, close up")
            bar = gr.HTML()
        with gr.Column(scale=4, min_width=260):
            chosen = gr.Radio([], label="Class", info="Or click its picture in the figure.")
            kind = gr.Radio(
                list(views.KINDS), value="heat", label="Show", info="signed: before the ReLU, in both directions."
            )
            readout = gr.HTML()
    scores = gr.HTML()
    save, files = controls.export()
    viewer = Viewer(
        frame=frame,
        screen=screen,
        looks=looks,
        choices=[Choice(chosen), Choice(kind)],
        sheet=sheet,
        pictures=[picture],
        outputs=[picture, bar, readout, scores],
        figure=figure,
        close=close,
        adopt=adopt,
        jump=jump,
        shape=lambda result: result.request.image.shape,
    )
    viewer.wire(save, files)
    return viewer
