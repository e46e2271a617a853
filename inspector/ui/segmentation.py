"""The segmentation tab: a label for every pixel from words."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import gradio as gr

from inspector.models import catalog
from inspector.results import (
    ALL_METHODS,
    CLIP_ES_BACKGROUND,
    HEAD_TITLES,
    IMPORTED,
    LOADED,
    LOCAL,
    ODISE_HEADS,
    SegmentationRequest,
    SegmentationResult,
)
from inspector.results.checks import check_text
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import optional, whole
from inspector.ui.guard import guard
from inspector.ui.pictures import resolve
from inspector.ui.rewriting import with_class
from inspector.ui.tab import Example, Subject, Tab, Together, assemble
from inspector.views import segmentation as views
from inspector.views.figure import Sheet
from inspector.views.look import Look

TAB = "segmentation"
OWN = controls.own_defaults(SegmentationRequest)
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
BACKGROUND = ", ".join(CLIP_ES_BACKGROUND)
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
RULES = {
    "constant": "a threshold",
    "power": "(1 - best score)^p",
    "words": "background words compete",
}
METHODS_NOTE = (
    "Methods. Agrees: share of pixels that are labelled as by the majority. Seconds alone: with all that methods share."
)
EXAMPLES = ("gradcam", "naclip", "diffsegmenter")
# The majority's labels, one method's, and where methods disagree; the others stand in the row below.
FIRST_OF_ALL = {"panels": [{"view": "labels"}, {"view": "naclip"}, {"view": "disagreement"}], "active": 0}
FIRST_OF_PROPOSALS = {"panels": [{"view": "labels"}, {"view": "segments"}], "active": 0}
ODISE = "odise"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}


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
        diffusion=diffusion,
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
    words = ", ".join(request.background_words)
    return {"classes": parts.classes(request.classes)} | own | {"background_words": words}


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
    a slash synonyms. `columns` of 1 or 2 makes the figure as wide as a journal's. Returns the figure, the numbers with
    request and provenance, and the files figure.png, maps.npz and result.json; while it runs, `numbers` holds step,
    total and message.
    """

    def wanted() -> SegmentationRequest:
        check_text("clip", clip)
        check_text("diffusion", diffusion)
        catalog.spec(clip, "clip")  # a name that does not exist is refused, used by the method or not
        catalog.spec(diffusion, "diffusion")
        own = background_rule, background_power, merging, head, seen_weight, unseen_weight, background_words, segmenter
        return make(image, scene, classes, method, background, template, timestep, seed, side, clip, diffusion, *own)

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
        segmenter, head = _segmenter(), _head()
        classes = gr.Textbox(
            CLASSES, label="Classes", info="Commas separate classes, slashes synonyms.", scale=4, min_width=240
        )
        recipe, further = _recipe(method, segmenter)
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            buttons = {name: gr.Button(f"A street, {name}", size="sm") for name in EXAMPLES}
            trained = gr.Button("A street, ODISE: masks proposed by a trained head", size="sm")
        together = gr.Button("All methods", size="sm", elem_classes="plain together")
        run, stop = controls.actions()
    headed = IMPORTED if catalog.names("head") else (ODISE,)
    method.change(lambda name: gr.Dropdown(visible=name in headed), method, head, **QUIET)
    _follow(further["seen_weight"], further["unseen_weight"])
    chosen = {"clip": models.clip, "diffusion": models.diffusion}
    found = {"method": method, **recipe, **chosen, **further, "head": head, "segmenter": segmenter}
    own = {"classes": classes} | {name: found[name] for name in CHOICES}  # in the order of `make`
    examples = [Example(button, partial(by_method, name)) for name, button in buttons.items()]
    examples.append(Example(trained, by_odise, FIRST_OF_PROPOSALS))
    everything = Together(together, by_all, FIRST_OF_ALL)
    return assemble(SUBJECT, segmentation, own, todo, (run, stop), [run.click, classes.submit], examples, [everything])


def _segmenter() -> gr.Dropdown:
    """The choice of a segmenter, there while the method is that."""
    specs = [catalog.spec(name) for name in catalog.names("segmenter")]
    offered = [(item.title, item.name) for item in specs]
    if OWN.segmenter not in [name for _, name in offered]:
        offered.insert(0, ("choose one", OWN.segmenter))
    return gr.Dropdown(
        offered,
        value=OWN.segmenter,
        label="Segmenter",
        info="Recipe says what choosing one means.",
        visible="hidden",
        min_width=150,
        elem_classes="mode segmenter",
    )


def _tell_segmenter(method: gr.Dropdown, segmenter: gr.Dropdown) -> None:
    """Say what choosing a segmenter means, and show both its choice and that while the method is that."""
    about = gr.HTML(visible="hidden")

    def chosen(asked: str, name: str) -> Any:
        shown: Literal[True, "hidden"] = True if asked == LOADED else "hidden"
        known = [catalog.spec(name)] if name in catalog.names("segmenter") else []
        return gr.Dropdown(visible=shown), gr.HTML(parts.models(known), visible=shown)

    for changed in (method, segmenter):
        changed.change(guard(chosen), [method, segmenter], [segmenter, about], **QUIET)


def _head() -> gr.Dropdown:
    """ODISE's head, there while that is the method; or imported ones, of which some may be SAN's."""
    shipped, imported = catalog.trained_heads(), [catalog.spec(name) for name in catalog.names("head")]
    rows = [(title, name) for name, title in HEAD_TITLES.items() if name in ODISE_HEADS and name in shipped]
    return gr.Dropdown(
        [*rows, *((item.title, item.name) for item in imported)],
        value=OWN.head,
        label="ODISE's head",
        info="The switches of its ablation, each trained alike."
        + (" An imported one may be SAN's." if imported else ""),
        elem_classes="mode head",
        min_width=150,
        visible=False,
    )


def _follow(seen: gr.Slider, unseen: gr.Slider) -> None:
    """Let the recipe's weights and the viewer's be one, without a request to the server."""
    taken = gr.Button("Take over the viewer's weights", visible="hidden", elem_classes=f"weigh-{TAB}")
    now = f"(seen, unseen) => DenseViewer.shell.weights({TAB!r}) ?? [seen, unseen]"
    taken.click(None, [seen, unseen], [seen, unseen], js=now, **QUIET)
    told = f"(seen, unseen) => {{ DenseViewer.shell.weigh({TAB!r}, seen, unseen); }}"
    gr.on([seen.change, unseen.change], None, [seen, unseen], None, js=told, **QUIET)


def _recipe(method: gr.Dropdown, segmenter: gr.Dropdown) -> tuple[dict[str, Any], dict[str, Any]]:
    with gr.Accordion("Recipe", open=False, elem_classes="pill recipe-pill"):
        _tell_segmenter(method, segmenter)
        recipe = {
            "background": gr.Slider(
                0,
                1,
                OWN.background,
                step=0.01,
                label="Background threshold",
                info=f"A best score below it is background, by that rule. Our choice: {OWN.background:g}.",
            ),
            "template": gr.Textbox(OWN.template, label="Template", info="Paper: “a photo of classname”."),
            "timestep": gr.Slider(
                0,
                999,
                OWN.timestep,
                step=1,
                label="t of the noise",
                info="Cross-attention and DiffSegmenter, which uses 100; the others keep their papers'.",
            ),
            "seed": gr.Number(0, label="Seed", precision=0, minimum=0, info="Of that noise."),
            "side": gr.Number(
                0, label="Side", precision=0, minimum=0, info="Shorter side the model sees; 0 is its own."
            ),
        }
        return recipe, _further()


def _further() -> dict[str, Any]:
    return {
        "background_rule": gr.Dropdown(
            [(title, name) for name, title in RULES.items()],
            value=OWN.background_rule,
            label="Background by",
            info="How a pixel of no named class is scored. Power: CLIP-ES.",
        ),
        "background_words": gr.Textbox(
            BACKGROUND,
            label="Background words",
            lines=3,
            info="They compete by that rule, and in CLIP's softmax always.",
        ),
        "background_power": gr.Slider(
            0.1,
            10,
            OWN.background_power,
            step=0.1,
            label="p of the background",
            info=f"The higher, the less background. Our choice: {OWN.background_power:g}.",
        ),
        "merging": gr.Slider(
            0,
            2,
            OWN.merging,
            step=0.01,
            label="DiffSeg merges below",
            info="Nats. Its paper: 0.9 for Stable Diffusion; the embedded models need about 0.05.",
        ),
    } | _of_heads()


def _of_heads() -> dict[str, Any]:
    return {
        "seen_weight": gr.Slider(
            0,
            1,
            OWN.seen_weight,
            step=0.05,
            label="CLIP's weight, seen",
            info="On masks of classes that ODISE's head was trained with. Its paper: 0.3.",
        ),
        "unseen_weight": gr.Slider(
            0,
            1,
            OWN.unseen_weight,
            step=0.05,
            label="CLIP's weight, unseen",
            info="On masks of other classes. Its paper: 0.7.",
        ),
    }
