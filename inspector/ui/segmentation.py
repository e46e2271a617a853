"""The segmentation tab: a label for every pixel from words."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from inspector.models import catalog
from inspector.results import (
    ALL_METHODS,
    IMPORTED,
    LOADED,
    LOCAL,
    SegmentationRequest,
    SegmentationResult,
)
from inspector.results.checks import check_text
from inspector.ui import controls, parts, runs, scenes, segmentation_recipe
from inspector.ui.controls import QUIET, optional, whole
from inspector.ui.pictures import resolve
from inspector.ui.rewriting import with_class
from inspector.ui.segmentation_recipe import BACKGROUND, OWN
from inspector.ui.tab import Example, Subject, Tab, Together, assemble
from inspector.views import segmentation as views
from inspector.views.figure import Sheet
from inspector.views.look import Look

TAB = "segmentation"
FURTHER = (
    "background_rule",
    "background_power",
    "merging",
    "head",
    "seen_weight",
    "unseen_weight",
    "background_words",
    "segmenter",
)
CHOICES = ("method", "background", "template", "timestep", "seed", "side", "clip", "diffusion", *FURTHER)
CLASSES = "car, building, windows, trees/palms, sky, sea, grass, sun"
TITLES = {
    "gradcam": "Grad-CAM, argmax",
    "clip-es": "Grad-CAM with CAA (CLIP-ES)",
    "clip": "CLIP's own patch tokens",
    "maskclip": "MaskCLIP (Zhou et al.)",
    "sclip": "SCLIP",
    "clearclip": "ClearCLIP",
    "naclip": "NACLIP",
    "attention": "cross-attention, argmax",
    "diffsegmenter": "DiffSegmenter",
    "diffseg": "DiffSeg, named by attention",
    "diffcut": "DiffCut, named by MaskCLIP",
    "vpd-attention": "VPD's attention alone",
    "odise": "ODISE (trained)",
    "san": "SAN (trained)",
    "maskclip-masks": "MaskCLIP of Ding et al. (trained)",
    "ovseg": "OVSeg's pattern (trained)",
    "lseg": "LSeg (trained)",
    "vpd": "VPD (trained)",
    LOADED: "segmenter by itself",
    ALL_METHODS: "all",
}
METHODS_NOTE = (
    "Methods. Agrees: share of pixels that are labelled as by the majority. Seconds alone: with all that methods share."
)
EXAMPLES = ("gradcam", "naclip", "diffsegmenter")
# The majority's labels, one method's, and where methods disagree; the others stand in the row below.
FIRST_OF_ALL = {"panels": [{"view": "labels"}, {"view": "naclip"}, {"view": "disagreement"}], "active": 0}
FIRST_OF_PROPOSALS = {"panels": [{"view": "labels"}, {"view": "segments"}], "active": 0}
ODISE = "odise"


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
    background_rule: str = OWN.background_rule,
    background_power: float = OWN.background_power,
    merging: float = OWN.merging,
    head: str = OWN.head,
    seen_weight: float = OWN.seen_weight,
    unseen_weight: float = OWN.unseen_weight,
    background_words: str = BACKGROUND,
    segmenter: str = OWN.segmenter,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
) -> SegmentationRequest:
    """The request that the controls stand for; side 0 is the model's own.

    Raises UnknownModelError for a segmenter or an imported head that is not there, used or not: a list of choices that
    an address fills takes no other.
    """
    check_text("classes", classes)
    for name in (segmenter, head):
        check_text("model", name)
    if method == LOADED or segmenter != OWN.segmenter:  # a host may not offer the usual one
        catalog.spec(segmenter, "segmenter")
    if head.startswith(LOCAL):
        catalog.spec(head, "head")
    check_text("background_words", background_words)
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
        diffusion=controls.changed(diffusion, lora, lora_scale, embeddings),
        background_rule=background_rule,
        background_power=background_power,
        merging=merging,
        head=head,
        seen_weight=seen_weight,
        unseen_weight=unseen_weight,
        background_words=background_words,  # type: ignore[arg-type]  # the request splits it
        segmenter=segmenter,
    )


def fields(request: SegmentationRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    own = {name: getattr(request, name) for name in CHOICES} | {"side": request.side or 0}
    own |= {"diffusion": controls.base(request.diffusion), "background_words": ", ".join(request.background_words)}
    return {"classes": parts.classes(request.classes)} | own | controls.split(request.diffusion)


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
    background_rule: str = OWN.background_rule,
    background_power: float = OWN.background_power,
    merging: float = OWN.merging,
    head: str = OWN.head,
    seen_weight: float = OWN.seen_weight,
    unseen_weight: float = OWN.unseen_weight,
    background_words: str = BACKGROUND,
    segmenter: str = OWN.segmenter,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
    columns: float | None = None,
    asked: gr.Request | None = None,
) -> Iterator[tuple[Any, Any, Any]]:
    """A class for every pixel of an image, by CLIP or a diffusion model, without training or by trained heads.

    method: gradcam, clip-es, clip, maskclip, sclip, clearclip, naclip, attention, diffsegmenter, diffseg, diffcut,
    vpd-attention; odise, san, maskclip-masks, ovseg, lseg and vpd are trained heads, on the models that they were
    trained on; all is every one of these, trained ones where there are such heads. head: of odise, a row of its
    ablation, or an imported head's name. Or method segmenter: the model `segmenter` by itself, such as clipseg or
    sam-vit-base, whose masks `clip` names. background_rule: constant (the threshold `background`), power, or words
    (`background_words`).

    Give an image file, or the number of a drawn scene, whose masks then measure the labels. A comma separates classes,
    a slash synonyms. `lora` is the name of a LoRA that this page offers for the diffusion model, and `lora_scale` what
    its changes are multiplied by; `embeddings` are names of embeddings that it offers, whose words the classes may use.
    `columns` of 1 or 2 makes the figure as wide as a journal's. Returns the figure, the numbers with request and
    provenance, and the files figure.png, maps.npz and result.json; while it runs, `numbers` holds step, total and
    message.
    """

    def wanted() -> SegmentationRequest:
        check_text("clip", clip)
        check_text("diffusion", diffusion)
        catalog.spec(clip, "clip")  # a name that does not exist is refused, used by the method or not
        catalog.spec(diffusion, "diffusion")
        own = background_rule, background_power, merging, head, seen_weight, unseen_weight, background_words, segmenter
        usual = image, scene, classes, method, background, template, timestep, seed, side, clip, diffusion
        return make(*usual, *own, lora, lora_scale, embeddings)

    yield from runs.answer(TAB, wanted, asked, columns)


def by_method(method: str) -> SegmentationRequest:
    """The street, labelled by one of the methods."""
    return replace(first_request(), method=method)


def by_odise() -> SegmentationRequest:
    """The street, labelled by ODISE's head, on the models that it was trained on."""
    return replace(by_method(ODISE), clip="scenes-clip-plain", diffusion="scenes-diffusion-plain")


def notes(result: SegmentationResult) -> str:
    """Scores against the masks, the methods where there are several, and the segments."""
    each = parts.table(views.methods(result), METHODS_NOTE) if result.votes else ""
    scores = parts.table(views.scores(result), f"Against the true masks. {views.RULE}")
    segments = parts.table(views.segments(result), "Segments, largest first")
    return f"{each}<div class='beside'>{scores}{segments}</div>"


def figure(result: SegmentationResult, look: Look, choice: Mapping[str, str], before: Any, scale: int) -> Sheet:
    """Labels, truth and errors, scores."""
    return views.sheet(result, look, views.SIDE * scale)


def by_all(request: SegmentationRequest) -> SegmentationRequest:
    """The same question to all methods."""
    return replace(request, method=ALL_METHODS)


def as_shown(result: SegmentationResult, state: Mapping[str, Any]) -> SegmentationResult:
    """The result under the weights that the viewer names its proposals with, where it has others than the run."""
    weights = state.get("weights")
    if result.proposals is None or not isinstance(weights, list) or len(weights) != 2:
        return result
    (pipeline,) = runs.load_pipelines([TAB])
    weighed: SegmentationResult = pipeline.reweighed(result, *weights)
    return weighed


SUBJECT = Subject(
    TAB, make, fields, first_request, notes, figure, edit=with_class, live=("seen_weight", "unseen_weight"),
    as_shown=as_shown,
)  # fmt: skip


def build(models: controls.Models, todo: gr.JSON) -> Tab:
    """The tab's components; todo stands outside, since a tab's own are on the page only once it was opened."""
    controls.header(
        "How far do words alone segment a picture?",
        "Every pixel gets the class that scores highest there, by twelve methods that need no training and by heads "
        "that were trained on masks, with scores, errors and every segment.",
        "Every pixel takes one of the classes you name, however badly it fits; name what is there, or choose how "
        "the background is scored. The scores of different methods are not comparable.",
    )
    with gr.Row(elem_classes="asked"):
        method = gr.Dropdown(
            [(title, name) for name, title in TITLES.items()],
            value=OWN.method,
            label="Method",
            info="Trained heads belong to the models they were trained on.",
            elem_classes="mode",
            min_width=150,
        )
        segmenter, head = segmentation_recipe.segmenter_choice(), segmentation_recipe.head_choice()
        classes = gr.Textbox(
            CLASSES, label="Classes", info="Commas separate classes, slashes synonyms.", scale=4, min_width=240
        )
        recipe, further = segmentation_recipe.build(method, segmenter)
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            buttons = {name: gr.Button(f"A street, {name}", size="sm") for name in EXAMPLES}
            trained = gr.Button("A street, ODISE: masks proposed by a trained head", size="sm")
        together = gr.Button("All methods", size="sm", elem_classes="plain together")
        run, stop = controls.actions()
    headed = IMPORTED if catalog.names("head") else (ODISE,)
    method.change(lambda name: gr.Dropdown(visible=name in headed), method, head, **QUIET)
    segmentation_recipe.follow(further["seen_weight"], further["unseen_weight"])
    chosen = {"clip": models.clip, "diffusion": models.diffusion}
    found = {"method": method, **recipe, **chosen, **further, "head": head, "segmenter": segmenter}
    own = {"classes": classes} | {name: found[name] for name in CHOICES} | models.changes  # in the order of `make`
    examples = [Example(button, partial(by_method, name)) for name, button in buttons.items()]
    examples.append(Example(trained, by_odise, FIRST_OF_PROPOSALS))
    everything = Together(together, by_all, FIRST_OF_ALL)
    return assemble(SUBJECT, segmentation, own, todo, (run, stop), [run.click, classes.submit], examples, [everything])
