"""Stable Diffusion 1.5 and CLIP ViT-B/16 at their published sizes with random weights: for what they cost.

What such a model answers means nothing; its time and its memory are the real one's.
"""

from pathlib import Path

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer

from inspector.models.clip import build_clip, save_clip
from inspector.models.configuration_parts import SD15_UNET, SD15_VAE
from inspector.models.diffusion import build_autoencoder, build_unet, save_diffusion
from inspector.models.tokenizer import write_tokenizer

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
