"""The segmentation tab: a label for every pixel from words, without training."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from inspector.models import catalog
from inspector.results import SEGMENTATION_METHODS, SegmentationRequest, SegmentationResult
from inspector.results.checks import check_text
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import optional, whole
from inspector.ui.pictures import resolve
from inspector.ui.rewriting import with_class
from inspector.ui.tab import Example, Subject, Tab, Together, assemble
from inspector.views import segmentation as views
from inspector.views.figure import Sheet
from inspector.views.look import Look

TAB = "segmentation"
OWN = controls.own_defaults(SegmentationRequest)
CLASSES = "car, building, windows, trees/palms, sky, sea, grass, sun"
METHODS = dict(
    zip(SEGMENTATION_METHODS, ("Grad-CAM, argmax", "MaskCLIP (Zhou et al.)", "cross-attention, argmax"), strict=True)
)


# Every method's labels, and where they disagree.
ALL_METHODS = {
    "panels": [{"view": "labels"}, {"view": "labels", "of": "1"}, {"view": "labels", "of": "2"}, {"of": "difference"}],
    "active": 0,
}


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
    check_text("classes", classes)
    return SegmentationRequest(
        **resolve(image, scene),
        classes=classes,
        method=method,
        background=background,
        template=template,
        timestep=whole(timestep),
        seed=whole(seed),
        side=optional(side),
        clip=clip,
        diffusion=diffusion,
    )


def fields(request: SegmentationRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    names = ("method", "background", "template", "timestep", "seed", "side", "clip", "diffusion")
    own = {name: getattr(request, name) for name in names}
    return {"classes": parts.classes(request.classes)} | own | {"side": request.side or 0}


def first_request() -> SegmentationRequest:
    """The street of Figure 1, every pixel labelled."""
    return make(None, scenes.STREET, CLASSES)


def segmentation(
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
    columns: float | None = None,
    asked: gr.Request | None = None,
) -> Iterator[tuple[Any, Any, Any]]:
    """A class for every pixel of an image, without training, by Grad-CAM, MaskCLIP or cross-attention.

    Give an image file, or the number of a drawn scene, whose masks then measure the labels. A comma separates classes,
    a slash synonyms. `columns` of 1 or 2 makes the figure as wide as a journal's. Returns the figure, the numbers with
    request and provenance, and the files figure.png, maps.npz and result.json; while it runs, `numbers` holds step,
    total and message.
    """

    def wanted() -> SegmentationRequest:
        check_text("clip", clip)
        check_text("diffusion", diffusion)
        catalog.spec(clip, "clip")  # a name that does not exist is refused, used by the method or not
        catalog.spec(diffusion, "diffusion")
        return make(image, scene, classes, method, background, template, timestep, seed, side, clip, diffusion)

    yield from runs.answer(TAB, wanted, asked, columns)


def by_method(method: str) -> SegmentationRequest:
    """The street, labelled by one of the methods."""
    return replace(first_request(), method=method)


def notes(result: SegmentationResult) -> str:
    """Scores against the masks, and the segments."""
    scores = parts.table(views.scores(result), f"Against the true masks. {views.RULE}")
    segments = parts.table(views.segments(result), "Segments, largest first")
    return f"<div class='beside'>{scores}{segments}</div>"


def figure(result: SegmentationResult, look: Look, choice: Mapping[str, str], before: Any, scale: int) -> Sheet:
    """Labels, truth and errors, scores."""
    return views.sheet(result, look, views.SIDE * scale)


def other_methods(request: SegmentationRequest) -> list[SegmentationRequest]:
    """The same question to the methods that it was not put to."""
    return [replace(request, method=method) for method in SEGMENTATION_METHODS if method != request.method]


SUBJECT = Subject(TAB, make, fields, first_request, notes, figure, edit=with_class)


def build(models: controls.Models, todo: gr.JSON) -> Tab:
    """The tab's components; todo stands outside, since a tab's own are on the page only once it was opened."""
    controls.header(
        "How far do words alone segment a picture?",
        "Every pixel gets the class that scores highest there, by three methods that need no training, with scores, "
        "errors and every segment.",
        "Every pixel takes one of the classes you name, however badly it fits; name what is there, or raise the "
        "background threshold. The scores of different methods are not comparable.",
    )
    with gr.Row(elem_classes="asked"):
        method = gr.Dropdown(
            [(title, name) for name, title in METHODS.items()],
            value=OWN.method,
            label="Method",
            info="None of them is trained for it.",
            elem_classes="mode",
            min_width=150,
        )
        classes = gr.Textbox(
            CLASSES, label="Classes", info="Commas separate classes, slashes synonyms.", scale=4, min_width=240
        )
        recipe = _recipe()
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            buttons = {name: gr.Button(f"A street, {name}", size="sm") for name in SEGMENTATION_METHODS}
        together = gr.Button("All methods", size="sm", elem_classes="plain together")
        run, stop = controls.actions()
    chosen = {"clip": models.clip, "diffusion": models.diffusion}
    own = {"classes": classes, "method": method, **recipe, **chosen}
    examples = [Example(button, partial(by_method, name)) for name, button in buttons.items()]
    beside = Together(together, other_methods, ALL_METHODS)
    return assemble(SUBJECT, segmentation, own, todo, (run, stop), [run.click, classes.submit], examples, [beside])


def _recipe() -> dict[str, Any]:
    with gr.Accordion("Recipe", open=False, elem_classes="pill recipe-pill"):
        return {
            "background": gr.Slider(
                0,
                1,
                OWN.background,
                step=0.01,
                label="Background threshold",
                info=f"A best score below it is background. Our choice: {OWN.background:g}.",
            ),
            "template": gr.Textbox(OWN.template, label="Template", info="Paper: “a photo of classname”."),
            "timestep": gr.Slider(
                0,
                999,
                OWN.timestep,
                step=1,
                label="t of the noise",
                info="Cross-attention only. DiffSegmenter uses 100.",
            ),
            "seed": gr.Number(0, label="Seed", precision=0, minimum=0, info="Of that noise."),
            "side": gr.Number(
                0, label="Side", precision=0, minimum=0, info="Shorter side CLIP sees; 0 is the model's own."
            ),
        }
