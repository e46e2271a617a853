"""The controls of segmentation that belong to some methods: recipe, segmenter, head, and weights of CLIP's opinion."""

from typing import Any, Literal

import gradio as gr

from inspector.models import catalog
from inspector.results import CLIP_ES_BACKGROUND, HEAD_TITLES, LOADED, ODISE_HEADS, SegmentationRequest
from inspector.ui import parts
from inspector.ui.controls import QUIET, own_defaults
from inspector.ui.guard import guard

OWN = own_defaults(SegmentationRequest)
BACKGROUND = ", ".join(CLIP_ES_BACKGROUND)
RULES = {
    "constant": "a threshold",
    "power": "(1 - best score)^p",
    "words": "background words compete",
}


def segmenter_choice() -> gr.Dropdown:
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


def head_choice() -> gr.Dropdown:
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


def follow(seen: gr.Slider, unseen: gr.Slider) -> None:
    """Let the recipe's weights and the viewer's be one, without a request to the server."""
    taken = gr.Button("Take over the viewer's weights", visible="hidden", elem_classes="weigh-segmentation")
    now = "(seen, unseen) => DenseViewer.shell.weights('segmentation') ?? [seen, unseen]"
    taken.click(None, [seen, unseen], [seen, unseen], js=now, **QUIET)
    told = "(seen, unseen) => { DenseViewer.shell.weigh('segmentation', seen, unseen); }"
    gr.on([seen.change, unseen.change], None, [seen, unseen], None, js=told, **QUIET)


def build(method: gr.Dropdown, segmenter: gr.Dropdown) -> tuple[dict[str, Any], dict[str, Any]]:
    """The accordion: controls that other tabs have too, and further ones, each field -> control."""
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
