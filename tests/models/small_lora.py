"""LoRAs for a diffusers folder, written from its header alone."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from inspector.models.headers import shapes

RANK = 2


def write_lora(folder: Path, file: Path, seed: int = 3) -> Path:
    """A LoRA of every key and value of cross-attention, with peft's names, strong enough to be seen."""
    made = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes(folder / "unet" / "diffusion_pytorch_model.safetensors").items():
        if ".attn2.to_k." in name or ".attn2.to_v." in name:
            begin = f"unet.{name.removesuffix('.weight')}"
            state[f"{begin}.lora_A.weight"] = torch.randn(RANK, shape[1], generator=made)
            state[f"{begin}.lora_B.weight"] = torch.randn(shape[0], RANK, generator=made)
    save_file(state, file)
    return file
