"""Stable Diffusion 1.5 and CLIP ViT-B/16 at their published sizes with random weights: for what they cost.

What such a model answers means nothing; its time and its memory are the real one's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer

from inspector.models.clip import build_clip, save_clip
from inspector.models.diffusion import build_autoencoder, build_unet, save_diffusion
from inspector.models.tokenizer import write_tokenizer

# unet/config.json and vae/config.json of Stable Diffusion 1.5 (1.4's are equal).
SD15_UNET: Mapping[str, Any] = {
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "center_input_sample": False,
    "cross_attention_dim": 768,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}
SD15_VAE: Mapping[str, Any] = {
    "act_fn": "silu",
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 512,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
CLIP, TEXT = "ViT-B-16-quickgelu", "ViT-L-14-quickgelu"  # open_clip's names; of the latter, the text tower


def write_full_size(folder: Path) -> dict[str, Path]:
    """Kind -> the folder of a model written under `folder`, about 2.4 GB in half precision, with CLIP's tokenizer."""
    torch.manual_seed(0)
    tokenizer = folder / "tokenizer"
    write_tokenizer(tokenizer, list(SimpleTokenizer().bpe_ranks), open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
    config = open_clip.get_model_config(CLIP)
    save_clip(build_clip(config), folder / "clip", config, tokenizer)
    text = open_clip.get_model_config(TEXT)
    text["vision_cfg"] = {**text["vision_cfg"], "layers": 1}  # which is not of the text encoder
    unet, autoencoder = build_unet(SD15_UNET), build_autoencoder(SD15_VAE)
    save_diffusion(folder / "diffusion", unet, autoencoder, build_clip(text), tokenizer)
    return {"clip": folder / "clip", "diffusion": folder / "diffusion"}
