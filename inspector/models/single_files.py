"""Single files of Stable Diffusion: which family one is of, told from the names and shapes in its header.

A single file holds every part under the names of the code that it was trained by (CompVis, Stability), and no
configuration: that is written down here, from the published repositories' config files, and sizes are the header's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.headers import Shapes, shapes

UNET, VAE = "model.diffusion_model.", "first_stage_model."
# Beginnings of names -> what a file that is no whole model is, and what to do with it.
OTHERS: Mapping[str, str] = {
    "lora_": "a LoRA, which changes a model; give the model, and this file by --lora",
    "unet.": "a LoRA, which changes a model; give the model, and this file by --lora",
    "base_model.model.": "a LoRA, which changes a model; give the model, and this file by --lora",
    "emb_params": "a textual inversion, which is one word for a model; give the model",
    "conv_in.": "one part of a pipeline; give the pipeline's folder",
    "down_blocks.": "one part of a pipeline; give the pipeline's folder",
    "encoder.": "one part of a pipeline; give the pipeline's folder",
    "text_model.": "one part of a pipeline, or transformers' CLIP; give the whole folder",
    "visual.": "weights of a CLIP without its configuration; give the folder with open_clip_config.json",
    "control_model.": "a ControlNet; give the model that it steers",
    "double_blocks.": "the transformer of FLUX alone; give the pipeline's folder",
    "model.diffusion_model.double_blocks.": "FLUX; give the pipeline's folder",
    "model.diffusion_model.joint_blocks.": "Stable Diffusion 3; give the pipeline's folder",
}


@dataclass(frozen=True)
class Family:
    """A family of single files. pipeline: diffusers' class; text: beginning of the text encoder's names."""

    name: str
    title: str
    pipeline: str
    text: str


FAMILIES = (
    Family("sd1", "Stable Diffusion 1.x", "StableDiffusionPipeline", "cond_stage_model.transformer."),
    Family("sd2", "Stable Diffusion 2.x", "StableDiffusionPipeline", "cond_stage_model.model."),
    Family("sdxl", "Stable Diffusion XL", "StableDiffusionXLPipeline", "conditioner.embedders.1.model."),
)


def family_of(file: Path) -> Family:
    """The family of a single file.

    Raises UnsupportedModelError, which says what it is, for weights of another kind, ModelFilesError where the header
    cannot be read, or parts are missing from the file.
    """
    found = shapes(file)
    if not any(name.startswith(f"{UNET}input_blocks.") for name in found):
        raise UnsupportedModelError(f"{file} holds {_other(found)}.")
    family = next((family for family in FAMILIES if any(name.startswith(family.text) for name in found)), None)
    if family is None or not any(name.startswith(VAE) for name in found):
        lacks = "an autoencoder" if family else "a text encoder"
        raise ModelFilesError(f"{file} holds a UNet without {lacks}; give a file that holds the whole model.")
    return family


def _other(found: Shapes) -> str:
    for begin, told in sorted(OTHERS.items(), key=lambda item: -len(item[0])):
        if any(name.startswith(begin) for name in found):
            return told
    return "no weights of Stable Diffusion (1.x, 2.x, XL) or of any other model that is known; give a model's folder"
