"""A diffusion model's networks without weights, from its small files: which layers it has, and how large they are."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inspector.errors import ModelError
from inspector.models.borrowing import place_of
from inspector.models.configurations import PUBLISHED, SD15, Configuration
from inspector.models.files import PIPELINE_CONFIG, check_pipeline, read_json
from inspector.models.listed import ModelSpec
from inspector.models.single_files import configurations
from inspector.models.written import build_part
from inspector.settings import ASSETS

SAME_AS_15 = ("stable-diffusion-1.4",)  # whose configuration is that of 1.5


def skeleton(spec: ModelSpec) -> dict[str, nn.Module]:
    """Part -> network on the meta device: "unet" and the text encoders; {} for models without a UNet.

    Also {} where the files cannot be read, which opening the model says.
    """
    try:
        pipeline, configs = _configs(spec)
        if "unet" not in configs:
            return {}
        return _built(pipeline, json.dumps(configs))
    except (ModelError, TypeError, ValueError, KeyError):  # settings that no network has
        return {}


def text_widths(spec: ModelSpec) -> tuple[int, ...]:
    """How many numbers stand for a token, of each text encoder; () as `skeleton`."""
    try:
        _, configs = _configs(spec)
        texts = sorted(name for name in configs if name.startswith("text_encoder"))
        return tuple(int(configs[name]["hidden_size"]) for name in texts) if "unet" in configs else ()
    except (ModelError, TypeError, ValueError, KeyError):
        return ()


def _configs(spec: ModelSpec) -> tuple[str, dict[str, Any]]:
    """The pipeline's class, and part -> config.json of what a LoRA may change."""
    if spec.origin == "hub":
        published = SD15 if spec.name in SAME_AS_15 else PUBLISHED[spec.name]
        return published.pipeline, {name: dict(part) for name, part in published.parts.items() if name != "vae"}
    place = Path(spec.source) if spec.origin == "local" else ASSETS / "models" / spec.source
    if place.is_file():
        told = {name.removesuffix("/config.json"): config for name, config in configurations(place).items()}
        kind = str(told["model_index.json"]["_class_name"])
    else:
        parts = check_pipeline(place)
        told = {part: read_json(place_of(place, part) / "config.json") for part in parts}
        kind = str(read_json(place / PIPELINE_CONFIG)["_class_name"])
    return kind, {
        name: {key: value for key, value in config.items() if not key.startswith("_")}  # class and version
        for name, config in told.items()
        if name == "unet" or name.startswith("text_encoder")
    }


@lru_cache(maxsize=8)
def _built(pipeline: str, configs: str) -> dict[str, nn.Module]:
    configuration = Configuration(pipeline, json.loads(configs), {}, {})
    with torch.device("meta"):
        return {name: build_part(configuration, name) for name in configuration.parts}
