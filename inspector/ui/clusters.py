"""The clusters tab: k-means of a diffusion model's features."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inspector.results import CLUSTER_PRESETS, ClustersRequest, ClustersResult
from inspector.settings import settings
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import whole
from inspector.ui.pictures import resolve, show, uploaded
from inspector.ui.session import RESULTS, fingerprint
from inspector.ui.viewer import SIDE, Choice, Point, Viewer, from_image
from inspector.views import clusters as views
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.overlay import mark

TAB = "clusters"
OWN = controls.own_defaults(ClustersRequest)
KINDS = [(views.TITLES[kind], kind) for kind in views.KINDS if kind != "similarity"]


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
) -> ClustersRequest:
    """The request that the controls stand for."""
    pixels, masks = resolve(image, scene)
    return ClustersRequest(
        image=pixels,
        k=whole(k),
        preset=preset,
        timestep=whole(timestep),
        prompt=prompt,
        seed=whole(seed),
        restarts=whole(restarts),
        model=model,
        masks=masks,
    )


def first_request() -> ClustersRequest:
    """The good case of the paper's Figure 4."""
    return make(scenes.file(scenes.GOOD), scenes.GOOD)


def second_request() -> ClustersRequest:
    """Its poor case."""
    return make(scenes.file(scenes.POOR), scenes.POOR)


def api(
    image: str | None = None,
    scene: float | None = None,
    k: float = OWN.k,
    preset: str = OWN.preset,
    timestep: float = OWN.timestep,
    prompt: str = OWN.prompt,
    seed: float = OWN.seed,
    restarts: float = OWN.restarts,
    model: str = OWN.model,
) -> Iterator[tuple[Any, Any, Any]]:
    """k-means of UNet features of an image that is noised once, beside k-means of colour and of position.

    Give an image file, or the number of a drawn scene, whose masks then measure the clusters. Returns the figure, the
    numbers with request and provenance, and the files figure.png, maps.npz and result.json; while it runs,
    `numbers` holds step, total and message.
    """
    yield from runs.answer(TAB, lambda: make(image, scene, k, preset, timestep, prompt, seed, restarts, model))


def figure(result: ClustersResult, look: Look, kind: str, kept: str) -> Sheet:
    """Figure 4: this case, below the one that was kept for comparison."""
    cases = [result]
    if kept and kept != fingerprint(result.request) and RESULTS.has(kept):
        cases.insert(0, RESULTS.get(kept))
    return views.sheet(cases, look, labels=[_label(case) for case in cases] if len(cases) > 1 else ())


def _label(case: ClustersResult) -> str:
    known = {fingerprint(first_request()): "good case", fingerprint(second_request()): "poor case"}
    return known.get(fingerprint(case.request), f"k = {case.request.k}, t = {case.request.timestep}")


def close(result: ClustersResult, look: Look, point: Point, kind: str, kept: str) -> tuple[Any, ...]:
    """Labels and similarity with what their colours mean, a word on stability, table."""
    shape = result.request.image.shape
    labels = views.view(result, look, kind, side=SIDE)
    similar = views.view(result, look, "similarity", point, SIDE)
    if point is not None:
        labels, similar = (mark(pixels, *from_image(point, shape)) for pixels in (labels, similar))
    bar = views.bar(result, look, kind)
    if kind == "clusters":
        named = parts.legend(
            (f"cluster {label}, {share:.0%}", color) for label, color, share in views.shares(result) if share
        )
    else:
        named = parts.colour_bar(bar, views.TITLES[kind]) or parts.hint(views.TITLES[kind])
    place = "the middle; click either picture" if point is None else f"y {point[0]:.0f}, x {point[1]:.0f}"
    scale = parts.colour_bar(views.bar(result, look, "similarity", point), f"Cosine similarity to {place}")
    stability = parts.hint(
        f"Stability {result.stability:.2f}: mean agreement (ARI) of {result.request.restarts} restarts, 1 is equal. "
        f"Layers: {', '.join(result.layers)}."
    )
    table = parts.table(views.scores(result), "Clusters matched to the masks of this picture, beside plain baselines")
    return show(labels), named, show(similar), scale, stability + table


def adopt(result: ClustersResult, kind: str, kept: str) -> tuple[Any, ...]:
    """Keep the view."""
    return kind, kept


def jump(result: ClustersResult, clicked: str, kind: str, kept: str) -> tuple[Any, ...]:
    """Show the view whose picture was clicked."""
    return clicked.split()[-1], kept


def build(screen: gr.JSON) -> tuple[gr.HTML, gr.State]:
    """The tab's components and events; returns its status line and the state that holds the key of its result."""
    controls.header(
        "Do the features alone know the things?",
        "k-means of UNet features of a picture that is noised once, beside k-means of plain colour and of plain "
        "position, and the similarity of every pixel to the one you click.",
        "Clusters have no names, and k is yours. Matching them to masks picture by picture is an oracle: read a score "
        "only beside the baselines'.",
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300, elem_classes="left"):
            with gr.Row(elem_classes="examples"):
                paper = gr.Button("Figure 4: a good and a poor case", size="sm")
            source = controls.source(scenes.GOOD)
            k = gr.Slider(
                1, settings().limits.max_k, OWN.k, step=1, label="k", info=f"Paper: none given. {OWN.k} is our choice."
            )
            recipe = _recipe()
            run, stop = controls.actions()
        with gr.Column(scale=8, min_width=300, elem_classes="right"):
            status = gr.HTML(parts.placeholder("Press Run, or choose Figure 4."))
            with gr.Column(visible=False, elem_classes="right") as frame:
                viewer, kept = _viewer(frame, screen)
    inputs = [k, *recipe]
    controls.endpoint(TAB, api, inputs)
    defaults = controls.defaults(inputs).values()

    def figure_4() -> Iterator[tuple[Any, ...]]:
        """Compute the good case and keep it beside; fill in the poor case, at the defaults."""
        for status, key in runs.on_page(TAB, first_request)():
            yield status, key, scenes.file(scenes.POOR), scenes.POOR, *defaults

    runs.connect(
        TAB,
        uploaded(make),
        [*source.inputs, *inputs],
        (status, viewer.key),
        [run.click],
        stop,
        [runs.Example(paper, [status, kept, source.picture, source.scene, *inputs], figure_4)],
    )
    return status, viewer.key


def _recipe() -> list[Any]:
    with gr.Accordion("Model and recipe", open=False):
        return [
            gr.Radio(
                list(CLUSTER_PRESETS),
                value=OWN.preset,
                label="Layers",
                info="Paper: “last 6 blocks”, unnamed. A: attention blocks of the last two levels, cosine kernels "
                "averaged (our choice). B: mean over up_blocks.3. C: ODISE's taps.",
            ),
            gr.Slider(
                0,
                999,
                OWN.timestep,
                step=1,
                label="t of the noise",
                info=f"Paper: none given; ODISE uses 0. {OWN.timestep} is our choice.",
            ),
            gr.Textbox(
                "", label="Prompt", info="Empty, as in ODISE without captioner; a caption changes the features."
            ),
            gr.Number(0, label="Seed", precision=0, minimum=0, info="Of the noise and of k-means."),
            gr.Slider(2, 50, 5, step=1, label="Restarts", info="k-means++ starts; the best is shown. Our choice."),
            controls.model("diffusion", TAB, OWN.model),
        ]


def _viewer(frame: gr.Column, screen: gr.JSON) -> tuple[Viewer, gr.State]:
    kept = gr.State("")
    sheet = controls.sheet("Clusters, features and baselines")
    looks = controls.looks()
    kind = gr.Radio(
        KINDS,
        value="clusters",
        label="Left picture",
        info="Or click a picture of the figure. agreement: share of restarts that put a pixel into the same cluster.",
    )
    with gr.Row():
        with gr.Column(min_width=260):
            labels = controls.close_up("Clusters")
            named = gr.HTML()
        with gr.Column(min_width=260):
            similar = controls.close_up("Similarity to the clicked pixel")
            scale = gr.HTML()
    scores = gr.HTML()
    with gr.Row():
        keep = gr.Button("Keep this case beside the next", size="sm")
        forget = gr.Button("Forget the kept case", size="sm")
    save, files = controls.export()
    viewer = Viewer(
        frame=frame,
        screen=screen,
        looks=looks,
        choices=[Choice(kind), Choice(kept)],
        sheet=sheet,
        pictures=[labels, similar],
        outputs=[labels, named, similar, scale, scores],
        figure=figure,
        close=close,
        adopt=adopt,
        jump=jump,
        shape=lambda result: result.request.image.shape,
    )
    viewer.wire(save, files)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    keep.click(lambda key: key, viewer.key, kept, **quiet)
    viewer.redraw(forget.click(lambda: "", None, kept, **quiet))
    return viewer, kept
