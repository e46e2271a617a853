"""Embeddings of textual inversion, in each layout that they come in."""

from pathlib import Path

import torch
from safetensors.torch import save_file


def write_embedding(file: Path, names: dict[str, int], count: int = 1, seed: int = 5) -> Path:
    """Name of a tensor -> its width; of several vectors, or of one without an axis for them."""
    made = torch.Generator().manual_seed(seed)
    shapes = {name: (count, width) if count > 1 else (width,) for name, width in names.items()}
    save_file({name: torch.randn(shape, generator=made) for name, shape in shapes.items()}, file)
    return file
