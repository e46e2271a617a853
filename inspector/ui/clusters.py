"""The clusters tab: k-means of a diffusion model's features."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from inspector.results import CLUSTER_PRESETS, ClustersRequest, ClustersResult
from inspector.settings import settings
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import whole
from inspector.ui.pictures import resolve
from inspector.ui.tab import Example, Subject, Tab, assemble
from inspector.views import clusters as views
from inspector.views.figure import Sheet
from inspector.views.look import Look

TAB = "clusters"
OWN = controls.own_defaults(ClustersRequest)


def make(
    image: str | None,
    scene: float | None,
    k: float = OWN.k,
    preset: str = OWN.preset,
    timestep: float = OWN.timestep,
    prompt: str = OWN.prompt,
    seed: float = OWN.seed,
    restarts: float = OWN.restarts,
    model: str = OWN.model,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
) -> ClustersRequest:
    """The request that the controls stand for."""
    return ClustersRequest(
        **resolve(image, scene),
        k=whole(k),
        preset=preset,
        timestep=whole(timestep),
        prompt=prompt,
        seed=whole(seed),
        restarts=whole(restarts),
        model=controls.changed(model, lora, lora_scale, embeddings),
    )


def fields(request: ClustersRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    names = ("k", "preset", "timestep", "prompt", "seed", "restarts")
    own = {name: getattr(request, name) for name in names}
    return own | {"model": controls.base(request.model), **controls.split(request.model)}


def first_request() -> ClustersRequest:
    """The good case of the paper's Figure 4."""
    return make(None, scenes.GOOD)


def second_request() -> ClustersRequest:
    """Its poor case."""
    return make(None, scenes.POOR)


def clusters(
    image: str | None = None,
    scene: float | None = None,
    k: float = OWN.k,
    preset: str = OWN.preset,
    timestep: float = OWN.timestep,
    prompt: str = OWN.prompt,
    seed: float = OWN.seed,
    restarts: float = OWN.restarts,
    model: str = OWN.model,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
    columns: float | None = None,
    asked: gr.Request | None = None,
) -> Iterator[tuple[Any, Any, Any]]:
    """k-means of UNet features of an image that is noised once, beside k-means of colour and of position.

    Give an image file, or the number of a drawn scene, whose masks then measure the clusters. `lora` is the name of a
    LoRA that this page offers for the model, and `lora_scale` what its changes are multiplied by; `embeddings` are
    names of embeddings that it offers, whose words the prompt may use. `columns` of 1 or 2 makes the figure as wide as
    a journal's. Returns the figure, the numbers with request and provenance, and the files figure.png, maps.npz and
    result.json; while it runs, `numbers` holds step, total and message.
    """
    yield from runs.answer(
        TAB,
        lambda: make(image, scene, k, preset, timestep, prompt, seed, restarts, model, lora, lora_scale, embeddings),
        asked,
        columns,
    )


def notes(result: ClustersResult) -> str:
    """A word on stability, and the scores beside the baselines'."""
    stability = parts.hint(
        f"Stability {result.stability:.2f}: mean agreement (ARI) of {result.request.restarts} restarts, 1 is equal. "
        f"Layers: {', '.join(result.layers)}."
    )
    return stability + parts.table(
        views.scores(result), "Clusters matched to the masks of this picture, beside plain baselines"
    )


def figure(result: ClustersResult, look: Look, choice: Mapping[str, str], before: Any, scale: int) -> Sheet:
    """Figure 4: this case, below the one that was shown before it."""
    cases = [result] if before is None else [before, result]
    return views.sheet(
        cases, look, views.SIDE * scale, labels=[_label(case) for case in cases] if len(cases) > 1 else ()
    )


def _label(case: ClustersResult) -> str:
    known = {scenes.GOOD: "good case", scenes.POOR: "poor case"}
    return known.get(case.request.scene or 0, f"k = {case.request.k}, t = {case.request.timestep}")


SUBJECT = Subject(TAB, make, fields, first_request, notes, figure, pairs=True)


def build(models: controls.Models, todo: gr.JSON) -> Tab:
    """The tab's components; todo stands outside, since a tab's own are on the page only once it was opened."""
    controls.header(
        "Do the features alone know the things?",
        "k-means of UNet features of a picture that is noised once, beside k-means of plain colour and of plain "
        "position, and the similarity of every pixel to the one you click.",
        "Clusters have no names, and k is yours. Matching them to masks picture by picture is an oracle: read a score "
        "only beside the baselines'.",
    )
    with gr.Row(elem_classes="asked"):
        k = gr.Number(
            OWN.k,
            label="k",
            precision=0,
            minimum=1,
            maximum=settings().limits.max_k,
            info=f"Paper: none given. {OWN.k} is our choice.",
            scale=1,
            min_width=120,
            elem_classes="k",
        )
        recipe = _recipe()
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            good = gr.Button("Figure 4: a good case", size="sm")
            poor = gr.Button("Figure 4: a poor case", size="sm")
        run, stop = controls.actions()
    own = {"k": k, **recipe, "model": models.diffusion, **models.changes}
    examples = [Example(good, first_request), Example(poor, second_request)]
    return assemble(SUBJECT, clusters, own, todo, (run, stop), [run.click], examples)


def _recipe() -> dict[str, Any]:
    with gr.Accordion("Recipe", open=False, elem_classes="pill recipe-pill"):
        return {
            "preset": gr.Radio(
                list(CLUSTER_PRESETS),
                value=OWN.preset,
                label="Layers",
                info="Paper: “last 6 blocks”, unnamed. A: attention blocks of the last two levels, cosine kernels "
                "averaged (our choice). B: mean over up_blocks.3. C: ODISE's taps.",
            ),
            "timestep": gr.Slider(
                0,
                999,
                OWN.timestep,
                step=1,
                label="t of the noise",
                info=f"Paper: none given; ODISE uses 0. {OWN.timestep} is our choice.",
            ),
            "prompt": gr.Textbox(
                "", label="Prompt", info="Empty, as in ODISE without captioner; a caption changes the features."
            ),
            "seed": gr.Number(0, label="Seed", precision=0, minimum=0, info="Of the noise and of k-means."),
            "restarts": gr.Slider(
                2, 50, 5, step=1, label="Restarts", info="k-means++ starts; the best is shown. Our choice."
            ),
        }
