"""Build a small Segment Anything with random weights, and write it as a folder that transformers reads."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import SamConfig, SamModel

from inspector.models.files import SEGMENTER_PIXELS
from inspector.models.segmenters.opening import MEAN, STD

# A transformers `SamConfig`: 16 x 16 patches at 256 px, masks of 64 px, three layers in windows and two over all.
SCENES_SAM: Mapping[str, Any] = {
    "vision_config": {
        "image_size": 256,
        "patch_size": 16,
        "hidden_size": 96,
        "num_hidden_layers": 5,
        "num_attention_heads": 3,
        "window_size": 8,
        "global_attn_indexes": [2, 4],
        "output_channels": 64,
        "num_pos_feats": 32,
        "use_rel_pos": False,  # which would keep attention from the fused kernel
        "initializer_range": 0.02,  # transformers' own leaves the encoder at nought, to be loaded
    },
    "prompt_encoder_config": {"image_size": 256, "patch_size": 16, "hidden_size": 64},
    "mask_decoder_config": {"hidden_size": 64, "mlp_dim": 192, "num_attention_heads": 4, "iou_head_hidden_dim": 64},
}

ALIKE = 2.5  # times torch's default, so that cells near a point get most of its attention at first


def build_sam(config: Mapping[str, Any] = SCENES_SAM) -> SamModel:
    """A SamModel of a `SamConfig`, float32, in training mode, random but for what says where things are.

    Weights begin as in Segment Anything's own code, by torch's defaults: transformers' are those of a model ten times
    as wide, and its encoder's nearly nought. Points are coded by frequencies of deviation 1, likewise, which are never
    trained. Patches begin with sines and cosines of their row and column, and a token and the picture look at each
    other where their codes are alike.
    """
    model = SamModel(SamConfig(**copy.deepcopy(dict(config)))).train()
    codes: Any = model.shared_image_embedding.positional_embedding
    with torch.no_grad():
        for module in model.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        codes.copy_(torch.randn(codes.shape))
        places: Any = model.vision_encoder.pos_embed
        places.copy_(sines(*places.shape[1:]))
        for layer in model.mask_decoder.transformer.layers:
            for attention in (layer.cross_attn_token_to_image, layer.cross_attn_image_to_token):
                attention.k_proj.weight.copy_(attention.q_proj.weight.mul_(ALIKE))
    codes.requires_grad_(False)
    return model


def sines(height: int, width: int, channels: int) -> torch.Tensor:
    """Sines and cosines of a cell's row and column at wave lengths from 4 cells on, (1, height, width, channels).

    channels: a multiple of 4.
    """
    waves = 2 * torch.pi / torch.logspace(2, 7, channels // 4, base=2)
    rows, columns = (torch.arange(length)[:, None] * waves for length in (height, width))
    rows, columns = (torch.cat([item.sin(), item.cos()], 1) for item in (rows, columns))
    both = [rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)]
    return 0.5 * torch.cat(both, -1)[None]


def save_sam(model: SamModel, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write the folder that `load_segmenter` and transformers' own `from_pretrained` read."""
    copy.deepcopy(model).to(dtype).save_pretrained(folder, safe_serialization=True)
    side = int(model.config.vision_config.image_size)
    settings = {
        "image_processor_type": "SamImageProcessor",
        "processor_class": "SamProcessor",
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_pad": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": MEAN,
        "image_std": STD,
        "mask_pad_size": {"height": side // 4, "width": side // 4},
        "mask_size": {"longest_edge": side // 4},
        "pad_size": {"height": side, "width": side},
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"longest_edge": side},
    }
    (folder / SEGMENTER_PIXELS).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")


def open_sam(folder: Path) -> SamModel:
    """The model that `save_sam` wrote, to be trained on: float32, its codes of points frozen."""
    model = SamModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, local_files_only=True)
    model.shared_image_embedding.positional_embedding.requires_grad_(False)
    return model.train()
