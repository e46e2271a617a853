"""The attention tab: cross-attention of a diffusion model per word, layer and step."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from inspector.errors import ImageError
from inspector.models import catalog
from inspector.results import (
    AttentionRequest,
    AttentionResult,
    check_choice,
    check_flag,
    edit_of,
    read_probes,
)
from inspector.ui import attention_recipe, controls, edits, parts, runs, scenes
from inspector.ui.attention_recipe import KEEPING, OWN, PAPER_SEED, USUAL
from inspector.ui.controls import whole
from inspector.ui.guard import guard
from inspector.ui.pictures import resolve
from inspector.ui.tab import Example, Subject, Tab, assemble
from inspector.views import attention as views
from inspector.views.attention import END
from inspector.views.figure import Sheet
from inspector.views.look import Look

TAB = "attention"
PAPER_PROMPT = "a horse on the grass"
GENERATE, GIVEN = "generate", "use the picture"


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
    arms: str | list[str] = "",
    seeds: float = OWN.seeds,
    timesteps: str = "",
    keep: str | list[str] = "",
    kept_steps: str = OWN.kept_steps,
    probes: str = "",
    source: str = "",
    cross_kept: float = edits.OWN.cross_kept,
    self_kept: float = edits.OWN.self_kept,
    weights: str = "",
    reading: str = OWN.reading,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
) -> AttentionRequest:
    """The request that the controls stand for; without image and scene, a picture is generated."""
    check_flag("matched", matched)
    given = resolve(image, scene) if image is not None or scene is not None else {}
    compared: dict[str, Any] = {
        "arms": tuple(arms) if isinstance(arms, list) else arms or "",
        "seeds": whole(seeds),
        "noise_timesteps": timesteps,
    }
    names = keep if isinstance(keep, list) else [name.strip() for name in keep.split(",") if name.strip()]
    for name in names:
        check_choice("keep", name, tuple(KEEPING))
    compared |= {KEEPING[name]: True for name in names}
    return AttentionRequest(
        **given,
        **compared,
        prompt=prompt,
        steps=whole(steps),
        guidance_scale=guidance_scale,
        seed=whole(seed),
        noise_timestep=None if matched else whole(noise_timestep),
        scheduler=scheduler,
        model=controls.changed(model, lora, lora_scale, embeddings),
        kept_steps=kept_steps,
        probes=read_probes(probes),
        edit=edit_of(prompt, source, cross_kept, self_kept, weights),
        reading=reading,
    )


def make_on_page(image: str | None, scene: float | None, mode: str, *values: Any) -> AttentionRequest:
    """As `make`; while generating, the shared picture does not count."""
    check_choice("Picture", mode, (GENERATE, GIVEN))
    if mode != GIVEN:
        return make(None, None, *values)
    if image is None and scene is None:
        raise ImageError("There is no image: choose a drawn scene or upload a picture.")
    return make(image, scene, *values)


def fields(request: AttentionRequest) -> dict[str, Any]:
    """The values of the controls that stand for a request."""
    timestep = request.noise_timestep
    return {
        "mode": GENERATE if request.image is None else GIVEN,
        "prompt": request.prompt,
        "steps": request.steps,
        "guidance_scale": request.guidance_scale,
        "seed": request.seed,
        "noise_timestep": OWN.noise_timestep if timestep is None else timestep,
        "matched": timestep is None,
        "scheduler": request.scheduler,
        "model": controls.base(request.model),
        "arms": list(request.arms),
        "seeds": request.seeds,
        "timesteps": ", ".join(map(str, request.noise_timesteps)),
        "keep": [name for name, field in KEEPING.items() if getattr(request, field)],
        "kept_steps": request.kept_steps,
        "probes": ", ".join(request.probes),
        **edits.fields(request),
        "reading": request.reading,
        **controls.split(request.model),
    }


def complete(values: dict[str, Any], pictured: bool) -> dict[str, Any]:
    """An address that names a picture means that one."""
    return values | {"mode": GIVEN if pictured else GENERATE}


def first_request() -> AttentionRequest:
    """The paper's Figure 3."""
    return make(None, None, PAPER_PROMPT, seed=PAPER_SEED, keep=USUAL)


def attention(
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
    arms: str | list[str] = "",
    seeds: float = OWN.seeds,
    timesteps: str = "",
    keep: str | list[str] = "",
    kept_steps: str = OWN.kept_steps,
    probes: str = "",
    source: str = "",
    cross_kept: float = edits.OWN.cross_kept,
    self_kept: float = edits.OWN.self_kept,
    weights: str = "",
    reading: str = OWN.reading,
    lora: str = "",
    lora_scale: float = 1,
    embeddings: str | list[str] = "",
    columns: float | None = None,
    asked: gr.Request | None = None,
) -> Iterator[tuple[Any, Any, Any]]:
    """Cross-attention of every word of a prompt, per layer and step.

    Without image and scene, a picture is generated from the prompt and then noised once; with an image file, or the
    number of a drawn scene, that picture is noised once. `matched` takes the timestep of the last generation step
    instead of `noise_timestep`. `arms` are what is compared, by name; `seeds` is how many noises are added, from `seed`
    on; `timesteps`, such as "1, 101, 301", or "every" for all of the generation's, stands instead of `noise_timestep`.
    `keep` names what maps.npz holds beside the maps, of "single heads, queries, self-attention", the last two of
    `kept_steps`, "last" or "every"; `probes` are words that need not be in the prompt, such as "dog, tree".
    `source` is a prompt whose layout the generated picture keeps (prompt-to-prompt): its cross- and coarse
    self-attention, of the same seed, stand in for the picture's own in the first `cross_kept` and `self_kept` of the
    steps; `weights`, such as "horse: 2", multiply words' maps. `reading` is what the maps are of, in models with joint
    attention: "attention" or "output". `lora` is the name of a LoRA that this page offers for the model, `lora_scale`
    what its changes are multiplied by; `embeddings` are names of embeddings that it offers, whose words the prompt may
    use. `columns` of 1 or 2 makes the figure as wide as a journal's. Returns the figure, the numbers with request and
    provenance, and the files figure.png, maps.npz and result.json; while it runs, `numbers` holds step, total and
    message.
    """
    yield from runs.answer(
        TAB,
        lambda: make(
            image,
            scene,
            prompt,
            steps,
            guidance_scale,
            seed,
            noise_timestep,
            matched,
            scheduler,
            model,
            arms,
            seeds,
            timesteps,
            keep,
            kept_steps,
            probes,
            source,
            cross_kept,
            self_kept,
            weights,
            reading,
            lora,
            lora_scale,
            embeddings,
        ),
        asked,
        columns,
    )


def drawn_request() -> AttentionRequest:
    """The drawn horse, noised once, with its masks."""
    return make(None, scenes.HORSE, PAPER_PROMPT, keep=USUAL)


def notes(result: AttentionResult) -> str:
    """What was measured of the main word at the last step."""
    cut = (
        parts.problem(f"The model did not read the end of the prompt: “{result.truncated}”.")
        if result.truncated
        else ""
    )
    back = parts.hint(views.reconstructed(result))
    word = views.main_word(result)
    last = max(len(steps) for steps in result.steps.values()) - 1
    title = f"“{word}” against its true mask at the last step, best layer first"
    return cut + back + parts.table(views.scores(result, last, word), title)


def figure(result: AttentionResult, look: Look, choice: Mapping[str, str], before: Any, scale: int) -> Sheet:
    """Figure 3, of the word and step that the viewer shows."""
    word: str | int | None = choice.get("word")
    special = {views.start(result): 0, END: len(result.tokens) - 1}
    word = special.get(str(word), word if word in views.words(result) else None)
    step = choice.get("step", "")
    last = max(len(steps) for steps in result.steps.values())
    steps = [str(number) for number in range(1, last + 1)]
    index = steps.index(step) if step in steps else -1
    return views.sheet(result, look, index, word, views.SIDE * scale)


def usual_values(model: str) -> tuple[Any, ...]:
    """Steps, guidance and sampler that are usual for a model."""
    values = {**vars(OWN), **catalog.usual_values(model)}
    return values["steps"], values["guidance_scale"], values["scheduler"]


SUBJECT = Subject(TAB, make_on_page, fields, first_request, notes, figure, complete, edit=edits.written_over)


def build(models: controls.Models, todo: gr.JSON) -> Tab:
    """The tab's components; todo stands outside, since a tab's own are on the page only once it was opened."""
    controls.header(
        "Which pixels attend to which word?",
        "Cross-attention of the UNet while a picture is generated, and with noise added once to the finished or your "
        "own picture, as segmentation methods do.",
        "Attention is not an explanation: it says where a word's value flows, not what the model concludes. Most of it "
        "goes to the start token whatever the picture shows.",
    )
    with gr.Row(elem_classes="asked"):
        mode = gr.Radio(
            [GENERATE, GIVEN],
            value=GENERATE,
            label="Picture",
            info="Our choice. A given picture has no arm that needs the latents of a generation.",
            elem_classes="mode",
        )
        prompt = gr.Textbox(
            PAPER_PROMPT, label="Prompt", info="The paper's is “a horse on the grass”.", scale=4, min_width=240
        )
        recipe = attention_recipe.build()
        with gr.Accordion("Examples", open=False, elem_classes="pill examples"):
            paper = gr.Button("Figure 3: a horse on the grass", size="sm")
            drawn = gr.Button("The drawn horse, noised once", size="sm")
        run, stop = controls.actions()
    usual = [recipe.run[name] for name in ("steps", "guidance_scale", "scheduler")]
    # By a visitor's own choice alone: a request that is shown again brings its values along.
    models.diffusion.input(guard(usual_values), [models.diffusion], usual, **controls.QUIET)
    own = {"mode": mode, "prompt": prompt, **recipe.run, "model": models.diffusion, **recipe.compared}
    own |= {**recipe.edit.own, "reading": recipe.reading, **models.changes}
    examples = [Example(paper, first_request), Example(drawn, drawn_request)]
    tab = assemble(
        SUBJECT, attention, own, todo, (run, stop), [run.click, prompt.submit], examples, edit_inputs=recipe.edit.edit
    )
    return replace(tab, costs=recipe.costs)
