"""Build a small open_clip CLIP with random weights, and write it as a folder open_clip reads."""

import copy
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from inspector.models.tokenizer import MERGES_FILE

CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
TOKENIZER_FILES = (MERGES_FILE, "tokenizer.json", "tokenizer_config.json")

# An open_clip `model_cfg`: 16 x 16 patches at 256 px, class token, GELU. vocab_size is the tokenizer's.
SCENES_CLIP: Mapping[str, Any] = {
    "embed_dim": 128,
    "quick_gelu": False,
    "vision_cfg": {
        "image_size": 256,
        "patch_size": 16,
        "width": 192,
        "layers": 5,
        "head_width": 48,
        "mlp_ratio": 4.0,
        "pool_type": "tok",
        "patch_dropout": 0.0,
    },
    "text_cfg": {
        "context_length": 32,
        "vocab_size": 1024,
        "width": 128,
        "heads": 4,
        "layers": 4,
        "pool_type": "argmax",
    },
}


def build_clip(config: Mapping[str, Any] = SCENES_CLIP) -> open_clip.CLIP:
    """An open_clip CLIP of an open_clip `model_cfg`, random weights, float32, in training mode."""
    return open_clip.CLIP(**copy.deepcopy(dict(config)))


def save_clip(
    model: open_clip.CLIP,
    folder: Path,
    config: Mapping[str, Any],
    tokenizer_folder: Path,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write the folder that `load_clip` and open_clip's own `local-dir:` read.

    config: the `model_cfg` the model was built from; patch dropout, which is of training only, is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model_cfg = copy.deepcopy(dict(config))
    model_cfg["vision_cfg"] = {**model_cfg["vision_cfg"], "patch_dropout": 0.0}
    # Any name here makes open_clip's get_tokenizer("local-dir:...") read the files of the folder itself.
    model_cfg["text_cfg"] = {**model_cfg["text_cfg"], "hf_tokenizer_name": folder.name}
    preprocess = {
        "mean": list(open_clip.OPENAI_DATASET_MEAN),
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    written = json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess}, indent=2)
    (folder / CONFIG_FILE).write_text(written + "\n", "utf-8")
    state = {name: value.detach().to(dtype).cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    if folder.resolve() != tokenizer_folder.resolve():
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer_folder / name, folder / name)
