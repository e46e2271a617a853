"""Single files of Stable Diffusion: which family one is of, and its configuration, told from the file's header.

A single file holds every part under the names of the code that it was trained by (CompVis, Stability), and no
configuration: that is the published one (`configurations`), with the widths and depths of the file's header.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.configuration_parts import Configuration
from inspector.models.configurations import SD15, SD20_BASE, SD21, SD_TURBO, SDXL, SDXL_TURBO
from inspector.models.headers import Shapes, shapes

UNET, VAE, EMA = "model.diffusion_model.", "first_stage_model.", "model_ema."
OPENAI, OPEN_CLIP = "cond_stage_model.transformer.", "cond_stage_model.model."
XL_FIRST, XL_SECOND = "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."
SD2_DEPTH = 24  # of OpenCLIP's ViT-H/14; Stable Diffusion 2.x reads the last layer but one, so that one is left out
# Words in a file's name that say what nothing in the file does: that 2.x predicts noise, at 512 px; that it is a Turbo.
BASE, TURBO = ("base", "512", "inpaint"), "turbo"
# Beginnings of names -> what a file that is no whole model is, and what to do with it.
LORA = "a LoRA, which changes a model; give the model that it was made for"
PART = "one part of a pipeline; give the pipeline's folder"
OTHERS: Mapping[str, str] = {
    "lora_": LORA,
    "unet.": LORA,
    "base_model.model.": LORA,
    "emb_params": "a textual inversion, which is one word for a model; give the model",
    "conv_in.": PART,
    "down_blocks.": PART,
    "encoder.": PART,
    "text_model.": "one part of a pipeline, or transformers' CLIP; give the whole folder",
    "visual.": "weights of a CLIP without its configuration; give the folder with open_clip_config.json",
    "control_model.": "a ControlNet; give the model that it steers",
    "double_blocks.": "the transformer of FLUX alone; give the pipeline's folder",
    f"{UNET}double_blocks.": "FLUX; give the pipeline's folder",
    f"{UNET}joint_blocks.": "Stable Diffusion 3; give the pipeline's folder",
}


@dataclass(frozen=True)
class Family:
    """A family of single files. texts: part -> (transformers' class, beginning of its names)."""

    title: str
    published: Configuration
    texts: Mapping[str, tuple[str, str]]


FAMILIES = (
    Family("Stable Diffusion 1.x", SD15, {"text_encoder": ("CLIPTextModel", OPENAI)}),
    Family("Stable Diffusion 2.x", SD21, {"text_encoder": ("CLIPTextModel", OPEN_CLIP)}),
    Family(
        "Stable Diffusion XL",
        SDXL,
        {
            "text_encoder": ("CLIPTextModel", XL_FIRST),
            "text_encoder_2": ("CLIPTextModelWithProjection", XL_SECOND),
        },
    ),
)


def family_of(file: Path, found: Shapes | None = None) -> Family:
    """The family of a single file. found: its header, where it is already read.

    Raises UnsupportedModelError, which says what it is, for weights of another kind, ModelFilesError where the header
    cannot be read, or parts are missing from the file.
    """
    found = shapes(file) if found is None else found
    if not any(name.startswith(f"{UNET}input_blocks.") for name in found):
        raise UnsupportedModelError(f"{file} holds {_other(found)}.")
    for family in FAMILIES:
        if all(any(name.startswith(begin) for name in found) for _, begin in family.texts.values()):
            if not any(name.startswith(VAE) for name in found):
                raise ModelFilesError(f"{file} holds no autoencoder; give a file that holds the whole model.")
            return family
    raise ModelFilesError(f"{file} holds a UNet without a text encoder; give a file that holds the whole model.")


def _other(found: Shapes) -> str:
    for begin, told in sorted(OTHERS.items(), key=lambda item: -len(item[0])):
        if any(name.startswith(begin) for name in found):
            return told
    return "no weights of Stable Diffusion (1.x, 2.x, XL) or of any other model that is known; give a model's folder"


def published_as(file: Path, family: Family) -> Configuration:
    """The published configuration that a file is taken to have, by its family and, within that, by its name."""
    name = file.stem.lower()
    if TURBO in name:
        return SD_TURBO if family.published is SD21 else SDXL_TURBO if family.published is SDXL else family.published
    return SD20_BASE if family.published is SD21 and any(word in name for word in BASE) else family.published


def configurations(file: Path) -> dict[str, dict[str, Any]]:
    """Name of a file in a pipeline's folder -> its content, of a single file. Raises as `family_of`."""
    found = shapes(file)
    family = family_of(file, found)
    try:
        return _configurations(family, published_as(file, family), found)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelFilesError(f"{file} lacks weights of {family.title} ({error}); download it again.") from error


def _configurations(family: Family, published: Configuration, found: Shapes) -> dict[str, dict[str, Any]]:
    own = published.parts["unet"]
    levels = len(own["block_out_channels"])
    widths = [found[f"{UNET}input_blocks.{1 + 3 * level}.0.out_layers.3.weight"][0] for level in range(levels)]
    unet: dict[str, Any] = {
        **own,
        "in_channels": found[f"{UNET}input_blocks.0.0.weight"][1],
        "block_out_channels": widths,
        "cross_attention_dim": next(
            shape[1] for name, shape in found.items() if name.startswith(UNET) and "attn2.to_k" in name
        ),
    }
    if f"{UNET}label_emb.0.0.weight" in found:
        unet["projection_class_embeddings_input_dim"] = found[f"{UNET}label_emb.0.0.weight"][1]
    if isinstance(own["attention_head_dim"], tuple):  # a head for every 64 of the width
        unet["attention_head_dim"] = [max(1, width // 64) for width in widths]
    channels = [found[f"{VAE}encoder.down.{level}.block.0.conv2.weight"][0] for level in range(4)]
    index: dict[str, Any] = {
        **published.index,
        "_class_name": published.pipeline,
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", published.scheduler["_class_name"]],
    }
    configs = {
        "unet/config.json": unet,
        "vae/config.json": {**published.parts["vae"], "block_out_channels": channels},
        "scheduler/scheduler_config.json": dict(published.scheduler),
    }
    for part, (kind, begin) in family.texts.items():
        index[part] = ["transformers", kind]
        index[part.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"]
        configs[f"{part}/config.json"] = {
            **published.parts[part],
            **_text_sizes(found, begin),
            "architectures": [kind],
        }
    return {"model_index.json": index, **configs}


def _text_sizes(found: Shapes, begin: str) -> dict[str, Any]:
    """The sizes of a text encoder whose names begin so: transformers' or open_clip's."""
    names = {name.removeprefix(begin).removeprefix("text_model."): name for name in found if name.startswith(begin)}
    own = {name: found[full] for name, full in names.items()}
    if "final_layer_norm.weight" in own:  # transformers' names
        layers, mlp, tokens = "encoder.layers.", "mlp.fc1.weight", "embeddings.token_embedding.weight"
    else:
        layers, mlp, tokens = "transformer.resblocks.", "mlp.c_fc.weight", "token_embedding.weight"
    embedding = own[tokens]
    depth = 1 + max(int(name.removeprefix(layers).partition(".")[0]) for name in own if name.startswith(layers))
    projection = own.get("text_projection", own.get("text_projection.weight", (0, embedding[1])))
    return {
        "vocab_size": embedding[0],
        "hidden_size": embedding[1],
        "intermediate_size": own[f"{layers}0.{mlp}"][0],
        "num_hidden_layers": depth - (begin == OPEN_CLIP and depth == SD2_DEPTH),
        "num_attention_heads": max(1, embedding[1] // 64),
        "projection_dim": projection[1],
    }
