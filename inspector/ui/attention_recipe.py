"""The attention tab's recipe: a run's numbers, what is compared, what is kept for questions, and prompt-to-prompt."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from inspector.results import ARMS, EVERY, KEPT_STEPS, MOST_SEEDS, READINGS, AttentionRequest
from inspector.settings import settings
from inspector.ui import controls, edits
from inspector.ui.costs import Costs

OWN = controls.own_defaults(AttentionRequest)
PAPER_SEED = 7  # of the first eight the one that drew a horse best, chosen by eye
KEEPING = {"single heads": "heads", "queries": "queries", "self-attention": "self_attention"}  # name -> field
USUAL = ["queries", "self-attention"]  # kept by the page, so that what it shows can be asked further questions
# Of models.diffusion, which would import torch; each model works with some of them.
SCHEDULERS = ("ddim", "pndm", "euler", "dpm++", "euler-a", "lcm", "flow")


@dataclass(frozen=True)
class Recipe:
    """The recipe's controls by field: of a run, of a comparison and what is kept for questions, of prompt-to-prompt.

    reading: what maps are of. costs: where it is told what a run of them keeps.
    """

    run: dict[str, Any]
    compared: dict[str, Any]
    edit: edits.Keeping
    reading: gr.Radio
    costs: Costs


def _questions() -> dict[str, Any]:
    """The controls of what is kept for questions after the run."""
    keep = gr.CheckboxGroup(
        list(KEEPING),
        value=USUAL,
        label="Keep for questions after the run",
        info="Every head's maps; queries, for words not in the prompt; self-attention, for where a pixel looks.",
    )
    steps = gr.Radio(list(KEPT_STEPS), value=OWN.kept_steps, label="Of which steps", info="Queries and self-attention.")
    probes = gr.Textbox(
        "", label="Probe words", placeholder="dog, tree", info="Need not be in the prompt; after a run, also under Ask."
    )
    return {"keep": keep, "kept_steps": steps, "probes": probes}


def build() -> Recipe:
    """The recipe, closed."""
    limits = settings().limits
    with gr.Accordion("Recipe", open=False, elem_classes="pill recipe-pill") as opened:
        noise = gr.Slider(
            0,
            999,
            OWN.noise_timestep,
            step=1,
            label="t of the noise added once",
            info=f"Paper: none given; ODISE uses 0. {OWN.noise_timestep} is our choice.",
        )
        matched = gr.Checkbox(False, label="Match t", info="Use the timestep of the last generation step instead.")
        timesteps = gr.Textbox(
            "",
            label="Several t of the noise",
            placeholder="1, 101, 301",
            info=f"Instead of the one above; “{EVERY}”: at each step of the generation, matched with it.",
        )
        seeds = gr.Slider(
            1, MOST_SEEDS, OWN.seeds, step=1, label="Noises", info="How many, from the seed on; each is an arm."
        )
        arms = gr.Dropdown(
            list(ARMS),
            value=[],
            multiselect=True,
            allow_custom_value=True,  # the request refuses others, in its own words
            label="Arms",
            info="None chosen: generation and noise once, of several noises their mean and spread too.",
        )
        steps = gr.Slider(
            1, limits.max_steps, OWN.steps, step=1, label="Steps", info="Our choice; the paper gives none."
        )
        guidance = gr.Slider(
            1, 30, OWN.guidance_scale, step=0.5, label="Guidance", info="Stable Diffusion's usual 7.5; 1 is none."
        )
        seed = gr.Number(PAPER_SEED, label="Seed", precision=0, minimum=0, info="The same seed gives the same picture.")
        scheduler = gr.Dropdown(
            list(SCHEDULERS), value=OWN.scheduler, label="Sampler", info="Our choice; the paper gives none."
        )
        questions = _questions()
        told = gr.HTML(elem_classes="costs")
        edit = edits.controls()
        reading = gr.Radio(
            list(READINGS),
            value=OWN.reading,
            label="Maps of",
            info="Of FLUX and Stable Diffusion 3: attention, or the output space, as ConceptAttention reads it.",
        )
    run = {
        "steps": steps,
        "guidance_scale": guidance,
        "seed": seed,
        "noise_timestep": noise,
        "matched": matched,
        "scheduler": scheduler,
    }
    compared = {"arms": arms, "seeds": seeds, "timesteps": timesteps, **questions}
    return Recipe(run, compared, edit, reading, Costs(told, opened))
