"""Pipelines with random weights from a configuration: on the meta device to be counted, or written as a folder.

What such a model answers means nothing; its parts, its files and, at full width, its time and memory are real.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5EncoderModel,
)

from inspector.models.configuration_parts import Config, Configuration
from inspector.models.files import PIPELINE_CONFIG
from inspector.models.tokenizer import open_fast_tokenizer

NETWORKS: Mapping[str, str] = {  # pipeline -> class of what denoises
    "StableDiffusion3Pipeline": "SD3Transformer2DModel",
    "FluxPipeline": "FluxTransformer2DModel",
    "Flux2KleinPipeline": "Flux2Transformer2DModel",
    "PixArtAlphaPipeline": "PixArtTransformer2DModel",
    "PixArtSigmaPipeline": "PixArtTransformer2DModel",
}
AUTOENCODERS: Mapping[str, str] = {"Flux2KleinPipeline": "AutoencoderKLFlux2"}  # pipeline -> class, where another
PROJECTED: Mapping[str, tuple[str, ...]] = {  # pipeline -> its text encoders with a projection
    "StableDiffusionXLPipeline": ("text_encoder_2",),
    "StableDiffusionXLInpaintPipeline": ("text_encoder_2",),
    "StableDiffusion3Pipeline": ("text_encoder", "text_encoder_2"),
}


def build_part(configuration: Configuration, name: str) -> Any:
    """One part with random weights, in torch's default dtype on its default device."""
    config = dict(configuration.parts[name])
    if name == "vae":
        return getattr(diffusers, AUTOENCODERS.get(configuration.pipeline, "AutoencoderKL"))(**config)
    if name in ("unet", "transformer"):
        return getattr(diffusers, NETWORKS.get(configuration.pipeline, "UNet2DConditionModel"))(**config)
    if "d_model" in config:
        return T5EncoderModel(T5Config(**config))
    if config.get("model_type") == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**config))
    kind = CLIPTextModelWithProjection if name in PROJECTED.get(configuration.pipeline, ()) else CLIPTextModel
    return kind(CLIPTextConfig(**config))


def count_parameters(configuration: Configuration) -> dict[str, int]:
    """Part -> its weights, counted on the meta device."""
    with torch.device("meta"):
        return {name: _count(build_part(configuration, name)) for name in configuration.parts}


def _count(part: nn.Module) -> int:
    return sum(weight.numel() for weight in part.parameters())


def write_pipeline(
    folder: Path,
    configuration: Configuration,
    tokenizers: Mapping[str, Path],
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Path:
    """Write a folder as diffusers' `save_pretrained` does, part by part, and return it.

    tokenizers: name -> folder of a tokenizer; CLIP's get the padding that the configuration says.
    """
    torch.manual_seed(seed)
    for name in configuration.parts:
        build_part(configuration, name).to(dtype).save_pretrained(folder / name)
    for name, place in tokenizers.items():
        if name in configuration.pads:
            tokenizer = open_fast_tokenizer(place)
            tokenizer.pad_token = configuration.pads[name]
            tokenizer.save_pretrained(folder / name)
        else:
            shutil.copytree(place, folder / name)
    _write(folder / "scheduler" / "scheduler_config.json", configuration.scheduler)
    parts = {name: _class_of(configuration, name) for name in configuration.parts}
    named = {"_class_name": configuration.pipeline, "_diffusers_version": diffusers.__version__}
    index = {**named, **configuration.index, **parts}
    index |= {name: ["transformers", _tokenizer_of(configuration, name)] for name in tokenizers}
    _write(folder / PIPELINE_CONFIG, {**index, "scheduler": ["diffusers", configuration.scheduler["_class_name"]]})
    return folder


def _tokenizer_of(configuration: Configuration, name: str) -> str:
    if name in configuration.pads:
        return "CLIPTokenizer"
    return "T5TokenizerFast" if "d_model" in configuration.parts[_encoder(name)] else "Qwen2TokenizerFast"


def _encoder(tokenizer: str) -> str:
    return tokenizer.replace("tokenizer", "text_encoder")


def _class_of(configuration: Configuration, name: str) -> list[str]:
    with torch.device("meta"):
        kind = type(build_part(configuration, name))
    return [kind.__module__.split(".")[0], kind.__name__]


def _write(file: Path, content: Config) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dict(content), indent=2) + "\n", "utf-8")
