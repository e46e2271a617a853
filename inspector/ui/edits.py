"""Edits: the controls of prompt-to-prompt, and a word that is written over while the earlier layout is kept."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from inspector.results import AttentionRequest, AttentionResult, Edit, check_flag
from inspector.results.edits import MOST_WEIGHT
from inspector.ui.controls import own_defaults
from inspector.ui.rewriting import with_word

OWN = own_defaults(Edit)


@dataclass(frozen=True)
class Keeping:
    """own: field -> control. layout: whether a word that is written over keeps the layout."""

    own: dict[str, Any]
    layout: gr.Checkbox

    @property
    def edit(self) -> list[Any]:
        """The controls that `written_over` takes."""
        return [self.layout, self.own["cross_kept"], self.own["self_kept"]]


def controls() -> Keeping:
    """Source, the shares of steps, the weights, and whether writing a word over asks for them."""
    layout = gr.Checkbox(
        False,
        label="Keep the layout",
        info="A word written over on its chip, of a generated picture, keeps the earlier picture's attention.",
    )
    source = gr.Textbox(
        "",
        label="Source prompt",
        placeholder="a horse on the grass",
        info="Prompt-to-prompt: keep the layout of this prompt's picture, of the same seed. Empty: of none.",
    )
    cross = gr.Slider(
        0,
        1,
        OWN.cross_kept,
        step=0.05,
        label="Cross-attention kept",
        info="Share of the steps, from the first; the authors' demonstrations have 0.8.",
    )
    own = gr.Slider(
        0, 1, OWN.self_kept, step=0.05, label="Self-attention kept", info="Likewise, of the coarse layers; 0.4 there."
    )
    weights = gr.Textbox(
        "",
        label="Weights of words",
        placeholder="horse: 2, grass: .5",
        info=f"What their maps are multiplied by, -{MOST_WEIGHT} to {MOST_WEIGHT}; the paper's are -2 to 2.",
    )
    return Keeping({"source": source, "cross_kept": cross, "self_kept": own, "weights": weights}, layout)


def fields(request: AttentionRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    edit = request.edit
    if edit is None:
        return {"source": "", "cross_kept": OWN.cross_kept, "self_kept": OWN.self_kept, "weights": ""}
    return {name: getattr(edit, name) for name in ("source", "cross_kept", "self_kept", "weights")}


def written_over(
    result: AttentionResult, word: str, text: str, layout: Any = False, cross_kept: Any = 0.8, self_kept: Any = 0.4
) -> AttentionRequest:
    """As `with_word`; with `layout` prompt-to-prompt, of a generated picture.

    The source is the shown result's prompt, or its own source where it has one: the layout is that one's.
    """
    check_flag("Keep the layout", layout)
    request, edit = with_word(result, word, text), result.request.edit
    if not layout or not word or request.image is not None:
        return request
    source = result.request.prompt if edit is None else edit.source
    return replace(request, edit=Edit(source, cross_kept, self_kept))
