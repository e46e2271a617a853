"""The saliency tab: Grad-CAM of a CLIP model per class."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from inspector.results import CLIP_ES_BACKGROUND, POOLINGS, SaliencyRequest, SaliencyResult
from inspector.results.checks import check_text
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import optional
from inspector.ui.pictures import resolve
from inspector.ui.rewriting import with_class
from inspector.ui.tab import Example, Subject, Tab, assemble
from inspector.views import saliency as views
from inspector.views.figure import Sheet
from inspector.views.look import Look

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
    check_text("classes", classes)
    check_text("background", background)
    return SaliencyRequest(
        **resolve(image, scene),
        classes=classes,
        background=background,  # type: ignore[arg-type]  # the request splits it
        template=template,
        pooling=pooling,
        side=optional(side),
        model=model,
    )


def fields(request: SaliencyRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    return {
        "classes": parts.classes(request.classes),
        "pooling": request.pooling,
        "template": request.template,
        "background": ", ".join(request.background),
        "side": request.side or 0,
        "model": request.model,
    }


def first_request() -> SaliencyRequest:
    """The paper's Figure 1."""
    return make(None, scenes.STREET, PAPER_CLASSES)


def saliency(
    image: str | None = None,
    scene: float | None = None,
    classes: str = PAPER_CLASSES,
    pooling: str = OWN.pooling,
    template: str = OWN.template,
    background: str = BACKGROUND,
    side: float = 0,
    model: str = OWN.model,
    columns: float | None = None,
    asked: gr.Request | None = None,
) -> Iterator[tuple[Any, Any, Any]]:
    """Grad-CAM of a CLIP model for each class of an image.

    Give an image file, or the number of a drawn scene, whose masks then measure the maps. A comma separates classes, a
    slash synonyms. `columns` of 1 or 2 makes the figure as wide as a journal's. Returns the figure, the numbers with
    request and provenance, and the files figure.png, maps.npz and result.json; while it runs, `numbers` holds step,
    total and message.
    """
    yield from runs.answer(
        TAB,
        lambda: make(image, scene, classes, pooling, template, background, side, model),
        asked,
        columns,
    )


def notes(result: SaliencyResult) -> str:
    """The table of classes; how well their maps fit masks, the viewer says."""
    return parts.table(views.scores(result), "Classes, among the background words")


def figure(result: SaliencyResult, look: Look, choice: Mapping[str, str], before: Any, scale: int) -> Sheet:
    """Figures 1 and 2."""
    return views.sheet(result, look, views.SIDE * scale)


SUBJECT = Subject(TAB, make, fields, first_request, notes, figure, edit=with_class)


def build(models: controls.Models, todo: gr.JSON) -> Tab:
    """The tab's components; todo stands outside, since a tab's own are on the page only once it was opened."""
    controls.header(
        "Where does CLIP look for each class?",
        "Grad-CAM of the image encoder, one map per class, in true scale, thresholded, and measured where masks exist.",
        "A map shows what raises one class's probability against the other classes and the background words; change "
        "those words and it changes. It is no proof that the model needs this region.",
    )
    with gr.Row(elem_classes="asked"):
        classes = gr.Textbox(
            PAPER_CLASSES,
            label="Classes",
            info="Commas separate classes, slashes synonyms. The paper uses these.",
            scale=4,
            min_width=240,
        )
        recipe = _recipe()
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            maps = gr.Button("Figure 1: a map per class", size="sm")
            cut = gr.Button("Figure 2: thresholded", size="sm")
        run, stop = controls.actions()
    own = {"classes": classes, **recipe, "model": models.clip}
    examples = [Example(maps, first_request), Example(cut, first_request, {"show": "mask"})]
    return assemble(SUBJECT, saliency, own, todo, (run, stop), [run.click, classes.submit], examples)


def _recipe() -> dict[str, Any]:
    with gr.Accordion("Recipe", open=False, elem_classes="pill recipe-pill"):
        return {
            "pooling": gr.Radio(
                list(POOLINGS),
                value=OWN.pooling,
                label="Pooling",
                info="Mean of the patch tokens as in CLIP-ES, or the class token as in plain CLIP.",
            ),
            "template": gr.Textbox(OWN.template, label="Template", info="Paper: “a photo of classname”."),
            "background": gr.Textbox(
                BACKGROUND, label="Background words", lines=3, info="They join the softmax; CLIP-ES's 25."
            ),
            "side": gr.Number(
                0,
                label="Side",
                precision=0,
                minimum=0,
                info="Shorter side in pixels; 0, our choice, is the model's own.",
            ),
        }
