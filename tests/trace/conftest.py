"""A small real Stable Diffusion folder with random weights."""

from tests.models.conftest import diffusion_folder, tokenizer_folder

__all__ = ["diffusion_folder", "tokenizer_folder"]
