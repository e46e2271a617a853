"""The attention tab: cross-attention of a diffusion model per word, layer and step."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from inspector.results import AttentionRequest, AttentionResult
from inspector.settings import settings
from inspector.ui import controls, parts, runs, scenes
from inspector.ui.controls import whole
from inspector.ui.pictures import resolve, show, uploaded
from inspector.ui.viewer import SIDE, Choice, Point, Viewer, from_image
from inspector.views import attention as views
from inspector.views.figure import Sheet
from inspector.views.look import Look
from inspector.views.overlay import mark

TAB = "attention"
OWN = controls.own_defaults(AttentionRequest)
PAPER_PROMPT = "a horse on the grass"
PAPER_SEED = 7  # of the first eight the one that drew a horse best, chosen by eye
GENERATE, GIVEN = "generate from the prompt", "use the picture below"
SCHEDULERS = ("ddim", "pndm", "euler", "dpm++")  # of models.diffusion, which would import torch


def make(
    image: str | None,
    scene: float | None,
    prompt: str,
    steps: float = OWN.steps,
    guidance_scale: float = OWN.guidance_scale,
    seed: float = OWN.seed,
    noise_timestep: float = OWN.noise_timestep,
    matched: bool = False,
    scheduler: str = OWN.scheduler,
    model: str = OWN.model,
) -> AttentionRequest:
    """The request that the controls stand for; without image and scene, a picture is generated."""
    given = image is not None or scene is not None
    pixels, masks = resolve(image, scene) if given else (None, {})
    return AttentionRequest(
        prompt=prompt,
        image=pixels,
        steps=whole(steps),
        guidance_scale=guidance_scale,
        seed=whole(seed),
        noise_timestep=None if matched else whole(noise_timestep),
        scheduler=scheduler,
        model=model,
        masks=masks,
    )


def make_on_page(image: str | None, scene: float | None, mode: str, *values: Any) -> AttentionRequest:
    """As `make`; while generating, the picture in the upload does not count."""
    return uploaded(make)(image, scene, *values) if mode == GIVEN else make(None, None, *values)


def first_request() -> AttentionRequest:
    """The paper's Figure 3."""
    return make(None, None, PAPER_PROMPT, seed=PAPER_SEED)


def api(
    image: str | None = None,
    scene: float | None = None,
    prompt: str = PAPER_PROMPT,
    steps: float = OWN.steps,
    guidance_scale: float = OWN.guidance_scale,
    seed: float = OWN.seed,
    noise_timestep: float = OWN.noise_timestep,
    matched: bool = False,
    scheduler: str = OWN.scheduler,
    model: str = OWN.model,
) -> Iterator[tuple[Any, Any, Any]]:
    """Cross-attention of every word of a prompt, per layer and step.

    Without image and scene, a picture is generated from the prompt and then noised once; with an image file, or
    the number of a drawn scene, that picture is noised once. `matched` takes the timestep of the last generation step
    instead of `noise_timestep`. Returns the figure, the numbers with request and provenance, and the files
    figure.png, maps.npz and result.json; while it runs, `numbers` holds step, total and message.
    """
    yield from runs.answer(
        TAB,
        lambda: make(image, scene, prompt, steps, guidance_scale, seed, noise_timestep, matched, scheduler, model),
    )


def figure(result: AttentionResult, look: Look, word: str | int, layer: str, step: float) -> Sheet:
    """Figure 3."""
    return views.sheet(result, look, int(step) - 1, word)


def close(
    result: AttentionResult, look: Look, point: Point, word: str | int, layer: str, step: float
) -> tuple[Any, ...]:
    """Both arms' pictures and colour bars, readings at the point, table."""
    index = int(step) - 1
    shown = views.views(result, look, index, views.parse_layer(layer), word, SIDE)
    name = views.name(result, word)
    values: list[Any] = []
    for arm in ("generation", "noise once"):
        if arm not in shown:
            values += [gr.update(visible=False), ""]
            continue
        pixels, bar = shown[arm]
        if point is not None:
            pixels = mark(pixels, *from_image(point, result.images[arm].shape))
        timestep = result.steps[arm][views.at_step(result, arm, index)]
        values += [
            gr.update(value=show(pixels), visible=True),
            parts.colour_bar(bar, f"“{name}”, {arm}, t = {timestep}"),
        ]
    scores = parts.table(views.scores(result, index, word), "Against the true mask at this step, best layer first")
    return *values, _readout(result, index, layer, point), scores


def _readout(result: AttentionResult, step: int, layer: str, point: Point) -> str:
    if point is None:
        return parts.hint("Click a picture: the words at that pixel, ranked, in every arm.")
    found = ""
    for arm in result.arms:
        rows = views.readings(result, arm, step, views.parse_layer(layer), *point)
        top = max((value for _, value in rows), default=0) or 1
        title = f"{arm}, at y {point[0]:.0f}, x {point[1]:.0f}: attention without the start token"
        found += parts.readings(title, [(name, value, value / top) for name, value in rows])
    return f"<div class='beside'>{found}</div>"


def adopt(result: AttentionResult, word: str | int, layer: str, step: float) -> tuple[Any, ...]:
    """Offer the words, layers and steps of a new result; start at the main word, the mean and the last step."""
    special = [("start token", 0), ("end token", len(result.tokens) - 1)]
    words = [(name, name) for name in views.words(result)]
    choices = views.layer_choices(result)
    kept = layer if layer in [value for _, value in choices] else "mean"
    last = max(len(steps) for steps in result.steps.values())
    return (
        gr.update(choices=words + special, value=views.main_word(result)),
        gr.update(choices=choices, value=kept),
        gr.update(minimum=1, maximum=max(last, 2), value=last, interactive=last > 1),
    )


def jump(result: AttentionResult, clicked: str, word: str | int, layer: str, step: float) -> tuple[Any, ...]:
    """Show the layer, or the mean, whose picture was clicked."""
    return word, clicked, step


def build(screen: gr.JSON) -> tuple[gr.HTML, gr.State]:
    """The tab's components and events; returns its status line and the state that holds the key of its result."""
    controls.header(
        "Which pixels attend to which word?",
        "Cross-attention of the UNet while a picture is generated, and with noise added once to the finished or your "
        "own picture, as segmentation methods do.",
        "Attention is not an explanation: it says where a word's value flows, not what the model concludes. Most of it "
        "goes to the start token whatever the picture shows.",
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300, elem_classes="left"):
            with gr.Row(elem_classes="examples"):
                buttons = [
                    gr.Button("Figure 3: a horse on the grass", size="sm"),
                    gr.Button("A drawn scene", size="sm"),
                ]
            prompt = gr.Textbox(PAPER_PROMPT, label="Prompt", info="The paper's is “a horse on the grass”.")
            mode = gr.Radio(
                [GENERATE, GIVEN],
                value=GENERATE,
                label="Picture",
                info="A given picture has only the arm with noise added once.",
            )
            with gr.Group(visible=False) as given:
                source = controls.source(scenes.HORSE, caption=prompt)
            numbers = _numbers()
            run, stop = controls.actions()
        with gr.Column(scale=8, min_width=300, elem_classes="right"):
            status = gr.HTML(parts.placeholder("Press Run, or choose Figure 3."))
            with gr.Column(visible=False, elem_classes="right") as frame:
                viewer = _viewer(frame, screen)
    mode.change(
        lambda value: gr.update(visible=value == GIVEN), mode, given, show_progress="hidden", api_visibility="private"
    )
    controls.endpoint(TAB, api, [prompt, *numbers])
    runs.connect(
        TAB,
        make_on_page,
        [*source.inputs, mode, prompt, *numbers],
        (status, viewer.key),
        [run.click, prompt.submit],
        stop,
        [
            runs.preset(buttons[0], controls.defaults([mode, prompt, *numbers])),
            runs.preset(
                buttons[1],
                {
                    source.picture: scenes.file(scenes.HORSE),
                    source.scene: scenes.HORSE,
                    prompt: PAPER_PROMPT,
                    mode: GIVEN,
                },
            ),
        ],
    )
    return status, viewer.key


def _numbers() -> list[Any]:
    limits = settings().limits
    noise = gr.Slider(
        0,
        999,
        OWN.noise_timestep,
        step=1,
        label="t of the noise added once",
        info=f"Paper: none given; ODISE uses 0. {OWN.noise_timestep} is our choice.",
    )
    with gr.Accordion("Model and sampling", open=False):
        matched = gr.Checkbox(False, label="Match t", info="Use the timestep of the last generation step instead.")
        steps = gr.Slider(
            1, limits.max_steps, OWN.steps, step=1, label="Steps", info="Our choice; the paper gives none."
        )
        guidance = gr.Slider(
            1, 30, OWN.guidance_scale, step=0.5, label="Guidance", info="Stable Diffusion's usual 7.5."
        )
        seed = gr.Number(PAPER_SEED, label="Seed", precision=0, minimum=0, info="The same seed gives the same picture.")
        scheduler = gr.Dropdown(
            list(SCHEDULERS), value=OWN.scheduler, label="Sampler", info="Our choice; the paper gives none."
        )
        model = controls.model("diffusion", TAB, OWN.model)
    return [steps, guidance, seed, noise, matched, scheduler, model]


def _viewer(frame: gr.Column, screen: gr.JSON) -> Viewer:
    with gr.Row(elem_classes="chips"):
        word = gr.Radio([], label="Word", info="Every word of the prompt, and the start and end tokens.")
    with gr.Row():
        layer = gr.Dropdown(
            [("mean of all layers", "mean")],
            value="mean",
            label="Layer",
            info="Or click a picture of the figure.",
            min_width=220,
        )
        step = gr.Slider(
            1, 2, 1, step=1, label="Step", info="The last has the least noise; the paper shows it.", min_width=220
        )
    sheet = controls.sheet("Cross-attention per layer, and means per size")
    looks = controls.looks("shared")
    with gr.Row():
        with gr.Column(min_width=260):
            generated = controls.close_up("While generating")
            first = gr.HTML()
        with gr.Column(min_width=260):
            noised = controls.close_up("With noise added once")
            second = gr.HTML()
    readout = gr.HTML()
    scores = gr.HTML()
    save, files = controls.export()
    viewer = Viewer(
        frame=frame,
        screen=screen,
        looks=looks,
        choices=[Choice(word, figure=True), Choice(layer), Choice(step, figure=True)],
        sheet=sheet,
        pictures=[generated, noised],
        columns=10,
        outputs=[generated, first, noised, second, readout, scores],
        figure=figure,
        close=close,
        adopt=adopt,
        jump=jump,
        shape=lambda result: result.images[result.arms[-1]].shape,
    )
    viewer.wire(save, files)
    return viewer
