"""Parts of the embedded folders, opened for training rather than for use: float32, trainable."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import open_clip
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file
from transformers import CLIPTextModel

from inspector.errors import ModelFilesError
from inspector.models.borrowing import lend, place_of
from inspector.models.clip import CONFIG_FILE, WEIGHTS_FILE, build_clip
from inspector.models.files import PIPELINE_CONFIG

PIXEL_MEAN, PIXEL_STD = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD


def open_clip_part(folder: Path) -> open_clip.CLIP:
    """The CLIP that `save_clip` wrote. Raises ModelFilesError when a file is missing."""
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelFilesError(f"{folder} has no {name}; train scenes-clip first: python -m inspector train clip.")
    config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))["model_cfg"]
    config["text_cfg"].pop("hf_tokenizer_name", None)
    model = build_clip(config)
    model.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return model.float()


def save_autoencoder(model: AutoencoderKL, folder: Path) -> None:
    """Write `folder`/vae in half precision."""
    copy.deepcopy(model).to(torch.float16).save_pretrained(folder / "vae", safe_serialization=True)


def open_autoencoder(folder: Path) -> AutoencoderKL:
    """The autoencoder in `folder`/vae. Raises ModelFilesError when it is missing."""
    _check(folder, "vae", "autoencoder")
    return _nameless(AutoencoderKL.from_pretrained(place_of(folder, "vae"), dtype=torch.float32, use_safetensors=True))


def open_text_encoder(folder: Path) -> CLIPTextModel:
    """The text encoder of `folder`, frozen. Raises ModelFilesError when it is missing."""
    _check(folder, "text_encoder", "diffusion")
    tower = CLIPTextModel.from_pretrained(
        place_of(folder, "text_encoder"), dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    return tower.eval().requires_grad_(False)


def save_unet(folder: Path, unet: UNet2DConditionModel, lender: Path) -> None:
    """Write the pipeline of a UNet, in half precision, with the other parts of the folder `lender`, as `lend` does."""
    half = copy.deepcopy(unet).to(torch.float16, memory_format=torch.contiguous_format)
    half.save_pretrained(folder / "unet", safe_serialization=True, max_shard_size="9MB")
    shutil.copyfile(lender / PIPELINE_CONFIG, folder / PIPELINE_CONFIG)
    lend(lender, folder)


def open_unet(folder: Path) -> UNet2DConditionModel:
    """The UNet in `folder`/unet. Raises ModelFilesError when it is missing."""
    _check(folder, "unet", "diffusion")
    return _nameless(UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32, use_safetensors=True))


def _nameless(model: Any) -> Any:
    """The model without the folder it came from, which diffusers would write into the next config.json."""
    model.register_to_config(_name_or_path="")
    return model


def _check(folder: Path, part: str, stem: str) -> None:
    if not (place_of(folder, part) / "config.json").is_file():
        raise ModelFilesError(f"{folder} has no {part}; train it first: python -m inspector train {stem}.")
